import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterFailedDelivery,
  backoffMs,
  downAt,
  isDown,
  restored,
  working,
  type ChannelHealth,
} from "./channel-health.ts";

const now = 1_000_000_000;
const second = 1_000;
const minute = 60 * second;
const failure = { now, retryable: true, retryAt: undefined };
const failedTimes = (times: number, changes: Partial<typeof failure> = {}): ChannelHealth => {
  let health = working;
  for (let time = 0; time < times; time += 1) {
    health = afterFailedDelivery(health, { ...failure, ...changes });
  }
  return health;
};

test.each([
  [1, 30 * second],
  [2, minute],
  [3, 2 * minute],
  [6, 16 * minute],
  [7, 30 * minute],
  [1_000, 30 * minute],
])("after %i failures in a row the wait is %i ms", (failures, wait) => {
  expect(backoffMs(failures)).toBe(wait);
  expect(failedTimes(failures).restUntil).toBe(now + wait);
});

test("what a server asks for is heeded for up to an hour", () => {
  const asked = (retryAt: number) => afterFailedDelivery(working, { ...failure, retryAt });
  expect(asked(now + 10 * minute).leaveUntil).toBe(now + 10 * minute);
  expect(asked(now + 600 * minute).leaveUntil).toBe(now + 60 * minute);
  expect(asked(Infinity).leaveUntil).toBe(now + 60 * minute);
});

test("one refusal may be the message's fault; the second in a row is the channel's", () => {
  expect(failedTimes(1, { retryable: false }).restUntil).toBe(now + 30 * second);
  expect(failedTimes(2, { retryable: false }).restUntil).toBe(now + 30 * minute);
});

describe("a channel counts as down", () => {
  test.each([
    ["one that works", working, null],
    ["one failure, which may stay the only one", failedTimes(1), null],
    ["two failures: after five minutes", failedTimes(2), now + 5 * minute],
    ["three failures: at once", failedTimes(3), now],
  ])("%s", (_, health, at) => {
    expect(downAt(health)).toBe(at);
    expect(isDown(health, now + 10 * minute)).toBe(at !== null);
    if (at !== null) expect([isDown(health, at - 1), isDown(health, at)]).toEqual([false, true]);
  });
});

test("a restart keeps how it stands and ends its rest", () => {
  const health = restored(failedTimes(4, { retryAt: now + minute } as object));
  expect(health).toMatchObject({ consecutiveFailures: 4, failingSince: now });
  expect([health.restUntil, health.leaveUntil, health.lastFailedAt]).toEqual([0, 0, null]);
});

test("whatever a channel answers, it rests for an hour at most and is never tried in the past", () => {
  const failures = fc.array(
    fc.record({
      retryable: fc.boolean(),
      retryAt: fc.option(fc.double({ noNaN: true }), { nil: undefined }),
      afterMs: fc.integer({ min: 0, max: 3 * 3_600_000 }),
    }),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(failures, (all) => {
      let health = working;
      let at = now;
      for (const { retryable, retryAt, afterMs } of all) {
        at += afterMs;
        health = afterFailedDelivery(health, { now: at, retryable, retryAt });
        const until = Math.max(health.restUntil, health.leaveUntil);
        expect(until).toBeGreaterThan(at);
        expect(until).toBeLessThanOrEqual(at + 60 * minute);
        expect(health.failingSince).toBeLessThanOrEqual(at);
      }
      expect(health.consecutiveFailures).toBe(all.length);
    }),
  );
});
