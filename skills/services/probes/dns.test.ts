import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { afterEach, describe, expect, it } from "vitest";
import { probedTargetOf, probeOnce } from "../services-fixture.ts";

/** A small name server on loopback: it answers each question with the records it is given. */
const open: Socket[] = [];

type Answer = { readonly code: number; readonly records: readonly Buffer[] } | "silence";

async function nameServer(answer: (type: number) => Answer): Promise<string> {
  const socket = createSocket("udp4");
  open.push(socket);
  socket.on("message", (query: Buffer, from: RemoteInfo) => {
    const end = query.indexOf(0, 12) + 5;
    const question = query.subarray(12, end);
    const given = answer(query.readUInt16BE(end - 4));
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

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const records = (...data: Buffer[]): Answer => ({ code: 0, records: data });
const name = (text: string): Buffer =>
  Buffer.concat([
    ...text.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.from([0]),
  ]);

const probe = (server: string, dns: Record<string, unknown>, timeoutMs = 20_000) =>
  probeOnce(probedTargetOf({ dns: { name: "example.com", server, ...dns } }), { timeoutMs });

describe("a dns probe", () => {
  it.each([
    ["A", undefined, [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])], "2 A records"],
    ["A", ["192.0.2.2"], [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])], "2 A records"],
    [
      "AAAA",
      "2001:DB8:0::1",
      [Buffer.from("20010db8000000000000000000000001", "hex")],
      "1 AAAA record",
    ],
    [
      "MX",
      "10 MAIL.example.com.",
      [Buffer.concat([Buffer.from([0, 10]), name("mail.example.com")])],
      "1 MX record",
    ],
    ["CNAME", "www.example.net", [name("www.example.net")], "1 CNAME record"],
    ["TXT", "v=spf1 -all", [Buffer.from("\u0006v=spf1\u0005 -all")], "1 TXT record"],
    [
      "SRV",
      "1 2 443 a.example.com",
      [Buffer.concat([Buffer.from([0, 1, 0, 2, 1, 187]), name("a.example.com")])],
      "1 SRV record",
    ],
  ])("finds %s %o", async (type, expected, data, detail) => {
    const server = await nameServer(() => records(...data));
    const result = await probe(server, { type, ...(expected && { expect: expected }) });
    expect(result).toMatchObject({ ok: true, detail });
  });

  it("names a record that is missing, and nothing of what is there", async () => {
    const server = await nameServer(() => records(Buffer.from("\u0006ignore")));
    expect(await probe(server, { type: "TXT", expect: "v=spf1 -all" })).toMatchObject({
      ok: false,
      fault: "down",
      reason: "TXT of example.com has no record v=spf1 -all",
    });
  });

  it.each([
    [3, "no such domain (A of example.com)"],
    [2, "name server failed (A of example.com)"],
    [5, "name server refused (A of example.com)"],
    [0, "no such record (A of example.com)"],
  ])("names an answer with code %i and no record", async (code, reason) => {
    const server = await nameServer(() => ({ code, records: [] }));
    expect(await probe(server, {})).toMatchObject({ ok: false, fault: "down", reason });
  });

  it("gives up in time on a server that does not answer", async () => {
    const server = await nameServer(() => "silence");
    const started = performance.now();
    const result = await probe(server, {}, 200);
    expect(result).toMatchObject({ ok: false, fault: "down" });
    expect(result.ok ? "" : result.reason).toMatch(/timed out after 200ms|did not answer/);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
