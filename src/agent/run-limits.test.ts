import { expect, test } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { countCalls, startDeadline, type RunLimits } from "./run-limits.ts";

const limits: RunLimits = {
  stepsPerRun: 25,
  toolCallsPerRun: 4,
  identicalCalls: 3,
  minutesPerRun: 10,
};
const call = (name: string, input: unknown = {}) => ({ name, input });

test("calls are counted over all replies of a run", () => {
  const counter = countCalls(limits);
  expect(counter.take([call("a"), call("b")])).toBeNull();
  expect(counter.take([call("c"), call("d")])).toBeNull();
  expect(counter.take([call("e")])).toMatchObject({ limit: "toolCallsPerRun" });
});

test("a loop is the same tool with the same input, whatever the order of its keys", () => {
  const counter = countCalls(limits);
  expect(counter.take([call("a", { x: 1, y: [2] })])).toBeNull();
  expect(counter.take([call("a", { y: [2], x: 1 }), call("b", { x: 1, y: [2] })])).toBeNull();
  expect(counter.take([call("a", { x: 1, y: [2] })])).toEqual({
    limit: "identicalCalls",
    reason: "a loop: the model called a with the same input 3 times",
  });
});

test("a loop within one reply is one too", () => {
  const calls = [call("a"), call("a"), call("a")];
  expect(countCalls(limits).take(calls)).toMatchObject({ limit: "identicalCalls" });
});

test("a deadline aborts what is under way when its time is over, and nothing after it has ended", async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const kept = startDeadline(limits, { clock, signal });
  await clock.advance(10 * 60_000 - 1);
  expect([kept.signal.aborted, kept.reached()]).toEqual([false, null]);
  await clock.advance(1);
  expect(kept.signal.aborted).toBe(true);
  expect(kept.reached()).toEqual({
    limit: "minutesPerRun",
    reason: "the run took longer than 10m",
  });

  const ended = startDeadline(limits, { clock, signal });
  ended[Symbol.dispose]();
  expect(clock.pending).toBe(0);
  await clock.advance(20 * 60_000);
  expect([ended.signal.aborted, ended.reached()]).toEqual([false, null]);
});

test("a deadline follows the daemon's own signal, without its time being over", () => {
  const stop = new AbortController();
  using deadline = startDeadline(limits, { clock: new FakeClock(), signal: stop.signal });
  stop.abort();
  expect([deadline.signal.aborted, deadline.reached()]).toEqual([true, null]);
});
