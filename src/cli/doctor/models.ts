import type { ModelEntry, ResolvedConfig } from "../../config/load.ts";
import { formatDuration } from "../../domain/duration.ts";
import { anthropicModel } from "../../model/anthropic.ts";
import { isUsable } from "../../model/choose.ts";
import type { ModelFailure, ModelFailureKind, ModelUsage } from "../../model/port.ts";
import { costUsd, pricesWith } from "../../model/pricing.ts";
import { reachModel } from "../../model/reach.ts";
import { dollars } from "../text.ts";
import { fail, ok, warn, type Diagnosis, type Part } from "./diagnosis.ts";

const name = "model";

/** Each model of the chain: looked up at its provider for nothing, or asked for one token. */
export function modelParts({ model }: ResolvedConfig, { ask }: { readonly ask: boolean }): Part[] {
  const { chain } = model;
  const usable = chain.filter(isUsable);
  if (usable.length === 0) {
    const said =
      chain.length === 0
        ? ok(name, "model.chain is empty: the rules decide")
        : warn(
            name,
            "no ANTHROPIC_API_KEY: the rules decide; set it in the environment or in .env",
          );
    return [{ name, look: () => [said] }];
  }
  return usable.map((entry) => ({
    name: `${name} ${entry.model}`,
    look: async (signal) => [
      await (ask ? askOnce(entry, model.prices, signal) : lookUp(entry, signal)),
    ],
  }));
}

async function lookUp(entry: ModelEntry, signal: AbortSignal): Promise<Diagnosis> {
  const reach = await reachModel(entry, signal);
  const called = calledBy(entry);
  if (reach === "known") return ok(name, `${called}: there, and the key is taken`);
  if (reach === "answers") {
    return ok(name, `${called}: the server answers; \`doctor --model\` asks the model itself`);
  }
  return failed(entry, reach);
}

async function askOnce(
  entry: ModelEntry,
  prices: ResolvedConfig["model"]["prices"],
  signal: AbortSignal,
): Promise<Diagnosis> {
  const reply = await anthropicModel(entry).complete(
    { system: [], tools: [], messages: [{ role: "user", content: "Say ok." }], maxTokens: 1 },
    { signal },
  );
  if (!reply.ok)
    return failed(entry, reply.failure, reply.usage && priced(entry, reply.usage, prices));
  const took = formatDuration(reply.durationMs);
  return ok(name, `${calledBy(entry)}: answered in ${took}, ${priced(entry, reply.usage, prices)}`);
}

/** What it cost, and on how many tokens. */
function priced(
  { model }: ModelEntry,
  usage: ModelUsage,
  prices: ResolvedConfig["model"]["prices"],
): string {
  const read = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const tokens = `${read} tokens read and ${usage.outputTokens} written`;
  const cost = costUsd(model, usage, pricesWith(prices));
  if (cost === undefined) return `${tokens}, at a price that is not known`;
  return `${tokens}, for ${cost > 0 && cost < leastShown ? `less than ${dollars(leastShown)}` : dollars(cost)}`;
}

const leastShown = 0.0001;

const calledBy = ({ model, baseUrl }: ModelEntry): string =>
  baseUrl === undefined ? model : `${model} at ${baseUrl}`;

function failed(entry: ModelEntry, failure: ModelFailure, cost?: string): Diagnosis {
  const say = passesByItself.has(failure.kind) ? warn : fail;
  const mend = mends[failure.kind] ?? "`watchkeeper runs` shows whether it goes on";
  return say(name, `${calledBy(entry)}: ${failure.message}${cost ? ` (${cost})` : ""}. ${mend}`);
}

const passesByItself: ReadonlySet<ModelFailureKind> = new Set(["rate-limited", "overloaded"]);

const mends: Partial<Record<ModelFailureKind, string>> = {
  auth: "Check ANTHROPIC_API_KEY, or apiKey in model.chain",
  "rate-limited": "It passes by itself",
  overloaded: "It passes by itself; until then the next model of the chain is asked",
  "spend-limit": "Raise the limit at the provider, or wait for the next month",
  "bad-reply":
    "Check baseUrl in model.chain, or ANTHROPIC_BASE_URL: it must speak the Messages API",
  unreachable:
    "Check baseUrl in model.chain, or ANTHROPIC_BASE_URL, and the network of this machine",
  timeout: "Check baseUrl in model.chain, or ANTHROPIC_BASE_URL, and the network of this machine",
  rejected: "Check the id in model.chain",
};
