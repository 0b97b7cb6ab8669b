/** What a look does to the health of its check: when to look again, and when it counts as blind. */
import { clampDue, nextDue, type Schedule } from "./schedule.ts";

const minuteMs = 60_000;
const failuresToBlind = 3;
/** A failing check is tried again at least this often, or as often as its interval says. */
const longestBackoffMs = 30 * minuteMs;
/** A server may ask to be left alone for so long; no longer, or it could blind a check for days. */
const longestRetryAfterMs = 60 * minuteMs;

export type HealthStatus = "ok" | "failing" | "blind";

/** Times are milliseconds since the epoch. */
export interface CheckHealth {
  /** `failing` after a failed look, `blind` after three in a row. */
  readonly status: HealthStatus;
  readonly consecutiveFailures: number;
  /** The first of the failed looks in a row, or null when the last one went well. */
  readonly failingSince: number | null;
  readonly lastOkAt: number | null;
  /** Null when the check never ran: it is due now. */
  readonly nextDueAt: number | null;
}

/** Health after a look: when the next one is due is known. */
export interface LookedHealth extends CheckHealth {
  readonly nextDueAt: number;
}

/** A look that has ended, with the schedule of its check. */
export interface LookTurn {
  readonly now: number;
  readonly schedule: Schedule;
  readonly slackMs: number;
}

/** The health of a check that never ran. */
export const newHealth: CheckHealth = {
  status: "ok",
  consecutiveFailures: 0,
  failingSince: null,
  lastOkAt: null,
  nextDueAt: null,
};

export function afterSuccess({ now, schedule, slackMs }: LookTurn): LookedHealth {
  return { ...newHealth, lastOkAt: now, nextDueAt: nextDue(schedule, now, slackMs) };
}

/**
 * Each failure in a row doubles the wait, to half an hour or the interval, whichever is longer.
 * @param look `retryAt`: before that instant, trying again is useless; heeded for up to an hour.
 */
export function afterFailure(
  health: Pick<CheckHealth, "consecutiveFailures" | "failingSince" | "lastOkAt">,
  look: LookTurn & { readonly retryAt?: number | undefined },
): LookedHealth {
  const { now } = look;
  const consecutiveFailures = health.consecutiveFailures + 1;
  const retryAt = Math.min(look.retryAt ?? now, now + longestRetryAfterMs);
  return {
    status: consecutiveFailures < failuresToBlind ? "failing" : "blind",
    consecutiveFailures,
    failingSince: health.failingSince ?? now,
    lastOkAt: health.lastOkAt,
    nextDueAt: retryDue(look, consecutiveFailures, retryAt),
  };
}

/** When the check is due, on a clock that may have been set back since that was decided. */
export function plausibleDue(
  health: Pick<CheckHealth, "consecutiveFailures" | "nextDueAt">,
  schedule: Schedule,
  now: number,
): number | null {
  const intervalMs = schedule.kind === "interval" ? schedule.everyMs : 0;
  const backoffMs = health.consecutiveFailures > 0 ? longestRetryAfterMs + intervalMs : 0;
  return clampDue(health.nextDueAt, schedule, now, backoffMs);
}

function retryDue({ now, schedule, slackMs }: LookTurn, failures: number, retryAt: number): number {
  const factor = 2 ** Math.min(failures - 1, 30);
  const regular = nextDue(schedule, now, slackMs);
  if (schedule.kind === "cron") {
    const backoffMs = Math.min(minuteMs * factor, longestBackoffMs);
    return Math.max(Math.min(now + backoffMs, regular), retryAt);
  }
  const { everyMs } = schedule;
  const intervals = Math.min(factor, Math.max(1, Math.floor(longestBackoffMs / everyMs)));
  const backedOff = (Math.floor(now / everyMs) + intervals) * everyMs;
  return Math.max(regular, backedOff, Math.ceil(retryAt / everyMs) * everyMs);
}
