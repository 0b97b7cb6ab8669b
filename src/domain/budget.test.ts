import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideCall,
  leastReplyTokens,
  overrunOf,
  worstCase,
  type CallPrice,
  type Caps,
  type UsedSoFar,
} from "./budget.ts";

const sonnet: CallPrice = {
  input: 2,
  output: 10,
  cacheRead: 0.1,
  cacheWrite: 2.5,
  cacheWriteHour: 4,
};
const haiku: CallPrice = {
  ...{ input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.125, cacheWriteHour: 0.2 },
  longPrompt: {
    aboveTokens: 100_000,
    rates: { input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625, cacheWriteHour: 1 },
  },
};
const caps: Caps = {
  perRunUsd: 0.5,
  dailyUsd: 5,
  monthlyUsd: 50,
  perRunTokens: 200_000,
  dailyTokens: 2_000_000,
};
const none = { costUsd: 0, tokens: 0 };
const nothingUsed: UsedSoFar = { run: none, day: none, month: none };
const call = { requestBytes: 20_000, maxTokens: 8_000 };

describe("the worst case of a call", () => {
  test.for([
    ["every byte a token at the dearest rate for reading", call, sonnet, 0.16, 28_000],
    ["a cache read that is dearest", call, { ...sonnet, cacheRead: 9 }, 0.26, 28_000],
    [
      "a long prompt at its own rates",
      { requestBytes: 200_000, maxTokens: 1_000 },
      haiku,
      0.2025,
      201_000,
    ],
    [
      "a prompt that is just not long",
      { requestBytes: 100_000, maxTokens: 1_000 },
      haiku,
      0.0205,
      101_000,
    ],
    ["no money where the price is not known", call, undefined, null, 28_000],
  ] as const)("is %s", ([, given, price, usd, tokens]) => {
    const worst = worstCase(given, price);
    expect(worst.tokens).toBe(tokens);
    if (usd === null) expect(worst.usd).toBeNull();
    else expect(worst.usd).toBeCloseTo(usd, 10);
  });
});

describe("a call is held against the caps", () => {
  const day = (costUsd: number, tokens = 0): UsedSoFar => ({
    ...nothingUsed,
    day: { costUsd, tokens },
  });

  test("and is granted whole while there is room", () => {
    expect(decideCall(call, sonnet, caps, nothingUsed)).toMatchObject({
      fits: true,
      maxTokens: 8_000,
    });
  });

  test.for([
    ["what is left of the day", day(4.9), 1_999],
    ["what is left of the month", { ...nothingUsed, month: { costUsd: 49.89, tokens: 0 } }, 2_999],
    ["what is left of the run", { ...nothingUsed, run: { costUsd: 0.4, tokens: 0 } }, 1_999],
    ["the run's tokens", { ...nothingUsed, run: { costUsd: 0, tokens: 178_000 } }, 2_000],
    ["the day's tokens", day(0, 1_979_000), 1_000],
    ["the tightest of two", day(4.9, 1_979_500), 500],
  ] as const)("with its reply lowered to %s", ([, used, maxTokens]) => {
    expect(decideCall(call, sonnet, caps, used)).toMatchObject({ fits: true, maxTokens });
  });

  test.for([
    [
      day(4.98),
      "dailyUsd",
      "the daily budget of $5.00 is spent: $4.98 used, this call could cost up to $0.0850",
    ],
    [
      { ...day(4.98), month: { costUsd: 49.99, tokens: 0 } },
      "monthlyUsd",
      "the monthly budget of $50.00 is spent: $49.99 used, this call could cost up to $0.0850",
    ],
    [
      day(0, 1_990_000),
      "dailyTokens",
      "the daily budget of 2,000,000 tokens is spent: 1,990,000 tokens used, this call could cost up to 20,500 tokens",
    ],
    [
      { ...nothingUsed, run: { costUsd: 0.45, tokens: 0 } },
      "perRunUsd",
      "the budget of $0.50 for one run is spent: $0.45 used, this call could cost up to $0.0850",
    ],
  ] as const)("and refused in words when no useful reply fits: %#", ([used, cap, reason]) => {
    expect(decideCall(call, sonnet, caps, used)).toEqual({ fits: false, cap, reason });
  });

  test("and a cap that no call fits under is said to be too small", () => {
    expect(decideCall(call, sonnet, { ...caps, dailyUsd: 0.01 }, nothingUsed)).toMatchObject({
      fits: false,
      reason: "the daily budget of $0.0100 is too small: this call could cost up to $0.0850",
    });
  });

  test("and where the price is not known only the caps on tokens hold", () => {
    expect(decideCall(call, undefined, caps, day(500))).toMatchObject({ fits: true });
    expect(decideCall(call, undefined, caps, day(0, 1_999_999))).toMatchObject({ fits: false });
  });

  test("and a model that costs nothing is held back by no money that is left", () => {
    const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0 };
    expect(decideCall(call, free, caps, day(4.999))).toMatchObject({
      fits: true,
      maxTokens: 8_000,
    });
  });

  test("and a call that asks for less than a usual least reply may have it", () => {
    expect(decideCall({ ...call, maxTokens: 100 }, sonnet, caps, nothingUsed)).toMatchObject({
      fits: true,
      maxTokens: 100,
    });
  });
});

