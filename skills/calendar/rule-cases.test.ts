import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import { expect, it } from "vitest";
import { createRuleExpander, createWorkBudget, type RuleData } from "./recurrence.ts";

interface RuleCase {
  readonly rule: string;
  /** On the wall, as RFC 5545 writes it. */
  readonly start: string;
  /** All from 2026 to 2028. */
  readonly expected: string[];
}

// Rules made at random; what they give was worked out by Python's dateutil, not by our library.
const cases = JSON.parse(
  readFileSync(new URL("./fixtures/rule-cases.json", import.meta.url), "utf8"),
) as RuleCase[];

it.each(cases)(
  "$rule from $start gives what another library gives",
  ({ rule, start, expected }) => {
    const iso = start.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:$6Z");
    const { jCal } = ICAL.Property.fromString(`RRULE:${rule}`, ICAL.design.icalendar);
    const expand = createRuleExpander(ICAL);
    const span = {
      start: Date.parse(iso),
      isDate: false,
      from: Date.UTC(2026, 0, 1),
      to: Date.UTC(2028, 11, 31),
    };
    const walls = expand(jCal[3] as RuleData, span, createWorkBudget(100_000));
    expect(walls.map((wall) => new Date(wall).toISOString().slice(0, 16))).toEqual(expected);
  },
);
