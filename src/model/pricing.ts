import type { ModelUsage } from "./port.ts";

/** US dollars per million tokens. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Written to the cache for five minutes. */
  readonly cacheWrite: number;
  /** Written to the cache for an hour. */
  readonly cacheWriteHour: number;
}

export interface ModelPrice extends Rates {
  /** Where prompts above a size cost more, that size and what then holds for the whole call. */
  readonly longPrompt?: { readonly aboveTokens: number; readonly rates: Rates };
}

/** Prices by model id; a dated or otherwise suffixed id finds the longest one that it begins with. */
export type PriceTable = Readonly<Record<string, ModelPrice>>;

const rates = (
  input: number,
  output: number,
  cacheRead: number,
  cacheWrite: number,
  cacheWriteHour: number,
): Rates => ({ input, output, cacheRead, cacheWrite, cacheWriteHour });

/**
 * Anthropic's list prices for the standard tier.
 * Source: https://platform.claude.com/docs/en/about-claude/pricing and the release notes of October 2026;
 * the cache rates of Haiku 5.5 and Sonnet 5.5 from the notes alone. Yours may differ: see your invoice.
 */
export const listPrices: PriceTable = {
  "claude-fable-5-1": rates(10, 50, 0.25, 12.5, 20),
  "claude-fable-5": rates(10, 50, 1, 12.5, 20),
  "claude-opus-5-5": rates(4, 20, 0.2, 5, 8),
  "claude-opus-5": rates(5, 25, 0.5, 6.25, 10),
  "claude-opus-4-8": rates(5, 25, 0.5, 6.25, 10),
  "claude-opus-4-7": rates(5, 25, 0.5, 6.25, 10),
  "claude-opus-4-6": rates(5, 25, 0.5, 6.25, 10),
  "claude-opus-4-5": rates(5, 25, 0.5, 6.25, 10),
  "claude-sonnet-5-5": rates(2, 10, 0.1, 2.5, 4),
  "claude-sonnet-5": rates(2, 10, 0.2, 2.5, 4),
  "claude-sonnet-4-6": rates(3, 15, 0.3, 3.75, 6),
  "claude-sonnet-4-5": rates(3, 15, 0.3, 3.75, 6),
  "claude-haiku-5-5": {
    ...rates(0.1, 0.5, 0.01, 0.125, 0.2),
    longPrompt: { aboveTokens: 100_000, rates: rates(0.5, 2.5, 0.05, 0.625, 1) },
  },
  "claude-haiku-4-5": rates(1, 5, 0.1, 1.25, 2),
};

/** What an owner says of a price; what is left out follows the provider's usual multiples of `input`. */
export interface OwnPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly cacheWriteHour?: number | undefined;
}

/** The list prices with the owner's in their place. */
export function pricesWith(own: Readonly<Record<string, OwnPrice>>): PriceTable {
  const owned = Object.entries(own).map(([model, price]): [string, ModelPrice] => {
    const { input, output } = price;
    const { cacheRead = input / 10, cacheWrite = input * 1.25, cacheWriteHour = input * 2 } = price;
    return [model, rates(input, output, cacheRead, cacheWrite, cacheWriteHour)];
  });
  return { ...listPrices, ...Object.fromEntries(owned) };
}

/** What the owner is told of each model that has no price. */
export const missingPrices = (models: readonly string[], prices: PriceTable): string[] =>
  [...new Set(models)]
    .filter((model) => !priceOf(model, prices))
    .map((model) => `the price of ${model} is not known: only token caps hold; set model.prices`);

/** The price of a model, or undefined when the table does not know it. */
export function priceOf(model: string, prices: PriceTable = listPrices): ModelPrice | undefined {
  let longest: string | undefined;
  for (const id of Object.keys(prices)) {
    if (id.length > (longest?.length ?? -1) && isVariantOf(model, id)) longest = id;
  }
  return longest === undefined ? undefined : prices[longest];
}

// "claude-opus-5-20260724" is a claude-opus-5; "claude-opus-5-7" is another model at another price.
function isVariantOf(model: string, id: string): boolean {
  if (!model.startsWith(id)) return false;
  const rest = model.slice(id.length);
  return rest === "" || (/^[^\p{L}\p{N}.]/u.test(rest) && !/^[-.]\d{1,2}(?!\d)/.test(rest));
}

/**
 * What one call cost. Not for sums over calls: where long prompts cost more, each call counts alone.
 * @returns US dollars, or undefined when the price of the model is not known.
 */
export function costUsd(
  model: string,
  usage: ModelUsage,
  prices: PriceTable = listPrices,
): number | undefined {
  const price = priceOf(model, prices);
  if (!price) return undefined;
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const long = price.longPrompt;
  const rate = long && prompt > long.aboveTokens ? long.rates : price;
  const hour = Math.min(usage.cacheWriteHourTokens ?? 0, usage.cacheWriteTokens);
  const millionths =
    usage.inputTokens * rate.input +
    usage.outputTokens * rate.output +
    usage.cacheReadTokens * rate.cacheRead +
    (usage.cacheWriteTokens - hour) * rate.cacheWrite +
    hour * rate.cacheWriteHour;
  return millionths / 1_000_000;
}
