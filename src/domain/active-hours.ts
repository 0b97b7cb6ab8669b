/**
 * Hours of the day (active hours, quiet hours, the time of the digest) on the owner's clock.
 *
 * The clock on the wall decides. Where it is set back over a boundary the hours end or begin twice;
 * where it is set forward over one they end or begin at the change.
 */
import { instantOfWallClock, modulo, offsetAt, offsetChange, wallClockAt } from "./zoned-time.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const minutesPerDay = 1_440;
const longestShown = 40;
const pattern = /^(\d{1,2}):(\d{2})$/;

/** Hours of every day, in minutes after midnight; an end before the start is on the next day. */
export interface ClockRange {
  /** 0 to 1439; the first minute that belongs to the hours. */
  readonly startMinute: number;
  /** 1 to 1440; the first minute that does not. */
  readonly endMinute: number;
}

export type ParsedClockRange =
  | { readonly ok: true; readonly range: ClockRange }
  | { readonly ok: false; readonly problem: string };

/** Reads `09:00-18:00`, `22:00-07:00` (over midnight) or `00:00-24:00` (always). */
export function parseClockRange(text: string): ParsedClockRange {
  const ends = text.split("-").map((end) => end.trim());
  const startMinute = parseTimeOfDay(ends[0] ?? "");
  const endMinute = ends[1] === "24:00" ? minutesPerDay : parseTimeOfDay(ends[1] ?? "");
  if (ends.length !== 2 || startMinute === undefined || endMinute === undefined) {
    const problem = `"${text.slice(0, longestShown)}" are not hours of the day; write them such as "09:00-18:00" or "22:00-07:00"`;
    return { ok: false, problem };
  }
  if (startMinute === endMinute) {
    const problem = `"${text}" begins and ends at the same time; write "00:00-24:00" for the whole day`;
    return { ok: false, problem };
  }
  return { ok: true, range: { startMinute, endMinute: endMinute || minutesPerDay } };
}

/** Minutes after midnight of a time such as `08:30`, or undefined when it is none. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  if (!match) return undefined;
  const [hour, minute] = [Number(match[1]), Number(match[2])];
  return hour < 24 && minute < 60 ? hour * 60 + minute : undefined;
}

/** Whether the owner's clock shows a time within the hours. */
export function isWithin(range: ClockRange, now: number, timezone: string): boolean {
  const minute = modulo(wallClockAt(now, timezone), dayMs) / minuteMs;
  const { startMinute, endMinute } = range;
  if (startMinute < endMinute) return minute >= startMinute && minute < endMinute;
  return minute >= startMinute || minute < endMinute;
}

/** The first instant from `now` on that is within the hours: `now` itself when it is. */
export function nextStart(range: ClockRange, now: number, timezone: string): number {
  return isWithin(range, now, timezone) ? now : nextChange(range, range.startMinute, now, timezone);
}

/** The first instant from `now` on that is outside the hours, or null when they never end. */
export function nextEnd(range: ClockRange, now: number, timezone: string): number | null {
  if (range.endMinute - range.startMinute === minutesPerDay) return null;
  return isWithin(range, now, timezone) ? nextChange(range, range.endMinute, now, timezone) : now;
}

/**
 * The first instant after `now` at which the clock comes to that time of day; at most once a day.
 * @throws RangeError when `time` is not a time of day; see {@link parseTimeOfDay}.
 */
export function nextTimeOfDay(time: string, now: number, timezone: string): number {
  const minute = parseTimeOfDay(time);
  if (minute === undefined) throw new RangeError(`"${time}" is not a time of day`);
  const wallClock = wallClockAt(now, timezone);
  let wanted = wallClock - modulo(wallClock, dayMs) + minute * minuteMs;
  for (;;) {
    const at = instantOfWallClock(wanted, timezone);
    if (at > now) return at;
    wanted += dayMs;
  }
}

/** When `isWithin` changes after `now`, which is at `boundaryMinute` unless the clock is changed. */
function nextChange(
  range: ClockRange,
  boundaryMinute: number,
  now: number,
  timezone: string,
): number {
  const within = isWithin(range, now, timezone);
  let from = now;
  for (;;) {
    const toBoundary = modulo(boundaryMinute * minuteMs - wallClockAt(from, timezone), dayMs);
    const boundary = from + toBoundary;
    if (offsetAt(from, timezone) === offsetAt(boundary, timezone)) return boundary;
    from = offsetChange(from, boundary, timezone);
    if (isWithin(range, from, timezone) !== within) return from;
  }
}
