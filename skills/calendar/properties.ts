import type { IcalLibrary, RuleData } from "./recurrence.ts";
import { dayMs } from "./zones.ts";

/** One property of a component, with values as jCal writes them (RFC 7265). */
export interface Property {
  readonly type: string;
  readonly values: readonly unknown[];
  parameter(name: string): string | undefined;
}

/** @throws Error in ical.js's words when the line makes no sense. */
export function readProperty(library: IcalLibrary, line: string): Property {
  const { jCal } = library.Property.fromString(line, library.design.icalendar);
  const [, parameters, type, ...values] = jCal as [string, Record<string, unknown>, string];
  return {
    type,
    values,
    parameter(name) {
      const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
      return typeof value === "string" ? value : undefined;
    },
  };
}

/** A date or a time on the wall, as written. */
export interface WrittenTime {
  readonly wall: number;
  readonly isDate: boolean;
  readonly isUtc: boolean;
}

const timePattern = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(Z)?)?$/;

/** @throws Error when the value is no date that a calendar can have. */
export function readTime(value: unknown): WrittenTime {
  const match = typeof value === "string" ? timePattern.exec(value) : null;
  if (!match) throw new Error(`${quoted(value)} is not a date or time`);
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const [hour, minute] = [Number(match[4] ?? 0), Number(match[5] ?? 0)];
  // A leap second is read as the second before it.
  const second = Math.min(59, Number(match[6] ?? 0));
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const exists =
    new Date(wall).getUTCDate() === day && month <= 12 && day > 0 && hour < 24 && minute < 60;
  if (!exists || year < 1600 || year > 9_000) throw new Error(`${quoted(value)} does not exist`);
  return { wall, isDate: match[4] === undefined, isUtc: match[7] !== undefined };
}

/** A length of time: whole days keep the time on the wall, the rest is exact. */
export interface WrittenDuration {
  readonly days: number;
  readonly ms: number;
}

const durationPattern =
  /^([+-])?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/i;

/** @throws Error when the value is no duration. A negative one counts as none. */
export function readDuration(value: unknown): WrittenDuration {
  const match = typeof value === "string" ? durationPattern.exec(value.trim()) : null;
  if (!match) throw new Error(`${quoted(value)} is not a duration`);
  const [weeks, days, hours, minutes, seconds] = match
    .slice(2, 7)
    .map((text) => Number(text ?? 0)) as [number, number, number, number, number];
  if (match[1] === "-") return { days: 0, ms: 0 };
  const duration = {
    days: weeks * 7 + days,
    ms: ((hours * 60 + minutes) * 60 + seconds) * 1_000,
  };
  if (duration.days * dayMs + duration.ms > 3_660 * dayMs) {
    throw new Error(`${quoted(value)} is longer than ten years`);
  }
  return duration;
}

export interface WrittenRule {
  readonly rule: RuleData;
  readonly until: WrittenTime | undefined;
}

const mostParts = 400;

/** @throws Error when the rule makes no sense. */
export function readRule(value: unknown): WrittenRule {
  if (typeof value !== "object" || value === null) throw new Error("RRULE is not a rule");
  const { until, ...rest } = value as Record<string, unknown>;
  if (typeof rest["freq"] !== "string") throw new Error("RRULE has no FREQ");
  for (const name of ["interval", "count"]) {
    const number = rest[name];
    const isCount = number === undefined || (Number.isSafeInteger(number) && Number(number) > 0);
    if (!isCount || Number(number) > 1_000_000) throw new Error(`RRULE has a wrong ${name}`);
  }
  if (Object.values(rest).some((part) => Array.isArray(part) && part.length > mostParts)) {
    throw new Error("RRULE has too many parts");
  }
  return { rule: rest as RuleData, until: until === undefined ? undefined : readTime(until) };
}

const quoted = (value: unknown): string =>
  `"${(typeof value === "string" ? value : String(value)).slice(0, 40)}"`;
