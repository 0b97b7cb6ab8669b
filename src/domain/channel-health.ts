/** How a channel stands after what it delivered or did not: how long it rests, and when it counts as down. */

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const firstWaitMs = 30 * secondMs;
const longestWaitMs = 30 * minuteMs;
/** A server may ask to be left alone for so long; no longer, or it could silence a channel for days. */
const longestAskedMs = 60 * minuteMs;
const failuresToDown = 3;
const timeToDownMs = 5 * minuteMs;

/** Under this name stands the finding that says that a channel does not work; its key is the channel. */
export const channelsCheck = "watchkeeper/channels";

/** Times are milliseconds since the epoch. */
export interface ChannelHealth {
  readonly consecutiveFailures: number;
  /** The first of the failures in a row, or null when the last message got through. */
  readonly failingSince: number | null;
  readonly lastFailedAt: number | null;
  /** It is tried again then. */
  readonly restUntil: number;
  /** It has asked to be left alone until then. */
  readonly leaveUntil: number;
}

/** What was known of a channel when this process began: rests are over with a restart. */
export const restored = ({
  consecutiveFailures,
  failingSince,
}: Pick<ChannelHealth, "consecutiveFailures" | "failingSince">): ChannelHealth => ({
  ...working,
  consecutiveFailures,
  failingSince,
});

export const working: ChannelHealth = {
  consecutiveFailures: 0,
  failingSince: null,
  lastFailedAt: null,
  restUntil: 0,
  leaveUntil: 0,
};

export interface Failure {
  readonly now: number;
  /** False when trying again is useless until somebody changes something. */
  readonly retryable: boolean;
  /** Before that instant, trying again is useless. */
  readonly retryAt: number | undefined;
}

/** 30 s, doubled with each failure in a row, up to half an hour. */
export const backoffMs = (failures: number): number =>
  Math.min(firstWaitMs * 2 ** Math.min(Math.max(0, failures - 1), 30), longestWaitMs);

export const heededUntil = ({ now, retryAt }: Pick<Failure, "now" | "retryAt">): number =>
  Math.min(retryAt ?? 0, now + longestAskedMs);

/**
 * A single refusal may be the message's fault, and the channel goes on with the next one; the second in a row
 * is the channel's, which then rests for long.
 */
export function afterFailedDelivery(health: ChannelHealth, failure: Failure): ChannelHealth {
  const { now, retryable } = failure;
  const consecutiveFailures = health.consecutiveFailures + 1;
  const isRefusing = !retryable && consecutiveFailures > 1;
  return {
    consecutiveFailures,
    failingSince: health.failingSince ?? now,
    lastFailedAt: now,
    restUntil: now + (isRefusing ? longestWaitMs : backoffMs(consecutiveFailures)),
    leaveUntil: heededUntil(failure),
  };
}

type Failing = Pick<ChannelHealth, "consecutiveFailures" | "failingSince">;

/**
 * When a failing channel counts as down, if nothing gets through until then. A single failure may stay the
 * only one: what another channel has taken over is not tried again.
 */
export function downAt({ consecutiveFailures, failingSince }: Failing): number | null {
  if (failingSince === null || consecutiveFailures < 2) return null;
  return consecutiveFailures >= failuresToDown ? failingSince : failingSince + timeToDownMs;
}

export function isDown(health: Failing, now: number): boolean {
  const at = downAt(health);
  return at !== null && at <= now;
}
