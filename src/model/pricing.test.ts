import { describe, expect, it } from "vitest";
import type { ModelUsage } from "./port.ts";
import {
  costUsd,
  listPrices,
  missingPrices,
  priceOf,
  pricesWith,
  type PriceTable,
} from "./pricing.ts";

const million = 1_000_000;
const none: ModelUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
};

describe("costUsd", () => {
  it.each([
    ["claude-opus-5-5", { inputTokens: million }, 4],
    ["claude-opus-5-5", { outputTokens: million }, 20],
    ["claude-opus-5-5", { cacheReadTokens: million }, 0.2],
    ["claude-opus-5-5", { cacheWriteTokens: million }, 5],
    ["claude-opus-5-5", { cacheWriteTokens: million, cacheWriteHourTokens: million }, 8],
    ["claude-sonnet-5-5", { inputTokens: million, outputTokens: million }, 12],
    ["claude-sonnet-5-5", { cacheReadTokens: million }, 0.1],
    ["claude-sonnet-5-5", { cacheWriteTokens: million, cacheWriteHourTokens: 400_000 }, 3.1],
    ["claude-haiku-5-5", { inputTokens: 100_000, outputTokens: million }, 0.51],
    ["claude-haiku-5-5", { inputTokens: 100_001, outputTokens: million }, 2.5500005],
    ["claude-haiku-5-5", { inputTokens: 1_000, cacheReadTokens: 99_000 }, 0.00109],
    ["claude-haiku-5-5", { inputTokens: 1_000, cacheReadTokens: 100_000 }, 0.0055],
    ["claude-haiku-5-5", { cacheWriteTokens: 200_000, cacheWriteHourTokens: 100_000 }, 0.1625],
    ["claude-haiku-4-5-20251001", { inputTokens: million }, 1],
    ["claude-sonnet-5-5", {}, 0],
    // More written for an hour than written at all is the provider's mistake, not a discount.
    ["claude-opus-5-5", { cacheWriteTokens: 10, cacheWriteHourTokens: million }, 0.00008],
  ] satisfies [string, Partial<ModelUsage>, number][])("%s with %o is %d", (model, usage, usd) => {
    expect(costUsd(model, { ...none, ...usage })).toBeCloseTo(usd, 9);
  });

  it("does not guess what it does not know", () => {
    expect(costUsd("qwen3:8b", { ...none, inputTokens: 5 })).toBeUndefined();
  });

  it("takes the owner's prices", () => {
    const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0 };
    expect(costUsd("qwen3:8b", { ...none, inputTokens: 5 }, { qwen3: free })).toBe(0);
  });
});

describe("priceOf", () => {
  it.each([
    ["claude-opus-5-5", "claude-opus-5-5"],
    ["claude-opus-5-5-20260922", "claude-opus-5-5"],
    ["claude-opus-5-5[1m]", "claude-opus-5-5"],
    ["claude-opus-5-5@20260922", "claude-opus-5-5"],
    ["claude-opus-5-20260724", "claude-opus-5"],
    ["claude-opus-5", "claude-opus-5"],
    ["claude-opus-5-latest", "claude-opus-5"],
    ["claude-opus-5-6", undefined],
    ["claude-opus-5-55", undefined],
    ["claude-opus-55", undefined],
    ["claude-opus-5.5", undefined],
    ["claude-opus", undefined],
    ["claude-opus-6", undefined],
    ["", undefined],
  ])("%s is priced as %s", (model, id) => {
    expect(priceOf(model)).toBe(id === undefined ? undefined : listPrices[id]);
  });

  it("takes the longest id that fits, in whatever order they stand", () => {
    const price = (input: number) => ({
      input,
      output: 0,
      cacheRead: 0,
      cacheWrite: 0,
      cacheWriteHour: 0,
    });
    const prices: PriceTable = { "local:big": price(2), local: price(1), "local:big:q4": price(3) };
    expect(priceOf("local:big:q8", prices)).toEqual(price(2));
    expect(priceOf("local:big:q4", prices)).toEqual(price(3));
    expect(priceOf("local:small", prices)).toEqual(price(1));
  });

  it("lists no price of nothing, and output dearer than input", () => {
    for (const [id, price] of Object.entries(listPrices)) {
      for (const rates of [price, price.longPrompt?.rates ?? price]) {
        expect(rates.cacheRead, id).toBeGreaterThan(0);
        expect(rates.input, id).toBeGreaterThan(rates.cacheRead);
        expect(rates.cacheWrite, id).toBeCloseTo(rates.input * 1.25, 9);
        expect(rates.cacheWriteHour, id).toBeCloseTo(rates.input * 2, 9);
        expect(rates.output, id).toBeCloseTo(rates.input * 5, 9);
      }
    }
  });
});

describe("an owner's prices", () => {
  it("go before the list's, also for dated versions, and fill in what is left out", () => {
    const prices = pricesWith({ "claude-sonnet-5-5": { input: 1, output: 7, cacheRead: 0.5 } });
    expect(priceOf("claude-sonnet-5-5-20261001", prices)).toEqual({
      input: 1,
      output: 7,
      cacheRead: 0.5,
      cacheWrite: 1.25,
      cacheWriteHour: 2,
    });
    expect(priceOf("claude-haiku-5-5", prices)).toEqual(priceOf("claude-haiku-5-5"));
  });

  it("are asked for, once for each model that has none", () => {
    const models = ["claude-sonnet-5-5", "mine", "mine", "free"];
    expect(missingPrices(models, pricesWith({ free: { input: 0, output: 0 } }))).toEqual([
      "the price of mine is not known: only token caps hold; set model.prices",
    ]);
  });
});
