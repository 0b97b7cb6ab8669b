import { ToolError, z } from "watchkeeper";
import type { EventTimes } from "./calendar-writer.ts";
import { isReference } from "./event-reference.ts";
import { plainLine } from "./plain-text.ts";
import { dayMs, instantOf, wallOf, type Zone } from "./zones.ts";

/** What tools of the calendar take, validated. */

// Conditions in code and not in the schema: a pattern there is a line of noise in every prompt.
const isOneLine = (text: string): boolean => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text);
const isPlainText = (text: string): boolean => !/(?![\t\n\r])[\p{Cc}\p{Cs}]/u.test(text);
// A host in the owner's own network has no dot.
const isAddress = (text: string): boolean => z.regexes.html5Email.test(text);

export const reference = () =>
  z
    .string()
    .max(200)
    .refine(isReference, "must be an id as it stands in a finding or in calendar_list");

export const calendarName = () => z.string().max(40).optional();

export const title = () =>
  z.string().trim().min(1).max(300).refine(isOneLine, "must be one line of plain text");
export const place = () => z.string().max(300).refine(isOneLine, "must be one line of plain text");
export const about = () => z.string().max(8_000).refine(isPlainText, "must be plain text");
export const time = () => z.string().max(40);
export const timeHelp = "2026-11-24T14:00 in the owner's zone; a date is a whole day";

export const attendees = () =>
  z
    .array(z.string().max(254).refine(isAddress, 'must be an address such as "ann@example.com"'))
    .max(20);

const timePattern =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?\s*(Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * A date or a time without an offset is the owner's.
 * @throws ToolError CALENDAR_BAD_DATE
 */
export function readMoment(text: string, zone: Zone): { at: number; day: string | undefined } {
  const match = timePattern.exec(text.trim());
  const wall = match
    ? Date.parse(`${match[1]}T${match[2] ?? "00:00"}${match[3] ?? ":00"}Z`)
    : Number.NaN;
  // Some days that do not exist are taken for others.
  const exists =
    match && !Number.isNaN(wall) && new Date(wall).toISOString().startsWith(match[1] ?? " ");
  const withOffset = match?.[4] ? Date.parse(text.trim().replace(" ", "T")) : undefined;
  const at = exists ? (withOffset ?? instantOf(zone, wall)) : Number.NaN;
  if (!match || Number.isNaN(at)) {
    throw new ToolError("CALENDAR_BAD_DATE", `"${plainLine(text, 40)}" is not a date`, {
      hint: "Write it as 2026-11-24 or 2026-11-24T14:00",
    });
  }
  return { at, day: match[2] === undefined ? match[1] : undefined };
}

const longestDays = 366;

/**
 * When an event is: from a time to a time, or from a day to a day, the last one included.
 * @throws ToolError CALENDAR_BAD_DATE
 */
export function readTimes(start: string, end: string | undefined, zone: Zone): EventTimes {
  const first = readMoment(start, zone);
  const last = end === undefined ? undefined : readMoment(end, zone);
  if (last && (first.day === undefined) !== (last.day === undefined)) {
    throw badTimes("start and end must both be dates or both be times");
  }
  if (first.day !== undefined) {
    const firstWall = Date.parse(first.day);
    const afterWall = Date.parse(last?.day ?? first.day) + dayMs;
    const days = (afterWall - firstWall) / dayMs;
    if (days < 1) throw badTimes("it ends before it starts");
    if (days > longestDays) throw badTimes("it is longer than a year");
    const dayText = (wall: number): string => new Date(wall).toISOString().slice(0, 10);
    return {
      start: first.at,
      end: instantOf(zone, afterWall),
      days: { first: dayText(firstWall), after: dayText(afterWall) },
    };
  }
  const endAt = last?.at ?? first.at + 3_600_000;
  if (endAt <= first.at) throw badTimes("it ends before it starts");
  if (endAt - first.at > longestDays * dayMs) throw badTimes("it is longer than a year");
  return { start: first.at, end: endAt };
}

const badTimes = (message: string): ToolError =>
  new ToolError("CALENDAR_BAD_TIMES", message, {
    hint: "Give start and end as 2026-11-24T14:00, or both as dates for whole days",
  });

/** Midnight of the owner's day in which an instant falls, as an instant, some days later. */
export function midnight(zone: Zone, at: number, days = 0): number {
  const wall = Math.floor(wallOf(zone, at) / dayMs) * dayMs;
  return instantOf(zone, wall + days * dayMs);
}
