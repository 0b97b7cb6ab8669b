import fc from "fast-check";
import library from "ical.js";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { readProperty, readRule } from "./properties.ts";
import { createRuleExpander, createWorkBudget, fastForward, WorkLimitError } from "./recurrence.ts";
import { dayMs } from "./zones.ts";

const expandRule = createRuleExpander(library);
const ruleOf = (text: string) => readRule(readProperty(library, `RRULE:${text}`).values[0]).rule;

const days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
const someDays = fc.subarray([...days], { minLength: 1 }).map((list) => list.join(","));
const ruleText = fc.oneof(
  fc.record({
    freq: fc.constant("DAILY"),
    part: fc.oneof(
      fc.constant(""),
      someDays.map((d) => `;BYDAY=${d}`),
    ),
  }),
  fc.record({
    freq: fc.constant("WEEKLY"),
    part: fc.oneof(
      fc.constant(""),
      someDays.map((d) => `;BYDAY=${d}`),
    ),
  }),
  fc.record({
    freq: fc.constant("MONTHLY"),
    part: fc.constantFrom(
      "",
      ";BYMONTHDAY=15,-1",
      ";BYDAY=2TU",
      ";BYDAY=-1FR",
      ";BYDAY=MO,TU;BYSETPOS=-1",
    ),
  }),
  fc.record({
    freq: fc.constant("YEARLY"),
    part: fc.constantFrom("", ";BYMONTH=3,11", ";BYMONTH=11;BYDAY=-1SU", ";BYYEARDAY=100,-1"),
  }),
);

describe("expanding a rule", () => {
  it("gives the same from a start that was moved forward as from the first", () => {
    fc.assert(
      fc.property(
        ruleText,
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.integer({ min: 1, max: 4_000 }), { nil: undefined }),
        fc.integer({ min: 0, max: 3_000 }),
        ({ freq, part }, interval, count, age) => {
          const now = Date.UTC(2026, 10, 23);
          const start = now - age * dayMs + 9 * 3_600_000;
          const rule = ruleOf(
            `FREQ=${freq};INTERVAL=${interval}${part}${count ? `;COUNT=${count}` : ""}`,
          );
          const span = { isDate: false, from: now, to: now + 60 * dayMs };
          const near = expandRule(rule, { ...span, start }, createWorkBudget(50_000));
          // A span that begins with the rule leaves nothing to move forward.
          const whole = expandRule(rule, { ...span, start, from: start }, createWorkBudget(50_000));
          expect(near).toEqual(whole.filter((wall) => wall >= now));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("moves a daily rule of twenty years to within days of what is wanted", () => {
    const near = fastForward(
      ruleOf("FREQ=DAILY;COUNT=9000"),
      Date.UTC(2006, 0, 1),
      Date.UTC(2026, 0, 1),
    );
    expect(near?.rule.count).toBe(9000 - (7305 - 1));
    expect(near?.start).toBe(Date.UTC(2025, 11, 31));
  });

  it.each([
    "FREQ=SECONDLY",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=999999;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;INTERVAL=1000000;BYHOUR=3",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;INTERVAL=48;BYDAY=5MO;BYMONTH=2",
    "FREQ=MONTHLY;INTERVAL=999999;BYDAY=5MO",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6",
    "FREQ=YEARLY;INTERVAL=999999",
    "FREQ=WEEKLY;INTERVAL=999999;BYDAY=SU,MO",
    "FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=30;BYMONTH=4;BYSETPOS=5",
  ])("ends %s within its budget", async (text) => {
    const from = Date.UTC(2026, 10, 23);
    const spent = await processorMs(() => {
      try {
        expandRule(
          ruleOf(text),
          { start: Date.UTC(2027 - 9, 1, 1), isDate: false, from, to: from + 15 * dayMs },
          createWorkBudget(8_000),
        );
      } catch (error) {
        expect(error).toBeInstanceOf(WorkLimitError);
      }
    });
    expect(spent).toBeLessThan(1_500);
  });
});