describe("a bill above the worst case", () => {
  const worst = { usd: 0.16, tokens: 28_000 };
  test.for([
    [{ costUsd: 0.16, tokens: 28_000 }, worst, null],
    [{ costUsd: 0.17, tokens: 100 }, worst, /^billed 100 tokens \(\$0\.17\) for a call of at most/],
    [{ costUsd: 0, tokens: 28_001 }, worst, /28,001 tokens for a call of at most 28,000 tokens/],
    [{ costUsd: 0, tokens: 28_001 }, { usd: null, tokens: 28_000 }, /at most 28,000 tokens$/],
  ] as const)("%o against %o", ([billed, most, said]) => {
    if (said === null) expect(overrunOf(billed, most)).toBeNull();
    else expect(overrunOf(billed, most)).toMatch(said);
  });
});

const rate = fc.double({ min: 0, max: 50, noNaN: true });
const rates = fc.record({
  input: rate,
  output: rate,
  cacheRead: rate,
  cacheWrite: rate,
  cacheWriteHour: rate,
});
const price = fc
  .tuple(rates, fc.option(fc.record({ aboveTokens: fc.nat(50_000), rates }), { nil: undefined }))
  .map(([base, longPrompt]): CallPrice => (longPrompt ? { ...base, longPrompt } : base));

/** A call to reserve, or the settling of one of those that are under way. */
const turn = fc.oneof(
  fc.record({
    kind: fc.constant("reserve" as const),
    requestBytes: fc.integer({ min: 1, max: 60_000 }),
    maxTokens: fc.integer({ min: 1, max: 16_000 }),
    price: fc.nat(2),
    run: fc.nat(2),
    /** What of the worst case is billed. */
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("settle" as const), which: fc.nat(20) }),
);

test("spend passes no cap in any order of reserving and settling, while bills stay within it", () => {
  fc.assert(
    fc.property(
      fc.tuple(price, price, price),
      fc.array(turn, { maxLength: 120 }),
      fc.record({
        perRunUsd: fc.double({ min: 0.001, max: 2, noNaN: true }),
        dailyUsd: fc.double({ min: 0.001, max: 3, noNaN: true }),
        monthlyUsd: fc.double({ min: 0.001, max: 4, noNaN: true }),
        perRunTokens: fc.integer({ min: 1, max: 200_000 }),
        dailyTokens: fc.integer({ min: 1, max: 400_000 }),
      }),
      (prices, turns, limits) => {
        const open: { run: number; usd: number; tokens: number; share: number }[] = [];
        const closed: { run: number; usd: number; tokens: number }[] = [];
        const total = (of: (run: number) => boolean) =>
          [...open, ...closed]
            .filter(({ run }) => of(run))
            .reduce(
              (sum, { usd, tokens }) => ({
                costUsd: sum.costUsd + usd,
                tokens: sum.tokens + tokens,
              }),
              none,
            );
        for (const next of turns) {
          if (next.kind === "settle") {
            const [settled] = open.splice(next.which % Math.max(1, open.length), 1);
            if (!settled) continue;
            const { run, usd, tokens, share } = settled;
            closed.push({ run, usd: usd * share, tokens: Math.floor(tokens * share) });
            continue;
          }
          const all = total(() => true);
          const used = { run: total((run) => run === next.run), day: all, month: all };
          const given = prices[next.price];
          const decision = decideCall(next, given, limits, used);
          if (!decision.fits) continue;
          const { maxTokens, worst } = decision;
          expect(maxTokens).toBeLessThanOrEqual(next.maxTokens);
          expect(maxTokens).toBeGreaterThanOrEqual(Math.min(leastReplyTokens, next.maxTokens));
          open.push({
            run: next.run,
            usd: worst.usd ?? 0,
            tokens: worst.tokens,
            share: next.share,
          });
        }
        const everything = total(() => true);
        expect(everything.costUsd).toBeLessThanOrEqual(
          Math.min(limits.dailyUsd, limits.monthlyUsd),
        );
        expect(everything.tokens).toBeLessThanOrEqual(limits.dailyTokens);
        for (const run of [0, 1, 2]) {
          expect(total((one) => one === run).costUsd).toBeLessThanOrEqual(limits.perRunUsd);
          expect(total((one) => one === run).tokens).toBeLessThanOrEqual(limits.perRunTokens);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a call as it can be billed costs no more than its worst case", () => {
  fc.assert(
    fc.property(
      price,
      fc.integer({ min: 1, max: 100_000 }),
      fc.nat(16_000),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
      (given, requestBytes, maxTokens, [of = 1, cached = 0, written = 0, hour = 0, said = 1]) => {
        const prompt = Math.floor(requestBytes * of);
        const read = Math.floor(prompt * cached);
        const write = Math.floor((prompt - read) * written);
        const writeHour = Math.floor(write * hour);
        const long = given.longPrompt;
        const rate = long && prompt > long.aboveTokens ? long.rates : given;
        const billed =
          (prompt - read - write) * rate.input +
          read * rate.cacheRead +
          (write - writeHour) * rate.cacheWrite +
          writeHour * rate.cacheWriteHour +
          Math.floor(maxTokens * said) * rate.output;
        const { usd } = worstCase({ requestBytes, maxTokens }, given);
        expect(billed / 1_000_000).toBeLessThanOrEqual((usd ?? 0) + 1e-9);
      },
    ),
  );
});
