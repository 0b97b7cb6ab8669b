import type { ModelUsage } from "./port.ts";

/** Keeps to the owner's limits of requests and tokens per minute, before the provider has to. */

export interface RateLimits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

export interface RateLimit {
  /** How long a request of so many tokens has to wait, in milliseconds. */
  waitMs(tokens: number, now: number): number;
  take(tokens: number, now: number): void;
  /** Corrects the estimate that was taken once it is known what was used. */
  correct(taken: number, usage: ModelUsage, now: number): void;
}

/** Text has about four bytes to a token; the reply counts with all that it may have. */
export const estimateTokens = (requestBytes: number, maxTokens: number): number =>
  Math.ceil(requestBytes / 4) + maxTokens;

export function createRateLimit({ requestsPerMinute, tokensPerMinute }: RateLimits): RateLimit {
  const requests = createBucket(requestsPerMinute);
  const tokens = createBucket(tokensPerMinute);
  return {
    waitMs: (amount, now) => Math.max(requests.waitMs(1, now), tokens.waitMs(amount, now)),
    take(amount, now) {
      requests.take(1, now);
      tokens.take(amount, now);
    },
    correct(taken, usage, now) {
      if (usage.partial) return;
      const { inputTokens, cacheWriteTokens, outputTokens } = usage;
      // Providers do not count what was read from their cache.
      tokens.take(inputTokens + cacheWriteTokens + outputTokens - taken, now);
    },
  };
}

interface Bucket {
  waitMs(amount: number, now: number): number;
  /** A negative amount is put back. */
  take(amount: number, now: number): void;
}

/** A token bucket that holds a minute's worth and refills steadily, as providers' own limits do. */
function createBucket(perMinute: number | undefined): Bucket {
  if (perMinute === undefined) return { waitMs: () => 0, take: () => undefined };
  const perMs = perMinute / 60_000;
  let level = perMinute;
  let levelAt: number | null = null;
  const refill = (now: number): void => {
    // A clock that was set back adds nothing and takes nothing.
    const elapsedMs = Math.max(0, now - (levelAt ?? now));
    level = Math.min(perMinute, level + elapsedMs * perMs);
    levelAt = now;
  };
  return {
    waitMs(amount, now) {
      refill(now);
      // What is larger than a minute's worth would never fit: it waits until the bucket is full.
      const missing = Math.min(amount, perMinute) - level;
      return missing > 1e-6 ? Math.ceil(missing / perMs) : 0;
    },
    take(amount, now) {
      refill(now);
      level = Math.min(perMinute, level - Math.min(amount, perMinute));
    },
  };
}
