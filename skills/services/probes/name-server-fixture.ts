import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";

/** A small name server on loopback: it answers each question with the records it is given. */
const open: Socket[] = [];

export type Answer = { readonly code: number; readonly records: readonly Buffer[] } | "silence";

/** @param answer given the type that is asked for, and the name */
export async function startNameServer(
  answer: (type: number, name: string) => Answer,
): Promise<string> {
  const socket = createSocket("udp4");
  open.push(socket);
  socket.on("message", (query: Buffer, from: RemoteInfo) => {
    const end = query.indexOf(0, 12) + 5;
    const question = query.subarray(12, end);
    const given = answer(query.readUInt16BE(end - 4), nameOf(query));
    if (given === "silence") return;
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | given.code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(given.records.length, 6);
    const type = query.subarray(end - 4, end - 2);
    const records = given.records.map((data) => {
      const fixed = Buffer.alloc(8);
      fixed.writeUInt16BE(1, 0);
      fixed.writeUInt32BE(60, 2);
      fixed.writeUInt16BE(data.length, 6);
      return Buffer.concat([Buffer.from([0xc0, 12]), type, fixed, data]);
    });
    socket.send(Buffer.concat([head, question, ...records]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return `127.0.0.1:${socket.address().port}`;
}

export function closeNameServers(): void {
  for (const socket of open.splice(0)) socket.close();
}

export const records = (...data: Buffer[]): Answer => ({ code: 0, records: data });
/** As it is written on the wire. */
export const wireName = (text: string): Buffer =>
  Buffer.concat([
    ...text.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.from([0]),
  ]);

function nameOf(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at]; at += (query[at] ?? 0) + 1) {
    labels.push(query.subarray(at + 1, at + 1 + (query[at] ?? 0)).toString());
  }
  return labels.join(".");
}
