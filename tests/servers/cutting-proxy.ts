import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";

/** Stands before a real server on a loopback port of its own, and cuts connections where it is told to. */
export interface CuttingProxy {
  readonly port: number;
  /** Bytes that the server sent through it. */
  readonly received: () => number;
  /** From now on each connection ends after so many lines of the server; undefined: no more cuts. */
  cutAfter(lines: number | undefined): void;
  /** Connections that were cut. */
  readonly cuts: () => number;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  let limit: number | undefined;
  let received = 0;
  let cuts = 0;
  const open = new Set<() => void>();
  const proxy = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    let left = limit;
    const end = () => {
      client.destroy();
      upstream.destroy();
      open.delete(end);
    };
    open.add(end);
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (chunk) => upstream.write(chunk));
    upstream.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (left === undefined) {
        client.write(chunk);
        return;
      }
      let at = 0;
      while (left > 0 && at < chunk.length) {
        const line = chunk.indexOf(10, at);
        if (line === -1) break;
        at = line + 1;
        left -= 1;
      }
      if (left > 0) {
        client.write(chunk);
        return;
      }
      cuts += 1;
      client.write(chunk.subarray(0, at), end);
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    port: (proxy.address() as AddressInfo).port,
    received: () => received,
    cuts: () => cuts,
    cutAfter(lines) {
      limit = lines;
    },
    async close() {
      for (const end of [...open]) end();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
