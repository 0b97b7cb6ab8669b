import { describeError } from "../domain/errors.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { EffectRecord } from "../store/port.ts";
import { contain } from "./contained.ts";
import { refit } from "./fit.ts";
import { outcomeFinding, type Outcome } from "./outcome.ts";
import { carryOut, plainData, type EffectDependencies } from "./perform.ts";

/**
 * What a killed process left without an outcome. What was never sent is not done. What was sent
 * settles itself where the tool can tell or may be called again; the rest is put to the owner, and
 * never repeated blindly.
 * @returns those that cannot be settled now, because of a pause, a stop or a store that fails
 */
export async function settleEffects(
  dependencies: EffectDependencies,
  left: readonly EffectRecord[],
): Promise<EffectRecord[]> {
  const open: EffectRecord[] = [];
  for (const effect of left) {
    const { id: effectId, runId } = effect;
    const { log } = dependencies;
    const belongsTo = { effectId, ...(runId !== null && { runId }) };
    try {
      if (!(await log.within(belongsTo, () => settle(effect, dependencies)))) open.push(effect);
    } catch (error) {
      open.push(effect);
      log.error({ ...belongsTo, error: describeError(error) }, "an effect could not be settled");
    }
  }
  return open;
}

/** @returns false when it cannot be settled now, and is left as it is */
async function settle(effect: EffectRecord, dependencies: EffectDependencies): Promise<boolean> {
  const { store, clock, tools, signal } = dependencies;
  const finish = async (state: Outcome["state"], result: unknown, error: string | null) => {
    const at = clock.now();
    const tell = outcomeFinding(effect, { state, error }, at, error ?? undefined);
    await store.finishEffect(effect.id, { state, result, error, at, tell });
    return true;
  };
  if (signal.aborted) return false;
  if (effect.state === "planned") {
    return finish("failed", null, "the process was stopped before it was sent");
  }
  const tool = tools.get(effect.tool);
  if (tool?.version === effect.toolVersion) {
    const found = await reconcile(tool, effect, dependencies);
    if (found === "not-done") return finish("failed", null, "it was not done");
    if (found) return finish("done", plainData(found.result, dependencies.scrub), null);
    if (signal.aborted) return false;
    const fitted = refit(tool, effect.arguments);
    if (tool.definition.idempotent && fitted.ok) {
      if (await store.pausedAt(clock.now())) return false;
      await carryOut(effect.id, { ...effect, tool, input: fitted.input }, dependencies);
      return true;
    }
  }
  return finish("unknown", null, "the process was stopped in the middle of it");
}

async function reconcile(
  tool: LoadedTool,
  effect: EffectRecord,
  { clock, scrub, signal }: EffectDependencies,
): Promise<{ result: unknown } | "not-done" | undefined> {
  const { definition } = tool;
  if (!definition.reconcile) return undefined;
  const end = await contain(tool, effect, { clock, scrub, signal }, async (context) =>
    definition.reconcile?.(effect.arguments, context),
  );
  if (end.kind !== "returned" || end.result === undefined) return undefined;
  return end.result as { result: unknown } | "not-done";
}
