import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { createRateLimit, estimateTokens } from "./rate-limit.ts";

const usage = { inputTokens: 100, outputTokens: 50, cacheReadTokens: 9_000, cacheWriteTokens: 50 };

describe("a limit per minute", () => {
  it("lets a minute's worth through at once, and the next when its share has come back", () => {
    const limit = createRateLimit({ requestsPerMinute: 3 });
    for (let sent = 0; sent < 3; sent += 1) {
      expect(limit.waitMs(1, 0)).toBe(0);
      limit.take(1, 0);
    }
    expect(limit.waitMs(1, 0)).toBe(20_000);
    expect(limit.waitMs(1, 15_000)).toBe(5_000);
    expect(limit.waitMs(1, 20_000)).toBe(0);
  });

  it("counts the estimate of a call, and after it what was used, without what was cached", () => {
    const limit = createRateLimit({ tokensPerMinute: 6_000 });
    limit.take(6_000, 0);
    expect(limit.waitMs(1_000, 0)).toBe(10_000);
    limit.correct(6_000, usage, 0);
    expect(limit.waitMs(5_800, 0)).toBe(0);
    expect(limit.waitMs(5_900, 0)).toBe(1_000);
  });

  it("keeps its estimate where the provider did not say everything", () => {
    const limit = createRateLimit({ tokensPerMinute: 6_000 });
    limit.take(6_000, 0);
    limit.correct(6_000, { ...usage, partial: true }, 0);
    expect(limit.waitMs(1_000, 0)).toBe(10_000);
  });

  it("lets through what is larger than a minute's worth, after a full minute", () => {
    const limit = createRateLimit({ tokensPerMinute: 100 });
    expect(limit.waitMs(5_000, 0)).toBe(0);
    limit.take(5_000, 0);
    expect(limit.waitMs(5_000, 0)).toBe(60_000);
    expect(limit.waitMs(5_000, 60_000)).toBe(0);
  });

  it("gives nothing for a clock that was set back", () => {
    const limit = createRateLimit({ requestsPerMinute: 1 });
    limit.take(1, 100_000);
    expect(limit.waitMs(1, 0)).toBe(60_000);
    expect(limit.waitMs(1, 60_000)).toBe(0);
  });

  it("is none where none is set", () => {
    const limit = createRateLimit({});
    for (let sent = 0; sent < 1_000; sent += 1) limit.take(1_000_000, 0);
    expect(limit.waitMs(1_000_000, 0)).toBe(0);
  });
});

test("an estimate is a quarter of the bytes and all of the reply", () => {
  expect(estimateTokens(4_001, 500)).toBe(1_501);
});

test("over any time, no more goes through than a minute's worth and what has come back since", () => {
  const steps = fc.array(
    fc.record({
      tokens: fc.integer({ min: 1, max: 900 }),
      gapMs: fc.integer({ min: 0, max: 90_000 }),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (calls) => {
      const limit = createRateLimit({ tokensPerMinute: 1_000 });
      let now = 0;
      let sent = 0;
      for (const { tokens, gapMs } of calls) {
        now += gapMs;
        for (
          let waitMs = limit.waitMs(tokens, now);
          waitMs > 0;
          waitMs = limit.waitMs(tokens, now)
        ) {
          expect(waitMs).toBeLessThanOrEqual(60_000);
          now += waitMs;
        }
        limit.take(tokens, now);
        sent += tokens;
        expect(sent).toBeLessThanOrEqual(1_000 + (now / 60_000) * 1_000 + 1);
      }
    }),
  );
});
