/**
 * Time as a port, so that everything that waits can be tested without waiting. Decisions take `now`
 * as an argument; only code at the edge holds a clock.
 */
export interface Clock {
  /** Milliseconds since the epoch. May jump either way: laptops sleep and clocks are set. */
  now(): number;
  /**
   * Waits. Resolves early when `signal` is aborted; never rejects. A wait longer than 24 days ends
   * early too: wake, look at `now()` and wait again.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Whether a rest of at most `mostMs` goes on. One that would take longer was begun before the clock was set
 * back, and is over.
 */
export const rests = (until: number, now: number, mostMs: number): boolean =>
  until > now && until <= now + mostMs;

// Node fires a timer above 2^31 - 1 ms at once.
const longestTimerMs = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, ms > 0 ? Math.min(ms, longestTimerMs) : 0);
      signal?.addEventListener("abort", wake, { once: true });
    }),
};
