import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { silentLog } from "../telemetry/log.ts";
import { keepBackground } from "./background.ts";

const second = 1_000;

function bench(work: (turn: number, signal: AbortSignal) => Promise<void>) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const begun: number[] = [];
  const skill = {
    name: "mail",
    background: (signal: AbortSignal) => {
      begun.push(clock.now());
      return work(begun.length, signal);
    },
  };
  const startedAt = clock.now();
  const ended = keepBackground([skill, { name: "quiet", background: undefined }], {
    clock,
    log: silentLog,
    stopping: stop.signal,
  });
  return { clock, stop, ended, begun: () => begun.map((at) => (at - startedAt) / second) };
}

it("is begun again after ever longer waits when it breaks", async () => {
  const { clock, stop, ended, begun } = bench(() => Promise.reject(new Error("the line broke")));
  for (const seconds of [5, 10, 20]) {
    await clock.whenPending();
    await clock.advance(seconds * second);
  }
  await clock.whenPending();
  expect(begun()).toEqual([0, 5, 15, 35]);
  stop.abort();
  await ended;
});

it("is begun again soon when it has gone well for long", async () => {
  const { clock, stop, ended, begun } = bench(async (turn) => {
    if (turn === 3) await clock.sleep(3_600 * second);
    throw new Error("the line broke");
  });
  for (const seconds of [5, 10, 3_600, 5]) {
    await clock.whenPending();
    await clock.advance(seconds * second);
  }
  await clock.whenPending();
  expect(begun()).toEqual([0, 5, 15, 3_620]);
  stop.abort();
  await ended;
});

it("is over when it returns, and ends with the daemon", async () => {
  const over = bench(() => Promise.resolve());
  await over.ended;
  expect(over.begun()).toEqual([0]);

  const waiting = bench(
    (_, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(new Error("aborted"))),
      ),
  );
  waiting.stop.abort();
  await waiting.ended;
  expect(waiting.begun()).toEqual([0]);
});

it("that does not hear that the daemon stops does not keep it from stopping", async () => {
  const { clock, stop, ended } = bench(() => new Promise(() => undefined));
  stop.abort();
  await clock.whenPending();
  await clock.advance(3 * second);
  await ended;
});
