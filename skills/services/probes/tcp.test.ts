import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { probedTargetOf, probeOnce } from "../services-fixture.ts";
import type { ProbedTarget } from "../target.ts";

const target = (tcp: string, extra: Record<string, unknown> = {}) =>
  probedTargetOf({ name: "db", tcp, ...extra });

const look = (of: ProbedTarget, timeoutMs = 20_000, signal = new AbortController().signal) =>
  probeOnce(of, { timeoutMs, signal });

async function listener(host: string) {
  const connected = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    connected.resolve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connected: connected.promise,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

/** A port that is listened on by a thread which never accepts, with its waiting line full. */
async function fullListener() {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer();
     server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once("message", resolve));
  const waiting = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(port, "127.0.0.1", () => resolve(socket));
          socket.on("error", reject);
        }),
    ),
  );
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of waiting) socket.destroy();
      await worker.terminate();
    },
  };
}

describe("a tcp probe", () => {
  it("connects and hangs up without a word", async () => {
    await using server = await listener("127.0.0.1");
    expect(await look(target(`127.0.0.1:${server.port}`))).toMatchObject({
      ok: true,
      detail: "connected",
    });
    const socket = await server.connected;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBe(0);
  });

  it("calls a connection that came late slow", async () => {
    await using server = await listener("127.0.0.1");
    const hurried = target(`127.0.0.1:${server.port}`, { expect: { maxMs: 0.5 } });
    expect(await look(hurried)).toMatchObject({ ok: false, fault: "slow" });
  });

  it("names a closed port", async () => {
    const server = await listener("127.0.0.1");
    await server[Symbol.asyncDispose]();
    expect(await look(target(`127.0.0.1:${server.port}`))).toMatchObject({
      ok: false,
      fault: "down",
      reason: "connection refused",
    });
  });

  it("names a host that does not exist", async () => {
    const result = await look(target("no-such-host.invalid:5432"));
    expect(result.ok ? "" : result.reason).toMatch(/^host name (not found|lookup failed)$/);
  });

  // Other systems answer a full waiting line in their own ways.
  it.runIf(process.platform === "linux")("gives up in time where nobody answers", async () => {
    await using silent = await fullListener();
    expect(await look(target(`127.0.0.1:${silent.port}`), 150)).toMatchObject({
      ok: false,
      fault: "down",
      reason: "timed out after 150ms",
    });
  });

  it("throws when nobody waits any more", async () => {
    const stopped = AbortSignal.abort(new Error("the daemon stops"));
    await expect(look(target("127.0.0.1:1"), 1_000, stopped)).rejects.toThrow("the daemon stops");
  });
});
