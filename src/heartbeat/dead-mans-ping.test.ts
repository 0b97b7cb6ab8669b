import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Log } from "../telemetry/log.ts";
import { silentLog } from "../telemetry/log.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { createDeadMansPing } from "./dead-mans-ping.ts";

/** A switch on a real port: what it was asked, and how it answers. */
async function startSwitch() {
  const asked: string[] = [];
  const answers: { status: number | "hang" } = { status: 200 };
  let arrived = Promise.withResolvers<void>();
  const server = createServer((incoming, outgoing) => {
    asked.push(incoming.url ?? "");
    arrived.resolve();
    arrived = Promise.withResolvers();
    if (answers.status === "hang") return;
    outgoing.writeHead(answers.status).end("OK");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    answers,
    url: `http://127.0.0.1:${port}/ping/7c1e-secret-uuid`,
    arrival: () => arrived.promise,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let outside: Awaited<ReturnType<typeof startSwitch>>;
beforeEach(async () => {
  outside = await startSwitch();
});
afterEach(() => outside.close());

function watchOver(url = outside.url) {
  const said: string[] = [];
  const note = (fields: object, message: string) =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, info: note, warn: note };
  const clock = new FakeClock();
  const stop = new AbortController();
  const scrub = (text: string) => text.replaceAll("7c1e-secret-uuid", "[secret]");
  const ping = createDeadMansPing(url, { clock, log, scrub, signal: stop.signal });
  return { ping, said, clock, stop };
}

it("tells of each beat, and of one that failed under its own address", async () => {
  const { ping, said } = watchOver();
  ping.beat("completed");
  await ping.ended();
  ping.beat("failed");
  await ping.ended();
  expect(outside.asked).toEqual(["/ping/7c1e-secret-uuid", "/ping/7c1e-secret-uuid/fail"]);
  expect(said).toEqual([]);
});

it("keeps what a query says, and a slash at the end", async () => {
  const { ping } = watchOver(`${outside.url}/?run=1`);
  ping.beat("failed");
  await ping.ended();
  expect(outside.asked).toEqual(["/ping/7c1e-secret-uuid/fail?run=1"]);
});

it("says once that it cannot be reached, without the address, and once that it can again", async () => {
  const { ping, said } = watchOver();
  outside.answers.status = 500;
  for (let beat = 0; beat < 3; beat += 1) {
    ping.beat("completed");
    await ping.ended();
  }
  outside.answers.status = 200;
  ping.beat("completed");
  await ping.ended();
  expect(said).toEqual([
    'the dead-man\'s switch cannot be reached {"error":"the service answered with status 500"}',
    "the dead-man's switch is reached again {}",
  ]);
});

it("is no ping when nobody listens", async () => {
  await outside.close();
  const { ping, said } = watchOver();
  ping.beat("completed");
  await ping.ended();
  expect(said).toEqual([expect.stringMatching(/^the dead-man's switch cannot be reached .*ECONN/)]);
  expect(said.join("")).not.toContain("7c1e");
  outside = await startSwitch();
});

it("holds up nobody while the service hangs, gives it up in time, and then says only the last word", async () => {
  const { ping, clock, said } = watchOver();
  outside.answers.status = "hang";
  const first = outside.arrival();
  ping.beat("completed");
  await first;
  ping.beat("completed");
  ping.beat("completed");
  ping.beat("failed");
  expect(outside.asked).toHaveLength(1);
  outside.answers.status = 200;
  await clock.advance(10_000);
  await ping.ended();
  expect(outside.asked).toEqual(["/ping/7c1e-secret-uuid", "/ping/7c1e-secret-uuid/fail"]);
  expect(said[0]).toContain("no answer in time");
});

it("ends with the daemon", async () => {
  const { ping, stop, said } = watchOver();
  outside.answers.status = "hang";
  const first = outside.arrival();
  ping.beat("completed");
  await first;
  stop.abort();
  await ping.ended();
  expect(said).toEqual([]);
});
