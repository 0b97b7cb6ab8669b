import type { CapName, Caps } from "../domain/budget.ts";
import type { Clock } from "../domain/clock.ts";
import { startOf } from "../domain/zoned-time.ts";
import type { ModelUsage, SpendLedger } from "../model/port.ts";
import { costUsd, priceOf, type PriceTable } from "../model/pricing.ts";
import type { BudgetPeriods, StoppedModel, Store, Usage } from "../store/port.ts";

/** The money of one run: each model call is reserved in the store before it is made, and settled after. */

export interface Budget {
  readonly caps: Caps;
  readonly prices: PriceTable;
  /** Days and months are the owner's. */
  readonly timezone: string;
}

/** Why a call was not made. */
export interface Refusal {
  readonly because: CapName | "model-stopped";
  readonly reason: string;
}

export interface RunLedger extends SpendLedger {
  /** What the calls settled since the last time came to, all attempts together. */
  takeSettled(): Usage;
  /** The last call that was refused, or null when the last one was not. */
  readonly refusal: Refusal | null;
  /** Models that this run has found to bill more than a call can cost. */
  readonly stopped: readonly StoppedModel[];
}

const nothing: Usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0, costUsd: 0 };

export function openLedger(
  runId: number,
  { store, clock, budget }: { store: Store; clock: Clock; budget: Budget },
): RunLedger {
  const askedModels = new Map<number, string>();
  const stopped: StoppedModel[] = [];
  let settledSince = nothing;
  let refusal: Refusal | null = null;
  return {
    async reserve({ model, requestBytes, maxTokens }) {
      const at = clock.now();
      const reserved = await store.reserveSpend({
        runId,
        at,
        model,
        call: { requestBytes, maxTokens },
        price: priceOf(model, budget.prices),
        caps: budget.caps,
        ...budgetPeriods(at, budget.timezone),
      });
      if (!reserved.ok) {
        refusal = { because: reserved.because, reason: reserved.reason };
        return { ok: false, reason: reserved.reason };
      }
      refusal = null;
      askedModels.set(reserved.id, model);
      return { ok: true, reservation: reserved.id, maxTokens: reserved.maxTokens };
    },

    async settle(reservation, model, usage) {
      const asked = askedModels.get(reservation) ?? model;
      askedModels.delete(reservation);
      const end = await store.settleSpend(reservation, {
        at: clock.now(),
        usage: usage ? usageOf([asked, model], usage, budget.prices) : null,
        atLeast: usage?.partial === true,
      });
      if (!end) return;
      settledSince = sum(settledSince, end.settled);
      if (end.stopped) stopped.push(end.stopped);
    },

    takeSettled() {
      const taken = settledSince;
      settledSince = nothing;
      return taken;
    },
    get refusal() {
      return refusal;
    },
    stopped,
  };
}

export const budgetPeriods = (now: number, timezone: string): BudgetPeriods => ({
  dayStart: startOf("day", now, timezone),
  monthStart: startOf("month", now, timezone),
});

/**
 * Prompt tokens count as input whether they were written to the cache or not; read ones apart. Where
 * another model answered than was asked, the dearer of the two is what may be billed.
 */
function usageOf(models: readonly string[], usage: ModelUsage, prices: PriceTable): Usage {
  return {
    inputTokens: usage.inputTokens + usage.cacheWriteTokens,
    outputTokens: usage.outputTokens,
    cachedTokens: usage.cacheReadTokens,
    costUsd: Math.max(...models.map((model) => costUsd(model, usage, prices) ?? 0)),
  };
}

const sum = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedTokens: a.cachedTokens + b.cachedTokens,
  costUsd: a.costUsd + b.costUsd,
});
