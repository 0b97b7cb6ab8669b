/**
 * A circuit breaker: after several failures in a row a model is left alone for a while, then one
 * trial call decides.
 *
 * Our own and not a library's: cockatiel's reads the host's clock, so that a clock that is set back
 * keeps it open for hours and a test would have to wait, and it takes a trial that was called off
 * for a success.
 */
export interface Breaker {
  /** When a call may be tried again, or null when one may be tried now. */
  restsUntil(now: number): number | null;
  /** A call begins. After a rest it is the trial, and no other begins beside it. */
  begin(now: number): void;
  /** How the call ended; `neither` says nothing about the provider, such as a call that was called off. */
  end(outcome: "answered" | "failed" | "neither", now: number): void;
}

export interface BreakerSettings {
  /** So many failures in a row open it. */
  readonly mostFailures: number;
  /** How long it then lets nothing through. */
  readonly restMs: number;
}

export function createBreaker({ mostFailures, restMs }: BreakerSettings): Breaker {
  let failures = 0;
  let restsFrom: number | null = null;
  const isOpen = (): boolean => failures >= mostFailures;
  return {
    restsUntil(now) {
      // A clock that was set back must not prolong the rest.
      if (restsFrom === null || now < restsFrom) return null;
      const until = restsFrom + restMs;
      return now < until ? until : null;
    },
    begin(now) {
      // The trial holds the others off as a rest does; one that never ends holds them for no longer.
      if (isOpen()) restsFrom = now;
    },
    end(outcome, now) {
      switch (outcome) {
        case "answered":
          failures = 0;
          restsFrom = null;
          return;
        case "failed":
          failures += 1;
          if (isOpen()) restsFrom = now;
          return;
        case "neither":
          restsFrom = null;
      }
    },
  };
}
