import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { account, newUptime, uptimeOver } from "./uptime.ts";
import type { Uptime, UptimeState } from "./uptime.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 10, 20, 12, 17);
const longestGapMs = 3 * minute;

/** One look per step, each step `stepMs` after the last. */
function keep(states: readonly UptimeState[], stepMs = minute): Uptime {
  let uptime = newUptime(start);
  for (const [index, state] of states.entries()) {
    uptime = account(uptime, state, { now: start + index * stepMs, longestGapMs });
  }
  return uptime;
}

const times = (count: number, state: UptimeState) => Array<UptimeState>(count).fill(state);

describe("the account of uptime", () => {
  it("takes no room for a year in which all was well", () => {
    let uptime = newUptime(start);
    for (let at = 0; at <= 366 * day; at += 2 * hour) {
      uptime = account(uptime, "up", { now: start + at, longestGapMs: 3 * hour });
    }
    expect(uptime.hours.length + uptime.days.length).toBe(0);
    expect(uptimeOver(uptime, 365 * day)).toEqual({ seenMs: 365 * day, downMs: 0, share: 1 });
  });

  it("counts the time from a failed look to the next good one", () => {
    const uptime = keep([...times(30, "up"), ...times(6, "down"), ...times(24, "up"), "up"]);
    expect(uptimeOver(uptime, day)).toEqual({
      seenMs: 60 * minute,
      downMs: 6 * minute,
      share: 0.9,
    });
  });

  it("knows nothing of the time in which nobody looked", () => {
    let uptime = keep(["up", "up"]);
    uptime = account(uptime, "up", { now: start + 10 * hour, longestGapMs });
    expect(uptimeOver(uptime, day)).toMatchObject({ seenMs: 4 * minute, share: 1 });
    const never = account(newUptime(start), "unseen", { now: start + hour, longestGapMs });
    expect(uptimeOver(never, day)).toEqual({ seenMs: 0, downMs: 0, share: null });
  });

  it("adds nothing for a clock that is set back, and is not kept busy by one that leaps", () => {
    const before = keep(times(60, "down"));
    const back = account(before, "up", { now: start + 10 * minute, longestGapMs });
    expect(uptimeOver(back, day).downMs).toBeLessThanOrEqual(10 * minute);
    const leap = account(before, "up", { now: Date.UTC(9999, 0), longestGapMs });
    expect(leap.hours.length + leap.days.length).toBeLessThan(1_200);
    expect(uptimeOver(leap, day)).toMatchObject({ share: null });
  });

  it("stays small whatever happens for a year", () => {
    let uptime = newUptime(start);
    for (let at = 0; at < 400 * day; at += 20 * minute) {
      const state = at % hour === 0 ? "down" : "up";
      uptime = account(uptime, state, { now: start + at, longestGapMs: hour });
    }
    expect(JSON.stringify(uptime).length).toBeLessThan(30_000);
    expect(uptime.days.length).toBeGreaterThan(300);
    for (const days of [1, 7, 30, 365]) {
      expect(uptimeOver(uptime, days * day).share).toBeCloseTo(2 / 3, 2);
    }
  });

  it("loses no minute: what was down, up and unseen is all the time there was", () => {
    const step = fc.record({
      state: fc.constantFrom<UptimeState>("up", "down", "unseen"),
      ms: fc.integer({ min: 1, max: 30 * hour }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = start;
        let uptime = newUptime(now);
        let state: UptimeState = "unseen";
        const total = { up: 0, down: 0, unseen: 0 };
        for (const next of steps) {
          const known = Math.min(next.ms, longestGapMs);
          total[state] += known;
          total.unseen += next.ms - known;
          now += next.ms;
          uptime = account(uptime, next.state, { now, longestGapMs });
          state = next.state;
        }
        const { seenMs, downMs } = uptimeOver(uptime, 366 * day);
        expect(downMs).toBe(total.down);
        expect(seenMs).toBe(total.up + total.down);
      }),
    );
  });
});
