/**
 * When checks are due, and what one turn of the heartbeat takes along.
 *
 * Due times of intervals lie on a grid, the multiples of the interval since the epoch: a beat that
 * comes early or late moves nothing, and checks with related intervals meet in one beat.
 */
import { cronProblem, nextCronTime, shortestCronGapMs } from "./cron.ts";
import { formatDuration, parseDuration } from "./duration.ts";

const shortestIntervalMs = 1_000;
const longestShown = 40;
/** Cron times are counted one by one: at most so many in one plan, for all checks together. */
const mostCronTimesCounted = 2_000;

export type Schedule =
  | { readonly kind: "interval"; readonly everyMs: number }
  | { readonly kind: "cron"; readonly expression: string; readonly timezone: string };

export type ParsedSchedule =
  | { readonly ok: true; readonly schedule: Schedule }
  | { readonly ok: false; readonly problem: string };

/** A check as the plan needs it. */
export interface ScheduledCheck {
  readonly name: string;
  readonly schedule: Schedule;
  /** How much earlier than due it may be taken along; see {@link slackFor}. */
  readonly slackMs: number;
  /** Milliseconds since the epoch; null when the check never ran: it is due now. */
  readonly nextDueAt: number | null;
}

/** Due times that nobody kept: the daemon was down, asleep or busy. */
export interface MissedTime {
  readonly from: number;
  readonly to: number;
  /** The most due times that one check missed; for cron checks at least so many. */
  readonly count: number;
}

export type BeatPlan =
  | {
      readonly kind: "beat";
      readonly due: string[];
      readonly missed: MissedTime | null;
      readonly trigger: "schedule" | "catch-up";
    }
  | { readonly kind: "wait"; readonly until: number };

/** Reads the schedule of a check definition; without `every` and `cron` the default interval. */
export function parseSchedule(
  { every, cron }: { readonly every?: string | undefined; readonly cron?: string | undefined },
  defaults: { readonly everyMs: number; readonly timezone: string },
): ParsedSchedule {
  if (every !== undefined && cron !== undefined) {
    return { ok: false, problem: "has both `every` and `cron`; keep one of them" };
  }
  if (cron !== undefined) {
    const problem = cronProblem(cron, defaults.timezone);
    if (problem !== undefined) return { ok: false, problem };
    const { timezone } = defaults;
    return { ok: true, schedule: { kind: "cron", expression: cron.trim(), timezone } };
  }
  const everyMs = every === undefined ? defaults.everyMs : parseDuration(every);
  if (everyMs === undefined || everyMs < shortestIntervalMs) {
    const shown = every?.slice(0, longestShown) ?? formatDuration(defaults.everyMs);
    const problem = `"${shown}" is not an interval; write a duration of at least 1s, such as "30s", "5m" or "2h"`;
    return { ok: false, problem };
  }
  return { ok: true, schedule: { kind: "interval", everyMs } };
}

/** Names a schedule, for people and to see that it has changed: `every 5m`, `cron 0 8 * * * (Europe/Berlin)`. */
export function describeSchedule(schedule: Schedule): string {
  return schedule.kind === "interval"
    ? `every ${formatDuration(schedule.everyMs)}`
    : `cron ${schedule.expression} (${schedule.timezone})`;
}

/** The slack that a schedule bears: at most a quarter of an interval, none for cron. */
export function slackFor(schedule: Schedule, slackMs: number): number {
  if (schedule.kind === "cron") return 0;
  return Math.max(0, Math.min(slackMs, Math.floor(schedule.everyMs / 4)));
}

/**
 * When a check that looked at `now` is due again: its first due time after now and its slack. A
 * look within the slack before a due time was the look for that time.
 */
export function nextDue(schedule: Schedule, now: number, slackMs: number): number {
  if (schedule.kind === "cron") return nextCronTime(schedule.expression, schedule.timezone, now);
  const { everyMs } = schedule;
  return (Math.floor((now + slackFor(schedule, slackMs)) / everyMs) + 1) * everyMs;
}

/**
 * Brings a due time back that lies further ahead than any look can have put it, as happens when
 * the clock was set back: else the check would be silent until that time comes round again.
 * @param maxBackoffMs how much later than its schedule the check may be due; 0 when it is well.
 */
export function clampDue(
  nextDueAt: number | null,
  schedule: Schedule,
  now: number,
  maxBackoffMs: number,
): number | null {
  if (nextDueAt === null || nextDueAt <= now) return nextDueAt;
  if (nextDueAt <= nextDue(schedule, now, Infinity) + maxBackoffMs) return nextDueAt;
  return nextDue(schedule, now, 0);
}

/**
 * Decides whether to beat now. The earliest due check is woken for, and what falls due within its
 * slack comes along. There is a beat at every multiple of `heartbeatEveryMs` too, due checks or not.
 * Due times that went by unkept are caught up by this one beat, and reported as one `missed`.
 */
export function planBeat(
  checks: readonly ScheduledCheck[],
  beat: {
    readonly now: number;
    readonly heartbeatEveryMs: number;
    /** When the last beat began, or null when none is known. */
    readonly lastBeatAt: number | null;
  },
): BeatPlan {
  const { now, heartbeatEveryMs } = beat;
  // A last beat in the future is the trace of a clock that was set back: it says nothing.
  const lastBeatAt = beat.lastBeatAt !== null && beat.lastBeatAt <= now ? beat.lastBeatAt : null;
  let until =
    lastBeatAt === null
      ? now
      : nextDue({ kind: "interval", everyMs: heartbeatEveryMs }, lastBeatAt, 0);
  for (const { nextDueAt } of checks) until = Math.min(until, nextDueAt ?? now);
  if (until > now) return { kind: "wait", until };

  const due = checks.filter(
    ({ nextDueAt, schedule, slackMs }) =>
      nextDueAt === null || nextDueAt <= now + slackFor(schedule, slackMs),
  );
  const missed = missedBy(due, now);
  const trigger = missed ? "catch-up" : "schedule";
  return { kind: "beat", due: due.map(({ name }) => name), missed, trigger };
}

function missedBy(due: readonly ScheduledCheck[], now: number): MissedTime | null {
  let from = now;
  let count = 0;
  let cronTimesLeft = mostCronTimesCounted;
  for (const { schedule, nextDueAt } of due) {
    if (nextDueAt === null || nextDueAt >= now) continue;
    let times: number;
    if (schedule.kind === "interval") {
      const { everyMs } = schedule;
      times = Math.floor(now / everyMs) - Math.floor(nextDueAt / everyMs);
    } else {
      times = cronTimesBetween(
        schedule.expression,
        schedule.timezone,
        nextDueAt,
        now,
        cronTimesLeft,
      );
      cronTimesLeft = Math.max(1, cronTimesLeft - times);
    }
    if (times === 0) continue;
    from = Math.min(from, nextDueAt);
    count = Math.max(count, times);
  }
  return count === 0 ? null : { from, to: now, count };
}

function cronTimesBetween(
  expression: string,
  timezone: string,
  after: number,
  until: number,
  most: number,
): number {
  if (until - after < shortestCronGapMs(expression)) return 0;
  let count = 0;
  let time = nextCronTime(expression, timezone, after);
  while (time <= until && count < most) {
    count += 1;
    time = nextCronTime(expression, timezone, time);
  }
  return count;
}
