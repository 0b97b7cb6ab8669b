import fc from "fast-check";
import { expect, it } from "vitest";
import type { Finding } from "./finding.ts";
import { firstStillOpenAt, nextReminder, stillOpenAt, type ToldFinding } from "./reminder.ts";
import type { Telling } from "./telling.ts";

const hour = 3_600_000;
const start = Date.parse("2026-10-20T10:00:00Z");
const clock = {
  ...{ timezone: "Europe/Berlin", digestAt: ["08:30"], quietHours: null },
  now: start,
};

const toldAt = (at: readonly number[], changes: Partial<Finding> = {}): ToldFinding => ({
  finding: {
    ...{ id: 1, skill: "web", check: "web/shop", key: "down", state: "opened", status: "open" },
    ...{ severity: "critical", trust: "trusted", title: "shop is down", text: null, data: null },
    ...{ revision: 1, handledRevision: 1, toldRevision: 1, openedAt: start, changedAt: start },
    ...{ resolvedAt: null, since: null, verdict: null, decidedBy: null },
    ...changes,
  },
  tellings: at.map((time, index): Telling => {
    const kind = index === 0 ? "told" : "reminder";
    return { findingId: 1, kind, state: "opened", severity: "critical", at: time };
  }),
});

/** Lets a daemon look at these times, and notes when it reminds. */
function live(looks: readonly number[], quietHours = clock.quietHours): number[] {
  const said = [start];
  for (const now of looks) {
    // Again and again within one look, as after each telling: it must end.
    for (let turn = 0; turn < 3; turn += 1) {
      const reminder = nextReminder(toldAt(said), { ...clock, quietHours, now });
      if (reminder && reminder.at <= now) said.push(now);
    }
  }
  return said.slice(1).map((at) => (at - start) / hour);
}

it("comes after 1, 3, 9 and 24 hours, and then daily", () => {
  const minutes = Array.from({ length: 5 * 24 * 60 }, (_, minute) => start + minute * 60_000);
  expect(live(minutes)).toEqual([1, 3, 9, 24, 48, 72, 96]);
});

it("comes once after any downtime, and at growing distances whenever it is looked at", () => {
  expect(live([start + 30 * 24 * hour])).toEqual([720]);
  const waits = fc.array(fc.integer({ min: 1, max: 100 * hour }), { maxLength: 40 });
  fc.assert(
    fc.property(waits, (gaps) => {
      let now = start;
      const looks = gaps.map((gap) => (now += gap));
      const said = live(looks);
      expect(new Set(said).size).toBe(said.length);
      const distances = [0, ...said].map((at, index) => (said[index] ?? Infinity) - at);
      for (const [index, least] of [1, 2, 6, 15, 24, 24].entries()) {
        expect(distances[index] ?? Infinity).toBeGreaterThanOrEqual(least);
      }
    }),
  );
});

it("comes when a clock that was ahead is set back, once", () => {
  const ahead = toldAt([start + 100 * 24 * hour]);
  expect(nextReminder(ahead, clock)?.at).toBe(start);
  expect(nextReminder(toldAt([start + 100 * 24 * hour, start]), clock)?.at).toBe(start + 2 * hour);
});

it("does not come at once when a clock is put right by a minute", () => {
  expect(nextReminder(toldAt([start + 60_000]), clock)?.at).toBe(start + hour + 60_000);
});

it("counts from the revision's time where no telling was kept", () => {
  const before = toldAt([], { changedAt: start - 5 * hour });
  expect(nextReminder(before, clock)).toMatchObject({ at: start - 4 * hour, step: 1 });
  expect(nextReminder(toldAt([], { toldRevision: 0 }), clock)).toBeNull();
});

it("waits for the verdict on what has changed", () => {
  expect(nextReminder(toldAt([start - 5 * hour], { revision: 2 }), clock)).toBeNull();
});

it("of many warnings the first is due when the one that was said longest ago is", () => {
  const days = fc.array(fc.integer({ min: -20 * 24, max: 0 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(days, (hours) => {
      const all = hours.map((ago) => toldAt([start + ago * hour], { severity: "warning" }));
      const each = all.map((told) => stillOpenAt(told, clock) ?? Infinity);
      expect(firstStillOpenAt(all, clock)).toBe(Math.min(...each));
    }),
  );
  expect(firstStillOpenAt([], clock)).toBeNull();
});
