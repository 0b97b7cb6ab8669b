import { describeError } from "../domain/errors.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { EffectRecord } from "../store/port.ts";
import { contain } from "./contained.ts";
import { refit } from "./fit.ts";
import { carryOut, plainData, type EffectDependencies } from "./perform.ts";

/**
 * What a killed process left without an outcome. What was never sent is not done. What was sent
 * settles itself where the tool can tell or may be called again; the rest is put to the owner, and
 * never repeated blindly.
 */
export async function settleEffects(dependencies: EffectDependencies): Promise<void> {
  for (const effect of await dependencies.store.unsettledEffects()) {
    try {
      await settle(effect, dependencies);
    } catch (error) {
      dependencies.log.error(
        { effectId: effect.id, error: describeError(error) },
        "an effect could not be settled",
      );
    }
  }
}

async function settle(effect: EffectRecord, dependencies: EffectDependencies): Promise<void> {
  const { store, clock, tools } = dependencies;
  const finish = (state: "done" | "failed", result: unknown, error: string | null) =>
    store.finishEffect(effect.id, { state, result, error, at: clock.now() });
  if (effect.state === "planned") {
    return finish("failed", null, "the process was stopped before it was sent");
  }
  const tool = tools.get(effect.tool);
  if (tool?.version === effect.toolVersion) {
    const found = await reconcile(tool, effect, dependencies);
    if (found === "not-done") return finish("failed", null, "it was not done");
    if (found) return finish("done", plainData(found.result, dependencies.scrub), null);
    const fitted = refit(tool, effect.arguments);
    if (tool.definition.idempotent && fitted.ok) {
      const call = { ...effect, tool, input: fitted.input };
      const end = await carryOut(effect.id, call, dependencies);
      if (end.state !== "unknown") return;
    }
  }
  const error = "the process was stopped in the middle of it";
  await store.finishEffect(effect.id, { state: "unknown", result: null, error, at: clock.now() });
  await store.setOwnFinding(unknownOutcome(effect, clock.now()));
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

/** Under this name stand the findings about effects whose outcome nobody knows. */
export const effectsCheck = "watchkeeper/effects";

/** Put to the owner: only the tool's name is in it, the arguments stand in the journal. */
export const unknownOutcome = (effect: Pick<EffectRecord, "id" | "tool">, at: number) => ({
  check: effectsCheck,
  key: `effect-${effect.id}`,
  severity: "warning" as const,
  title: `Nobody knows whether ${effect.tool} was done (effect ${effect.id})`,
  text: "It was begun, and its outcome is not known. It will not be repeated. Look for yourself, then acknowledge this finding.",
  at,
});
