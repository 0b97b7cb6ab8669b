import { decideCall, leastReplyTokens } from "../domain/budget.ts";
import type { Clock } from "../domain/clock.ts";
import { capFinding, closeBudgetFindings, stopFinding } from "../agent/budget-findings.ts";
import { budgetPeriods, type Budget, type Refusal } from "../agent/ledger.ts";
import type { Prompt } from "../agent/prompt.ts";
import { priceOf } from "../model/pricing.ts";
import type { Store } from "../store/port.ts";

/** Whether a run is worth beginning, as far as money goes, and what the owner is told when it is not. */

export interface BudgetGate {
  /** Ends what was told of a day or month that is over, and tells what a killed process did not. */
  keep(): Promise<void>;
  /** Why not even the smallest call fits, told to the owner once; null when one does. */
  refusal(): Promise<string | null>;
  /**
   * A run was begun and could not pay for its call: what it wanted is more than the smallest call. Until that
   * day or month is over no other is begun, or each beat would begin one.
   */
  noteRefusal(refusal: Refusal): void;
}

export interface BudgetGateDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly prompt: () => Promise<Prompt>;
  /** Those that may be asked. */
  readonly models: readonly string[];
}

/** Findings about budgets are few; whatever else is open must not hide them. */
const mostOpen = 10_000;

export function createBudgetGate(dependencies: BudgetGateDependencies): BudgetGate {
  const { store, clock, budget, prompt, models } = dependencies;
  let kept = "";
  let refused: (Refusal & { readonly period: number }) | null = null;

  /** When the day or month of a cap began; null for a cap of one run. */
  function periodOf({ because }: Refusal, now: number): number | null {
    const { dayStart, monthStart } = budgetPeriods(now, budget.timezone);
    if (because === "monthlyUsd") return monthStart;
    return because === "dailyUsd" || because === "dailyTokens" ? dayStart : null;
  }

  return {
    noteRefusal(refusal) {
      const period = periodOf(refusal, clock.now());
      refused = period === null ? null : { ...refusal, period };
    },

    async keep() {
      const now = clock.now();
      const { timezone } = budget;
      const stopped = await store.stoppedModels();
      const state = [budgetPeriods(now, timezone).dayStart, ...stopped.map(({ model }) => model)];
      if (kept === state.join()) return;
      const open = await store.listFindings({ all: false, limit: mostOpen });
      await closeBudgetFindings(store, open, { stopped, now, timezone });
      for (const stop of stopped) await store.setOwnFinding(stopFinding(stop));
      kept = state.join();
    },

    async refusal() {
      const now = clock.now();
      if (refused && refused.period === periodOf(refused, now)) return refused.reason;
      const use = await store.budgetUse(budgetPeriods(now, budget.timezone));
      const stopped = new Map((await store.stoppedModels()).map((stop) => [stop.model, stop]));
      const used = { ...use, run: { costUsd: 0, tokens: 0 } };
      const { system, tools } = await prompt();
      const prefixBytes = Buffer.byteLength(JSON.stringify({ system, tools }));
      const call = { requestBytes: prefixBytes, maxTokens: leastReplyTokens };
      const refusals: Refusal[] = [];
      for (const model of models) {
        const stop = stopped.get(model);
        if (stop) {
          refusals.push({ because: "model-stopped", reason: stop.reason });
          continue;
        }
        const price = priceOf(model, budget.prices);
        const decision = decideCall(call, price, budget.caps, used);
        if (decision.fits) return null;
        refusals.push({ because: decision.cap, reason: decision.reason });
      }
      const told = refusals.find(({ because }) => because !== "model-stopped") ?? refusals[0];
      if (!told) return null;
      const finding = capFinding(told, budget, now);
      if (finding) await store.setOwnFinding(finding);
      return told.reason;
    },
  };
}
