import type { ModelFailure } from "./port.ts";

/** What follows a failed attempt: the same model again, the next one, or nothing more. */
export type AfterFailure =
  | { readonly kind: "retry"; readonly waitMs: number }
  /** Not this model again for this call. */
  | { readonly kind: "next" }
  /** Not this model again until then; null: not before something changes. */
  | { readonly kind: "rest"; readonly until: number | null }
  /** No model for this call. */
  | { readonly kind: "end" };

export interface RetrySettings {
  /** Attempts at one model for one call, the first one included. */
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A longer wait is not waited for: the model rests until then. */
  readonly longestWaitMs: number;
}

export interface FailedAttempts {
  /** At this model for this call, the failed one included. */
  readonly attempts: number;
  /** How many of them were bad replies. */
  readonly badReplies: number;
  readonly now: number;
  /** From 0 up to 1, 1 excluded. */
  readonly random: () => number;
}

/** A provider's slip must not silence a model for a year: it is asked again once a day. */
const longestRestMs = 24 * 60 * 60_000;
/** Limits of money do not lift within seconds, whatever the header says. */
const shortestSpendRestMs = 5 * 60_000;

export function afterFailure(
  { kind, retryAfterMs }: ModelFailure,
  { attempts, badReplies, now, random }: FailedAttempts,
  settings: RetrySettings,
): AfterFailure {
  switch (kind) {
    case "aborted":
    case "over-budget":
      return { kind: "end" };
    case "auth":
      return { kind: "rest", until: null };
    case "spend-limit":
      return {
        kind: "rest",
        until:
          retryAfterMs === undefined
            ? startOfNextMonth(now)
            : now + Math.max(retryAfterMs, shortestSpendRestMs),
      };
    case "too-long":
    case "refusal":
    case "rejected":
      return { kind: "next" };
    case "rate-limited":
    case "overloaded":
    case "unreachable":
    case "timeout":
    case "cut":
    case "bad-reply":
      if (retryAfterMs !== undefined && retryAfterMs > settings.longestWaitMs) {
        return { kind: "rest", until: now + Math.min(retryAfterMs, longestRestMs) };
      }
      if (attempts >= settings.maxAttempts || badReplies > 1) return { kind: "next" };
      return {
        kind: "retry",
        waitMs: Math.max(retryAfterMs ?? 0, backoffMs(attempts, random, settings)),
      };
  }
}

/**
 * Full jitter: anywhere from no wait up to a bound that doubles, so that daemons which failed
 * together do not come back together.
 */
export function backoffMs(
  attempts: number,
  random: () => number,
  { baseDelayMs, maxDelayMs }: Pick<RetrySettings, "baseDelayMs" | "maxDelayMs">,
): number {
  const bound = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempts - 1, 30));
  return Math.round(random() * bound);
}

/** Providers' months begin at midnight UTC. */
function startOfNextMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
