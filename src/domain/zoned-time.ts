/**
 * Wall clocks of time zones, from the host's own zone data. A wall clock is written as the
 * milliseconds that the same date and time would have in UTC, so that it can be calculated with.
 */

const secondMs = 1_000;
const dayMs = 86_400_000;
const mostFormatters = 64;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether the host knows the zone: an IANA name such as `Europe/Berlin`, in any case. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * What the clocks of the zone show at the instant.
 * @throws RangeError when there is no such zone; see {@link isTimezone}.
 */
export function wallClockAt(instant: number, timezone: string): number {
  const fields = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatterFor(timezone).formatToParts(instant)) {
    if (type in fields) fields[type as keyof typeof fields] = Number(value);
  }
  const { year, month, day, hour, minute, second } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) + modulo(instant, secondMs);
}

/**
 * The instant at which the clocks of the zone show that time: the first of the two when they are
 * set back over it, and the moment of the change when they are set forward over it.
 */
export function instantOfWallClock(wallClock: number, timezone: string): number {
  const before = wallClock - offsetAt(wallClock - dayMs, timezone);
  const after = wallClock - offsetAt(wallClock + dayMs, timezone);
  const shown = [before, after].filter((at) => wallClockAt(at, timezone) === wallClock);
  return shown.length > 0 ? Math.min(...shown) : offsetChange(after, before, timezone);
}

/** Milliseconds that the clocks of the zone are ahead of UTC. */
export function offsetAt(instant: number, timezone: string): number {
  return wallClockAt(instant, timezone) - instant;
}

/** The first instant after `from` with the offset of `to`, for a stretch with one change in it. */
export function offsetChange(from: number, to: number, timezone: string): number {
  const offset = offsetAt(from, timezone);
  let [earlier, later] = [from, to];
  while (later - earlier > 1) {
    const middle = Math.floor((earlier + later) / 2);
    if (offsetAt(middle, timezone) === offset) earlier = middle;
    else later = middle;
  }
  return later;
}

/** The longest that they can be. What is stamped later than that after their beginning is not of them. */
export const longestDayMs = 25 * 3_600_000;
export const longestMonthMs = 31 * dayMs + 3_600_000;

/** When the day or month that the zone is in began. */
export function startOf(unit: "day" | "month", now: number, timezone: string): number {
  const today = new Date(wallClockAt(now, timezone));
  const day = unit === "day" ? today.getUTCDate() : 1;
  return instantOfWallClock(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), day), timezone);
}

/** The time of day in the zone as a person reads it: `08:30`. */
export function formatTimeOfDay(instant: number, timezone: string): string {
  return new Date(wallClockAt(instant, timezone)).toISOString().slice(11, 16);
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Day and time in the zone as a person reads it: `Mon 23 Nov 2026 08:30`. */
export function formatDateTime(instant: number, timezone: string): string {
  const wall = new Date(wallClockAt(instant, timezone));
  const day = `${weekdays[wall.getUTCDay()]} ${wall.getUTCDate()} ${months[wall.getUTCMonth()]}`;
  return `${day} ${wall.getUTCFullYear()} ${formatTimeOfDay(instant, timezone)}`;
}

/** For lines of a log: `23 Nov 08:30:05`, with the year when it is not this one. */
export function formatLogTime(instant: number, now: number, timezone: string): string {
  const wall = new Date(wallClockAt(instant, timezone));
  const year = wall.getUTCFullYear();
  const isThisYear = year === new Date(wallClockAt(now, timezone)).getUTCFullYear();
  const day = `${String(wall.getUTCDate()).padStart(2)} ${months[wall.getUTCMonth()]}`;
  return `${day}${isThisYear ? "" : ` ${year}`} ${wall.toISOString().slice(11, 19)}`;
}

function formatterFor(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known) return known;
  const formatter = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  // Zone names may come from calendars of strangers: the memory for them is bounded.
  if (formatters.size >= mostFormatters) formatters.clear();
  formatters.set(timezone, formatter);
  return formatter;
}

/** The remainder that is never negative. */
export const modulo = (value: number, divisor: number): number =>
  ((value % divisor) + divisor) % divisor;
