import { instantOfWallClock, wallClockAt } from "./zoned-time.ts";

/** When the file is cared for: at a quiet hour, and as soon as can be when that was slept through. */

export const upkeepTasks = ["prune", "backup"] as const;
export type UpkeepTask = (typeof upkeepTasks)[number];

export interface UpkeepHistory {
  /** Since when it is to be done. */
  readonly since: number;
  readonly lastTriedAt: number | null;
  readonly lastOkAt: number | null;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const daysBetween: Readonly<Record<UpkeepTask, number>> = { prune: 1, backup: 7 };
/** After a try that failed: a full disk may have room again. */
const retryMs = hourMs;
/** A clock that was set back must not put it off for as long. */
const slack = dayMs;

/**
 * The instant from which on the work is due; it may lie in the past.
 * @param at the quiet hour on the wall clock of the zone, in minutes after midnight
 */
export function upkeepDueAt(
  task: UpkeepTask,
  history: UpkeepHistory,
  { now, at, timezone }: { readonly now: number; readonly at: number; readonly timezone: string },
): number {
  const { since, lastOkAt, lastTriedAt } = history;
  const every = daysBetween[task] * dayMs;
  const sane = (time: number): number => Math.min(time, now);
  // Half a day of play: the hour that is meant is the one a whole number of days later.
  const earliest = lastOkAt === null ? sane(since) : sane(lastOkAt) + every - dayMs / 2;
  const due = nextAt(earliest, at, timezone);
  const hasFailed = lastTriedAt !== null && (lastOkAt === null || lastTriedAt > lastOkAt);
  return hasFailed ? Math.max(Math.min(due, now + slack), sane(lastTriedAt) + retryMs) : due;
}

/** The first time at or after the instant at which the clocks of the zone show that hour. */
function nextAt(instant: number, minutes: number, timezone: string): number {
  const wall = wallClockAt(instant, timezone);
  const midnight = wall - (((wall % dayMs) + dayMs) % dayMs);
  const today = instantOfWallClock(midnight + minutes * 60_000, timezone);
  return today >= instant
    ? today
    : instantOfWallClock(midnight + dayMs + minutes * 60_000, timezone);
}

const lookBackMs = 20 * hourMs;

/** The instant before which the watch must have beaten for {@link isClockSettled}. */
export const lookBackFrom = (now: number): number => now - lookBackMs;

/**
 * Whether the clock may say what is old. One that has leapt ahead, as after a flat battery, would make all of it
 * old: it is believed when the watch has lived by it for most of a day.
 * @param beatBefore the last beat before {@link lookBackFrom}; null when there is none, and so nothing old
 */
export const isClockSettled = (now: number, beatBefore: number | null): boolean =>
  beatBefore === null || beatBefore >= now - 2 * dayMs;

const weekly = /^weekly-\d{8}T\d{6}Z\.db$/;

/** The name under which a weekly copy is kept: its moment in UTC, so that names sort by age. */
export const weeklyName = (now: number): string =>
  `weekly-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}.db`;

/**
 * Of the names in the folder, the weekly copies that are too many: the oldest. Others are left alone.
 * @param now when the newest was made: what lies ahead is of a clock that was set back since, and older
 */
export function tooManyWeekly(names: readonly string[], kept: number, now: number): string[] {
  const newest = weeklyName(now);
  const copies = names.filter((name) => weekly.test(name)).toSorted();
  const byAge = [
    ...copies.filter((name) => name > newest),
    ...copies.filter((name) => name <= newest),
  ];
  return byAge.slice(0, Math.max(0, byAge.length - kept));
}

/** What a process that was killed has left of a weekly copy. */
export const isHalfWeekly = (name: string): boolean =>
  /^weekly-\d{8}T\d{6}Z\.db\.\d+\.part(?:-[a-z]+)?$/.test(name);
