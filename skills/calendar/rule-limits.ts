import type { RuleData } from "./recurrence.ts";
import { dayMs } from "./zones.ts";

/**
 * Parts of a rule that only leave occurrences out are decided here: ical.js counts on from the wrong
 * month where BYMONTH limits months, knows no negative days in daily rules, and takes a day that a
 * month or year lacks for one of the next.
 * @returns the rule as ical.js gets it, and whether one of its wall times is meant.
 */
export function withoutLimits(rule: RuleData): {
  rule: RuleData;
  fits: (wall: number) => boolean;
} {
  const months = numbers(rule["bymonth"]);
  const monthDays = numbers(rule["bymonthday"]);
  const inMonths = (date: Date): boolean =>
    months.length === 0 || months.includes(date.getUTCMonth() + 1);
  const onMonthDays = (date: Date): boolean =>
    monthDays.length === 0 ||
    monthDays.includes(date.getUTCDate()) ||
    monthDays.includes(fromEnd(date));
  const fits = (wall: number): boolean => {
    const date = new Date(wall);
    return inMonths(date) && onMonthDays(date) && isNthOfYear(rule, date);
  };
  if (rule.freq === "DAILY") return { rule: without(rule, ["bymonth", "bymonthday"]), fits };
  if (rule.freq === "MONTHLY") return { rule: without(rule, ["bymonth"]), fits };
  return { rule, fits };
}

/** Counted from the end of the month: the last day is -1. */
function fromEnd(date: Date): number {
  const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.getUTCDate() - length - 1;
}

const weekdays = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** `53FR` of a yearly rule: that there is one in the year. */
function isNthOfYear(rule: RuleData, date: Date): boolean {
  const isOther = rule.freq !== "YEARLY" || "bymonth" in rule || "byweekno" in rule;
  const parts = texts(rule["byday"]);
  if (isOther || !parts.some((part) => /\d/.test(part))) return true;
  const year = date.getUTCFullYear();
  const day = Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / dayMs);
  const length = Math.round((Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1)) / dayMs);
  const nth = Math.floor(day / 7) + 1;
  const nthFromEnd = -(Math.floor((length - 1 - day) / 7) + 1);
  const name = weekdays[date.getUTCDay()];
  return parts.some((part) => {
    const position = Number(/^[+-]?\d+/.exec(part)?.[0] ?? 0);
    return part.slice(-2) === name && [0, nth, nthFromEnd].includes(position);
  });
}

const without = (rule: RuleData, names: readonly string[]): RuleData =>
  Object.fromEntries(Object.entries(rule).filter(([name]) => !names.includes(name))) as RuleData;

const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
const numbers = (value: unknown): number[] => listOf(value).map(Number);
const texts = (value: unknown): string[] => listOf(value).map(String);
