import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clampDue,
  nextDue,
  parseSchedule,
  planBeat,
  type Schedule,
  type ScheduledCheck,
  slackFor,
} from "./schedule.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const at = (text: string): number => Date.parse(text);
const iso = (ms: number): string => new Date(ms).toISOString();

const every = (everyMs: number): Schedule => ({ kind: "interval", everyMs });
const cron = (expression: string, timezone = "Europe/Berlin"): Schedule => ({
  kind: "cron",
  expression,
  timezone,
});
const check = (over: Partial<ScheduledCheck> = {}): ScheduledCheck => ({
  name: "inbox/work",
  schedule: every(5 * minute),
  slackMs: minute,
  nextDueAt: null,
  ...over,
});
const noon = at("2026-11-03T12:00:00Z");

describe("parseSchedule", () => {
  const defaults = { everyMs: 5 * minute, timezone: "Europe/Berlin" };

  it.each([
    [{}, every(5 * minute)],
    [{ every: "90s" }, every(90 * second)],
    [{ cron: " 30 7 * * 1-5 " }, cron("30 7 * * 1-5")],
    [{ cron: "*/10 * * * * *" }, cron("*/10 * * * * *")],
    [{ cron: "@daily" }, cron("@daily")],
  ])("reads %j", (input, schedule) => {
    expect(parseSchedule(input, defaults)).toEqual({ ok: true, schedule });
  });

  it.each([
    [{ every: "soon" }, '"soon" is not an interval'],
    [{ every: "0.5s" }, "at least 1s"],
    [{ every: "5m", cron: "* * * * *" }, "keep one of them"],
    [{ cron: "61 * * * *" }, "Invalid value for minute: 61"],
    [{ cron: "every day" }, "write five fields"],
    [{ cron: "" }, "write five fields"],
    [{ cron: "0 0 1 1 * * 2027" }, "write five fields"],
    [{ cron: "2026-11-11T00:00:00" }, "write five fields"],
    [{ cron: "0 0 30 2 *" }, "names a date that never comes"],
    [{ cron: "@reboot" }, "not supported"],
  ])("says what is wrong with %j", (input, words) => {
    const parsed = parseSchedule(input, defaults);
    expect(parsed).toMatchObject({ ok: false });
    expect("problem" in parsed && parsed.problem).toContain(words);
    expect("problem" in parsed && parsed.problem.length).toBeLessThan(200);
  });

  it("says that the zone is unknown", () => {
    const parsed = parseSchedule({ cron: "@daily" }, { ...defaults, timezone: "Europe/Nowhere" });
    expect(parsed).toEqual({
      ok: false,
      problem: '"Europe/Nowhere" is not a time zone; write one such as "Europe/Berlin"',
    });
  });

  it("keeps what it says short, and never throws, whatever is written", () => {
    const field = fc.constantFrom("*", "*/5", "1-5", "L", "MON#2", "99", "?", "1,,2", "W", "-1");
    const written = fc.oneof(
      fc.string({ maxLength: 10_000 }),
      fc.array(field, { minLength: 4, maxLength: 7 }).map((fields) => fields.join(" ")),
      fc.integer({ min: 0, max: 5_000 }).map((count) => `${"1,".repeat(count)}1 * * * *`),
    );
    fc.assert(
      fc.property(written, (text) => {
        for (const input of [{ every: text }, { cron: text }]) {
          const parsed = parseSchedule(input, defaults);
          if (parsed.ok) expect(nextDue(parsed.schedule, noon, 0)).toBeGreaterThan(noon);
          else expect(parsed.problem.length).toBeLessThan(300);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("nextDue of an interval", () => {
  it.each([
    ["on the grid", 12, 0, 0, "12:05"],
    ["late", 12, 4, 0, "12:05"],
    ["early within its slack, which takes that time", 12, 4.5, minute, "12:10"],
    ["early by exactly its slack", 12, 4, minute, "12:10"],
    ["with a slack that is cut to a quarter", 12, 3, hour, "12:05"],
    ["with a slack of a quarter", 12, 3.75, hour, "12:10"],
  ])("after a look %s", (_name, hours, minutes, slackMs, expected) => {
    const now = at("2026-11-03T00:00:00Z") + hours * hour + minutes * minute;
    expect(iso(nextDue(every(5 * minute), now, slackMs))).toBe(`2026-11-03T${expected}:00.000Z`);
  });

  it("is the first time on the grid after now and the slack", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: second, max: 40 * day }),
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: 0, max: hour }),
        (everyMs, now, slackMs) => {
          const slack = slackFor(every(everyMs), slackMs);
          const due = nextDue(every(everyMs), now, slackMs);
          expect(due % everyMs).toBe(0);
          expect(due).toBeGreaterThan(now + slack);
          expect(due - everyMs).toBeLessThanOrEqual(now + slack);
          expect(slack).toBeLessThanOrEqual(everyMs / 4);
        },
      ),
    );
  });
});

describe("nextDue of cron", () => {
  it.each([
    // Berlin sets its clocks forward from 02:00 to 03:00 on 29 March 2026 at 01:00Z.
    ["30 2 * * *", "2026-03-28T02:00:00Z", "2026-03-29T01:00:00.000Z"],
    ["30 2 * * *", "2026-03-29T00:59:59.999Z", "2026-03-29T01:00:00.000Z"],
    ["30 2 * * *", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00.000Z"],
    ["30 2,14 * * *", "2026-03-28T14:00:00Z", "2026-03-29T01:00:00.000Z"],
    ["*/30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00.000Z"],
    // And back from 03:00 to 02:00 on 25 October at 01:00Z: 02:30 comes twice.
    ["30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
    ["30 2 * * *", "2026-10-25T01:15:00Z", "2026-10-26T01:30:00.000Z"],
    ["30 2,14 * * *", "2026-10-25T00:30:00Z", "2026-10-25T13:30:00.000Z"],
    ["*/30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00.000Z"],
    ["*/30 * * * *", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00.000Z"],
    ["30 2 * * *", "2027-03-28T00:00:00Z", "2027-03-28T01:00:00.000Z"],
  ])("%s in Berlin after %s", (expression, now, expected) => {
    expect(iso(nextDue(cron(expression), at(now), hour))).toBe(expected);
  });

  it.each([
    ["America/New_York", "30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00.000Z"],
    ["America/New_York", "30 1 * * *", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00.000Z"],
    ["Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00.000Z"],
    ["Australia/Lord_Howe", "45 1 * * *", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00.000Z"],
    ["Asia/Kolkata", "30 7 * * *", "2026-11-03T02:00:00Z", "2026-11-04T02:00:00.000Z"],
  ])("in %s: %s after %s", (timezone, expression, now, expected) => {
    expect(iso(nextDue(cron(expression, timezone), at(now), 0))).toBe(expected);
  });

  it("does not depend on what was asked before", () => {
    const expressions = ["30 2 * * *", "*/20 1-3 * * *", "0 9-17 * * 1-5", "15 */2 * * * *"];
    const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];
    // Four weeks around each change of 2026, in whole seconds and off them.
    const instant = fc
      .tuple(
        fc.constantFrom(at("2026-03-01T00:00:00Z"), at("2026-10-04T00:00:00Z")),
        fc.integer({ min: 0, max: 40 * day }),
      )
      .map(([start, offset]) => start + offset);
    fc.assert(
      fc.property(
        fc.constantFrom(...expressions),
        fc.constantFrom(...zones),
        instant,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (expression, timezone, now, part) => {
          const next = nextDue(cron(expression, timezone), now, 0);
          expect(next).toBeGreaterThan(now);
          const between = Math.min(next - 1, Math.floor(now + (next - now) * part));
          // A blank more is another key of the memory, so this answer is computed afresh.
          expect(nextDue(cron(`${expression} `, timezone), between, 0)).toBe(next);
          expect(nextDue(cron(expression, timezone), between, 0)).toBe(next);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("clampDue", () => {
  const schedule = every(hour);
  it.each([
    ["never ran", null, null],
    ["overdue", noon - day, noon - day],
    ["due by its schedule", noon + hour, noon + hour],
    ["taken early within the slack just before", noon + 2 * hour, noon + hour],
    ["years ahead, the clock was set back", noon + 700 * day, noon + hour],
  ])("%s", (_name, nextDueAt, expected) => {
    expect(clampDue(nextDueAt, schedule, noon, 0)).toBe(expected);
  });

  it("leaves a check that backs off its time", () => {
    expect(clampDue(noon + 2 * hour, schedule, noon, hour)).toBe(noon + 2 * hour);
    expect(clampDue(noon + 3 * hour, schedule, noon, hour)).toBe(noon + hour);
  });

  it("brings a cron check back to its next time", () => {
    const due = clampDue(noon + 700 * day, cron("30 7 * * *"), noon, 0);
    expect(due && iso(due)).toBe("2026-11-04T06:30:00.000Z");
  });

  it("never touches a due time that a look gave, however much later it is asked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: second, max: 3 * day }),
        fc.integer({ min: 1e12, max: 2e12 }),
        fc.integer({ min: 0, max: 2 * hour }),
        fc.integer({ min: 0, max: 4 * day }),
        (everyMs, looked, slackMs, later) => {
          const due = nextDue(every(everyMs), looked, slackMs);
          expect(clampDue(due, every(everyMs), looked + later, 0)).toBe(due);
        },
      ),
    );
  });
});

describe("planBeat", () => {
  const plan = (checks: ScheduledCheck[], over: Partial<Parameters<typeof planBeat>[1]> = {}) =>
    planBeat(checks, { now: noon, heartbeatEveryMs: 5 * minute, lastBeatAt: noon, ...over });

  it("waits for the earliest due check", () => {
    const checks = [
      check({ nextDueAt: noon + 3 * minute }),
      check({ nextDueAt: noon + 2 * minute }),
    ];
    expect(plan(checks)).toEqual({ kind: "wait", until: noon + 2 * minute });
  });

  it("waits no longer than to the next heartbeat", () => {
    const checks = [check({ nextDueAt: noon + hour })];
    expect(plan(checks)).toEqual({ kind: "wait", until: noon + 5 * minute });
    expect(plan([])).toEqual({ kind: "wait", until: noon + 5 * minute });
  });

  it("beats at the heartbeat with nothing due", () => {
    expect(plan([check({ nextDueAt: noon + hour })], { lastBeatAt: noon - 1 })).toEqual({
      kind: "beat",
      due: [],
      missed: null,
      trigger: "schedule",
    });
  });

  it("takes a check that never ran at once, and others within their slack", () => {
    const checks = [
      check({ name: "a", nextDueAt: null }),
      check({ name: "b", nextDueAt: noon + minute }),
      check({ name: "c", nextDueAt: noon + minute + 1 }),
      check({ name: "d", nextDueAt: noon + 500, schedule: every(second) }),
      check({ name: "e", nextDueAt: noon + 1, schedule: cron("* * * * *") }),
    ];
    expect(plan(checks)).toMatchObject({ kind: "beat", due: ["a", "b"], missed: null });
  });

  it("does not wake early for a check that is only within its slack", () => {
    const checks = [check({ nextDueAt: noon + 30 * second })];
    expect(plan(checks)).toEqual({ kind: "wait", until: noon + 30 * second });
  });

  it.each([
    ["a first start", null],
    ["a clock that was set back a year", noon + 365 * day],
  ])("beats after %s", (_name, lastBeatAt) => {
    expect(plan([], { lastBeatAt })).toMatchObject({ kind: "beat", due: [], trigger: "schedule" });
  });

  it("catches missed time up once, and reports the check that missed most", () => {
    const checks = [
      check({ name: "fast", schedule: every(minute), nextDueAt: noon - hour }),
      check({ name: "slow", schedule: every(hour), nextDueAt: noon - 2 * hour }),
      check({ name: "on time", schedule: every(minute), nextDueAt: noon }),
      check({ name: "later", schedule: every(minute), nextDueAt: noon + minute }),
    ];
    expect(plan(checks, { lastBeatAt: noon - 3 * hour })).toEqual({
      kind: "beat",
      due: ["fast", "slow", "on time"],
      missed: { from: noon - 2 * hour, to: noon, count: 60 },
      trigger: "catch-up",
    });
  });

  it("does not call a late beat missed while no further due time went by", () => {
    const late = check({ nextDueAt: noon - 5 * minute });
    expect(plan([late], { now: noon - 1 })).toMatchObject({ missed: null, trigger: "schedule" });
    const cronLate = check({ schedule: cron("0 * * * *"), nextDueAt: noon - hour });
    expect(plan([cronLate], { now: noon - 1 })).toMatchObject({ missed: null });
  });

  it("catches a year up with one beat", () => {
    const checks = [
      check({ name: "a", schedule: every(minute), nextDueAt: noon }),
      check({ name: "b", schedule: cron("30 7 * * *"), nextDueAt: noon + day }),
    ];
    const now = noon + 365 * day;
    const planned = plan(checks, { now });
    expect(planned).toMatchObject({
      due: ["a", "b"],
      missed: { from: noon, to: now, count: 365 * 24 * 60 },
    });
    const looked = checks.map((each) => ({ ...each, nextDueAt: nextDue(each.schedule, now, 0) }));
    expect(plan(looked, { now, lastBeatAt: now }).kind).toBe("wait");
  });

  it.each([
    // 06:30Z on each of 3 days; the first is caught up now.
    ["30 7 * * *", "2026-11-01T06:30:00Z", "2026-11-03T12:00:00Z", 2],
    // Over the change of 25 October, where Berlin's 02:30 comes twice but counts once.
    ["30 2 * * *", "2026-10-24T00:30:00Z", "2026-10-25T12:00:00Z", 1],
    ["0 * * * *", "2026-10-24T22:00:00Z", "2026-10-25T02:00:00Z", 4],
    // Fewer apart than two due times can be.
    ["* * * * *", "2026-10-24T22:00:00Z", "2026-10-24T22:00:59.999Z", 0],
    ["* * * * *", "2026-10-24T22:00:00Z", "2026-10-24T22:01:00Z", 1],
    ["* * * * * *", "2026-10-24T22:00:00Z", "2026-10-24T22:00:05Z", 5],
  ])("counts what cron %s missed from %s to %s", (expression, from, now, count) => {
    const checks = [check({ schedule: cron(expression), nextDueAt: at(from) })];
    const missed = count === 0 ? null : { from: at(from), to: at(now), count };
    expect(plan(checks, { now: at(now), lastBeatAt: at(now) })).toMatchObject({ missed });
  });

  it("stops counting cron times at a bound, and still names the earliest", () => {
    const nextDueAt = noon - 30 * day;
    const checks = [
      check({ name: "a", schedule: cron("* * * * * *"), nextDueAt }),
      check({ name: "b", schedule: cron("*/2 * * * * *"), nextDueAt: nextDueAt - hour }),
    ];
    expect(plan(checks)).toMatchObject({ missed: { from: nextDueAt - hour, count: 2_000 } });
  });

  it("counts as many as there are due times after the first, up to now", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: second, max: 10 * minute }),
        fc.integer({ min: 0, max: 2 * hour }),
        fc.integer({ min: 1e12, max: 2e12 }),
        (everyMs, lateMs, start) => {
          const nextDueAt = nextDue(every(everyMs), start, 0);
          const now = nextDueAt + lateMs;
          let count = 0;
          for (let time = nextDueAt + everyMs; time <= now; time += everyMs) count += 1;
          const planned = plan([check({ schedule: every(everyMs), nextDueAt })], { now });
          const missed = count === 0 ? null : { from: nextDueAt, to: now, count };
          expect(planned).toMatchObject({ missed });
        },
      ),
    );
  });

  it("looks once for every due time, without drift, however late the beats come", () => {
    const checkOf = fc.record({
      everySeconds: fc.integer({ min: 60, max: 1_800 }),
      slackMs: fc.integer({ min: 0, max: 2 * minute }),
    });
    fc.assert(
      fc.property(
        fc.array(checkOf, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: 2 * second }), { minLength: 1, maxLength: 20 }),
        (definitions, delays) => {
          const start = noon + 17 * second;
          const end = start + 6 * hour;
          let checks: ScheduledCheck[] = definitions.map(({ everySeconds, slackMs }, index) => {
            const schedule = every(everySeconds * second);
            const nextDueAt = nextDue(schedule, start, 0);
            return { name: String(index), schedule, slackMs, nextDueAt };
          });
          const looks = new Map<string, number>();
          let lastBeatAt = start;
          let longestGap = 0;
          for (let turn = 0, now = start; now < end; turn += 1) {
            const planned = planBeat(checks, { now, heartbeatEveryMs: 5 * minute, lastBeatAt });
            if (planned.kind === "wait") {
              expect(planned.until).toBeGreaterThan(now);
              now = planned.until + (delays[turn % delays.length] ?? 0);
              continue;
            }
            expect(planned.missed).toBeNull();
            longestGap = Math.max(longestGap, now - lastBeatAt);
            lastBeatAt = now;
            checks = checks.map((each) => {
              if (!planned.due.includes(each.name)) return each;
              looks.set(each.name, (looks.get(each.name) ?? 0) + 1);
              return { ...each, nextDueAt: nextDue(each.schedule, now, each.slackMs) };
            });
          }
          expect(longestGap).toBeLessThanOrEqual(5 * minute + 2 * second);
          definitions.forEach(({ everySeconds }, index) => {
            const everyMs = everySeconds * second;
            const dueTimes = Math.floor(end / everyMs) - Math.floor(start / everyMs);
            // The last due time may be taken early or, by a late beat, be beyond the end.
            expect(Math.abs((looks.get(String(index)) ?? 0) - dueTimes)).toBeLessThanOrEqual(1);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ["none of which is due", 10 * minute],
    ["all of which are due", 0],
  ])("plans 1,000 checks, %s, in under 1 ms per 100", (_name, ahead) => {
    const checks = Array.from({ length: 1_000 }, (_, index) =>
      check({
        name: `check ${index}`,
        schedule: index % 2 ? every(minute) : cron(`${index % 60} * * * *`),
        nextDueAt: noon + ahead,
      }),
    );
    const durations = Array.from({ length: 20 }, () => {
      const started = performance.now();
      plan(checks);
      return performance.now() - started;
    });
    expect(Math.min(...durations)).toBeLessThan(10);
  });
});
