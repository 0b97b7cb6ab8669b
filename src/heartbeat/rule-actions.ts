import { describeError } from "../domain/errors.ts";
import { refit } from "../effects/fit.ts";
import { outcomeFinding } from "../effects/outcome.ts";
import { carryOut, type EffectDependencies } from "../effects/perform.ts";
import type { EffectRecord } from "../store/port.ts";

/**
 * What the owner's rules have asked for: planned with the look that saw the occasion, carried out here. What
 * a kill leaves planned is carried out at the next start; what it leaves begun is settled like any effect.
 */

/** An occasion that is older speaks of another world: a service need not be restarted for last week. */
const longestWaitMs = 24 * 60 * 60_000;

export async function carryOutActions(dependencies: EffectDependencies): Promise<void> {
  const { store, clock, log, signal } = dependencies;
  for (const effect of await store.plannedActions()) {
    if (signal.aborted || (await store.pausedAt(clock.now()))) return;
    const { id: effectId, check } = effect;
    const belongsTo = { effectId, ...(check !== null && { check }) };
    try {
      await log.within(belongsTo, () => carryOutOne(effect, dependencies));
    } catch (error) {
      log.error({ ...belongsTo, error: describeError(error) }, "a rule's action failed");
    }
  }
}

async function carryOutOne(effect: EffectRecord, dependencies: EffectDependencies): Promise<void> {
  const { store, clock, tools } = dependencies;
  const { id, tool: name } = effect;
  const tool = tools.get(name);
  const refuse = async (error: string): Promise<void> => {
    const failed = { state: "failed", result: null, error } as const;
    const at = clock.now();
    await store.finishEffect(id, {
      ...failed,
      at,
      tell: outcomeFinding(effect, failed, at, error),
    });
  };
  if (!tool) return refuse(`there is no tool ${name} any more`);
  if (tool.version !== effect.toolVersion)
    return refuse("the tool has changed since it was planned");
  if (clock.now() - effect.plannedAt > longestWaitMs) return refuse("it has waited for too long");
  const fitted = refit(tool, effect.arguments);
  if (!fitted.ok) return refuse(fitted.problem);
  if (!(await store.markEffectSent(id, clock.now()))) return;
  await carryOut(id, { ...effect, tool, input: fitted.input }, dependencies);
}
