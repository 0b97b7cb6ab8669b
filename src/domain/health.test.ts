import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterFailure, afterSuccess, type CheckHealth, newHealth, plausibleDue } from "./health.ts";
import { nextDue, type Schedule } from "./schedule.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const at = (text: string): number => Date.parse(text);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const every = (everyMs: number): Schedule => ({ kind: "interval", everyMs });
const cron = (expression: string): Schedule => ({ kind: "cron", expression, timezone: "UTC" });
const noon = at("2026-11-03T12:00:00Z");
const failed = (consecutiveFailures: number): CheckHealth => ({
  status: consecutiveFailures < 3 ? "failing" : "blind",
  consecutiveFailures,
  failingSince: noon - hour,
  lastOkAt: noon - day,
  nextDueAt: noon,
});

describe("afterSuccess", () => {
  it("is ok and due by the schedule", () => {
    const look = { now: noon + 4.5 * minute, schedule: every(5 * minute), slackMs: minute };
    expect(afterSuccess(look)).toEqual({
      status: "ok",
      consecutiveFailures: 0,
      failingSince: null,
      lastOkAt: look.now,
      nextDueAt: noon + 10 * minute,
    });
  });
});

describe("afterFailure", () => {
  it("remembers the first failure, and is blind after three in a row", () => {
    const schedule = every(5 * minute);
    let health: CheckHealth = { ...newHealth, lastOkAt: noon - hour };
    const statuses = [0, 1, 2, 3].map((turn) => {
      health = afterFailure(health, { now: noon + turn * hour, schedule, slackMs: 0 });
      expect(health).toMatchObject({
        consecutiveFailures: turn + 1,
        failingSince: noon,
        lastOkAt: noon - hour,
      });
      return health.status;
    });
    expect(statuses).toEqual(["failing", "failing", "blind", "blind"]);
  });

  it.each([
    // schedule, failures before this one, minutes to the next look
    [every(5 * minute), 0, 5],
    [every(5 * minute), 1, 10],
    [every(5 * minute), 2, 20],
    [every(5 * minute), 3, 30],
    [every(5 * minute), 4, 30],
    [every(5 * minute), 5_000, 30],
    [every(minute), 3, 8],
    [every(15 * minute), 1, 30],
    [every(20 * minute), 5, 20],
    [every(hour), 0, 60],
    [every(hour), 9, 60],
    [cron("0 18 * * *"), 0, 1],
    [cron("0 18 * * *"), 1, 2],
    [cron("0 18 * * *"), 2, 4],
    [cron("0 18 * * *"), 5, 30],
    [cron("0 18 * * *"), 5_000, 30],
    [cron("10 * * * *"), 5, 10],
    [cron("* * * * *"), 5, 1],
  ])("%j after %d failures waits %d min", (schedule, before, minutes) => {
    const look = { now: noon, schedule, slackMs: 0 };
    expect(afterFailure(failed(before), look).nextDueAt).toBe(noon + minutes * minute);
  });

  it.each([
    ["heeded, on the grid", every(5 * minute), noon + 12 * minute, noon + 15 * minute],
    ["past", every(5 * minute), noon - minute, noon + 5 * minute],
    ["heeded for an hour at most", every(5 * minute), noon + 90 * day, noon + hour],
    ["heeded to the second", cron("* * * * *"), noon + 90 * second, noon + 90 * second],
  ])("a server's wish to be left alone is %s", (_name, schedule, retryAt, expected) => {
    const health = afterFailure(newHealth, { now: noon, schedule, slackMs: 0, retryAt });
    expect(iso(health.nextDueAt)).toBe(iso(expected));
  });

  it("does not look again at a time that the failed look was taken early for", () => {
    const look = { now: noon - 30 * second, schedule: every(5 * minute), slackMs: minute };
    expect(afterFailure(newHealth, look).nextDueAt).toBe(noon + 5 * minute);
  });

  const looks = {
    everyMs: fc.integer({ min: second, max: 2 * day }),
    now: fc.integer({ min: 1e12, max: 2e12 }),
    slackMs: fc.integer({ min: 0, max: hour }),
    failures: fc.integer({ min: 0, max: 2_000 }),
  };

  it("stays on the grid, never earlier than the schedule, and within the cap", () => {
    fc.assert(
      fc.property(fc.record(looks), ({ everyMs, now, slackMs, failures }) => {
        const look = { now, schedule: every(everyMs), slackMs };
        const due = afterFailure(failed(failures), look).nextDueAt;
        const regular = nextDue(look.schedule, now, slackMs);
        expect(due % everyMs).toBe(0);
        expect(due).toBeGreaterThanOrEqual(regular);
        expect(due).toBeLessThanOrEqual(Math.max(regular, now + 30 * minute));
      }),
    );
  });

  it("never waits less after one more failure", () => {
    fc.assert(
      fc.property(fc.record(looks), ({ everyMs, now, slackMs, failures }) => {
        for (const schedule of [every(everyMs), cron("0 18 * * *")]) {
          const look = { now, schedule, slackMs };
          const [first, second] = [failures, failures + 1].map(
            (count) => afterFailure(failed(count), look).nextDueAt,
          );
          expect(second).toBeGreaterThanOrEqual(first ?? Infinity);
        }
      }),
    );
  });

  it("is forgotten after one success", () => {
    fc.assert(
      fc.property(fc.record(looks), ({ everyMs, now, slackMs, failures }) => {
        const look = { now, schedule: every(everyMs), slackMs };
        const recovered = afterSuccess({ ...look, now: now + hour });
        const again = afterFailure(recovered, { ...look, now: now + day });
        const first = afterFailure(newHealth, { ...look, now: now + day });
        expect(again).toEqual({ ...first, lastOkAt: now + hour });
        expect(afterFailure(failed(failures), look).consecutiveFailures).toBe(failures + 1);
      }),
    );
  });
});

describe("plausibleDue", () => {
  it("brings a check back that a clock set back would silence", () => {
    const lookedLastYear = { now: noon + 365 * day, schedule: every(hour), slackMs: 0 };
    const well = afterSuccess(lookedLastYear);
    const failing = afterFailure(well, lookedLastYear);
    expect(plausibleDue(well, every(hour), noon)).toBe(noon + hour);
    expect(plausibleDue(failing, every(hour), noon)).toBe(noon + hour);
    expect(plausibleDue(newHealth, every(hour), noon)).toBeNull();
  });

  it("leaves what a look decided, from then on", () => {
    const look = fc.record({
      schedule: fc.oneof(
        fc.integer({ min: second, max: 3 * day }).map(every),
        fc.constantFrom(cron("0 18 * * *"), cron("*/7 * * * *"), cron("0 9 1 * *")),
      ),
      now: fc.integer({ min: 1e12, max: 2e12 }),
      slackMs: fc.integer({ min: 0, max: hour }),
      retryIn: fc.integer({ min: -hour, max: 3 * hour }),
      later: fc.integer({ min: 0, max: 4 * day }),
      failures: fc.integer({ min: 0, max: 10 }),
    });
    fc.assert(
      fc.property(look, ({ retryIn, later, failures, ...taken }) => {
        const well = afterSuccess(taken);
        const retryAt = taken.now + retryIn;
        const failing = afterFailure(failed(failures), { ...taken, retryAt });
        for (const health of [well, failing]) {
          const due = plausibleDue(health, taken.schedule, taken.now + later);
          expect(iso(due)).toBe(iso(health.nextDueAt));
        }
      }),
      { numRuns: 500 },
    );
  });
});
