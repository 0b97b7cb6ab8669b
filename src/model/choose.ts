import type { ModelEntry } from "../config/load.ts";
import { anthropicModel } from "./anthropic.ts";
import { createModelChain, type ChainOptions, type ModelChain } from "./chain.ts";

/** An entry without a key may still have a server of its own that wants none. */
export const isUsable = ({ apiKey, baseUrl }: ModelEntry): boolean =>
  (apiKey ?? baseUrl) !== undefined;

/** The models that can be asked, or why there is none. */
export function chooseModels(
  entries: readonly ModelEntry[],
  options: ChainOptions,
): {
  readonly chain: ModelChain | undefined;
  readonly withoutModel: string | null;
} {
  const usable = entries.filter(isUsable);
  if (usable.length === 0) {
    const reason = entries.length === 0 ? "model.chain is empty" : "there is no ANTHROPIC_API_KEY";
    return { chain: undefined, withoutModel: reason };
  }
  const chain = createModelChain(
    usable.map((entry) => ({
      model: anthropicModel({ ...entry, clock: options.clock }),
      limits: entry,
    })),
    options,
  );
  return { chain, withoutModel: null };
}
