import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { ModelFailureKind } from "./port.ts";
import { afterFailure, backoffMs } from "./retry.ts";

const settings = { maxAttempts: 3, baseDelayMs: 1_000, maxDelayMs: 20_000, longestWaitMs: 30_000 };
const now = Date.parse("2026-12-31T23:00:00Z");
const random = () => 0.5;
const once = { attempts: 1, badReplies: 0, now, random };

const transient: ModelFailureKind[] = [
  "rate-limited",
  "overloaded",
  "unreachable",
  "timeout",
  "cut",
];

describe("what follows a failed attempt", () => {
  it.each(transient)("%s: again, until the attempts are used up", (kind) => {
    const failure = { kind, message: "" };
    expect(afterFailure(failure, once, settings)).toEqual({ kind: "retry", waitMs: 500 });
    expect(afterFailure(failure, { ...once, attempts: 2 }, settings)).toEqual({
      kind: "retry",
      waitMs: 1_000,
    });
    expect(afterFailure(failure, { ...once, attempts: 3 }, settings)).toEqual({ kind: "next" });
  });

  it("a bad reply: once more", () => {
    const failure = { kind: "bad-reply", message: "" } as const;
    expect(afterFailure(failure, { ...once, badReplies: 1 }, settings).kind).toBe("retry");
    expect(afterFailure(failure, { ...once, attempts: 2, badReplies: 2 }, settings)).toEqual({
      kind: "next",
    });
  });

  it("a spend limit: the month ends at midnight UTC, over the year too", () => {
    const failure = { kind: "spend-limit", message: "" } as const;
    const until = Date.parse("2027-01-01T00:00:00Z");
    expect(afterFailure(failure, once, settings)).toEqual({ kind: "rest", until });
    expect(afterFailure({ ...failure, retryAfterMs: 0 }, once, settings)).toEqual({
      kind: "rest",
      until: now + 300_000,
    });
  });
});

const millisecond = fc.integer({ min: 1, max: 600_000 });
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a backoff is never negative, nor above its bound, nor above the longest", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      share,
      millisecond,
      millisecond,
      (attempts, part, baseDelayMs, maxDelayMs) => {
        const waitMs = backoffMs(attempts, () => part, { baseDelayMs, maxDelayMs });
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(Math.min(maxDelayMs, baseDelayMs * 2 ** (attempts - 1)));
        expect(Number.isInteger(waitMs)).toBe(true);
      },
    ),
  );
});

test("a backoff may be anything within its bound", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), share, (attempts, part) => {
      const bound = Math.min(20_000, 1_000 * 2 ** (attempts - 1));
      expect(backoffMs(attempts, () => part, settings)).toBe(Math.round(part * bound));
    }),
  );
});

test("a retry never comes before its retry-after, and never waits longer than is waited for", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...transient),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 400 * 86_400_000 }),
      share,
      (kind, attempts, retryAfterMs, part) => {
        const failed = { ...once, attempts, random: () => part };
        const next = afterFailure({ kind, message: "", retryAfterMs }, failed, settings);
        if (retryAfterMs > settings.longestWaitMs) {
          expect(next).toEqual({ kind: "rest", until: now + Math.min(retryAfterMs, 86_400_000) });
        } else if (attempts < settings.maxAttempts) {
          if (next.kind !== "retry") throw new Error(`not ${next.kind}`);
          expect(next.waitMs).toBeGreaterThanOrEqual(retryAfterMs);
          expect(next.waitMs).toBeLessThanOrEqual(settings.longestWaitMs);
        } else expect(next).toEqual({ kind: "next" });
      },
    ),
  );
});
