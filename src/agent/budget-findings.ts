import { budgetCheck, budgetWords } from "../domain/budget.ts";
import { wallClockAt } from "../domain/zoned-time.ts";
import type { Finding } from "../domain/finding.ts";
import type { OwnFinding, StoppedModel, Store } from "../store/port.ts";
import type { Budget, Refusal } from "./ledger.ts";
import type { LimitReached } from "./run-limits.ts";

/**
 * What the owner is told of caps and limits: a finding each, once in the day or month that it is for.
 * Its title is the same however often it is set, so that it is told once.
 */

const stoppedKey = (model: string): string => `stopped ${model}`;

/** A cap that has no room for a call. A stopped model has a finding of its own. */
export function capFinding(
  { because, reason }: Refusal,
  { caps, timezone }: Budget,
  at: number,
): OwnFinding | null {
  if (because === "model-stopped") return null;
  const words = budgetWords(because, caps[because]);
  const until = { m: "until next month", d: "until tomorrow", p: "" }[
    because[0] as "m" | "d" | "p"
  ];
  return {
    check: budgetCheck,
    key: `${because} ${periodOf(because, at, timezone)}`,
    severity: "warning",
    title: until
      ? `No model is asked ${until}: ${words} has no room left`
      : `A run was ended early: ${words} had no room left`,
    text: `${sentence(reason)}. The checks go on, and the rules decide what is told. To change it, set model.budget.${because}.`,
    at,
  };
}

/** A limit on the length of a run. */
export function limitFinding(
  { limit, reason }: LimitReached,
  { timezone }: Budget,
  at: number,
): OwnFinding {
  return {
    check: budgetCheck,
    key: `${limit} ${periodOf(limit, at, timezone)}`,
    severity: "warning",
    title: "The model did not come to an end and was stopped",
    text: `${sentence(reason)}. The rules decided what it left open. \`watchkeeper runs\` shows the run; the limit is model.limits.${limit}.`,
    at,
  };
}

/** A model that billed more than a call can cost. */
export const stopFinding = ({ model, reason, at }: StoppedModel): OwnFinding => ({
  check: budgetCheck,
  key: stoppedKey(model),
  severity: "warning",
  title: `${model} billed more than a call can cost and is not asked any more`,
  text: `${sentence(reason)}. It stays so until \`watchkeeper resume\`: first look at the provider's bill, and at model.prices if the price is wrong.`,
  at,
});

/** Ends the findings whose day or month is over, and those of models that may be asked again. */
export async function closeBudgetFindings(
  store: Store,
  open: readonly Finding[],
  { stopped, now, timezone }: { stopped: readonly StoppedModel[]; now: number; timezone: string },
): Promise<void> {
  const standing = new Set(stopped.map(({ model }) => stoppedKey(model)));
  const ended: number[] = [];
  for (const { id, check, key } of open) {
    if (check !== budgetCheck || standing.has(key)) continue;
    const [name = "", period] = key.split(" ");
    if (name !== "stopped" && period === periodOf(name, now, timezone)) continue;
    await store.resolveOwnFinding({ check, key, at: now });
    ended.push(id);
  }
  // That a new day has begun is nothing to be told of.
  const verdicts = (await store.getFindings(ended)).map((finding) => ({
    findingId: finding.id,
    revision: finding.revision,
    verdict: "ignore" as const,
    decidedBy: "rules" as const,
    message: null,
    told: false,
  }));
  if (verdicts.length > 0) await store.applyVerdicts({ at: now, verdicts, notifications: [] });
}

/** `2026-01` for what is counted by the month, else `2026-01-05`. */
function periodOf(name: string, at: number, timezone: string): string {
  const date = new Date(wallClockAt(at, timezone)).toISOString();
  return date.slice(0, name.startsWith("monthly") ? 7 : 10);
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
