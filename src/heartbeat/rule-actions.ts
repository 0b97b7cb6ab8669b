import { describeError } from "../domain/errors.ts";
import { refit } from "../effects/fit.ts";
import { carryOut, type EffectDependencies } from "../effects/perform.ts";
import { unknownOutcome } from "../effects/settle.ts";
import type { EffectRecord } from "../store/port.ts";

/**
 * What the owner's rules have asked for: planned with the look that saw the occasion, carried out here. What
 * a kill leaves planned is carried out at the next start; what it leaves begun is settled like any effect.
 */

export const rulesCheck = "watchkeeper/rules";
/** An occasion that is older speaks of another world: a service need not be restarted for last week. */
const longestWaitMs = 24 * 60 * 60_000;

export async function carryOutActions(dependencies: EffectDependencies): Promise<void> {
  const { store, clock, log, signal } = dependencies;
  for (const effect of await store.plannedActions()) {
    if (signal.aborted || (await store.pausedAt(clock.now()))) return;
    try {
      await carryOutOne(effect, dependencies);
    } catch (error) {
      log.error({ effectId: effect.id, error: describeError(error) }, "a rule's action failed");
    }
  }
}

async function carryOutOne(effect: EffectRecord, dependencies: EffectDependencies): Promise<void> {
  const { store, clock, tools } = dependencies;
  const { id, tool: name } = effect;
  const tool = tools.get(name);
  const refuse = async (error: string): Promise<void> => {
    await store.finishEffect(id, { state: "failed", result: null, error, at: clock.now() });
    await tellFailure(effect, error, dependencies);
  };
  if (!tool) return refuse(`there is no tool ${name} any more`);
  if (tool.version !== effect.toolVersion)
    return refuse("the tool has changed since it was planned");
  if (clock.now() - effect.plannedAt > longestWaitMs) return refuse("it has waited for too long");
  const fitted = refit(tool, effect.arguments);
  if (!fitted.ok) return refuse(fitted.problem);
  if (!(await store.markEffectSent(id, clock.now()))) return;
  const end = await carryOut(id, { ...effect, tool, input: fitted.input }, dependencies);
  if (end.state === "unknown") {
    await store.setOwnFinding(unknownOutcome({ id, tool: name }, clock.now()));
  } else if (end.state === "failed" || (end.state === "done" && end.error !== null)) {
    await tellFailure(effect, "see the journal", dependencies);
  }
}

/** Once for a check and tool, however often: a rule that fails at each mail is one trouble. */
async function tellFailure(
  { id, check, tool }: EffectRecord,
  why: string,
  { store, clock }: EffectDependencies,
): Promise<void> {
  await store.setOwnFinding({
    check: rulesCheck,
    key: `${check ?? ""}/${tool}`,
    severity: "warning",
    title: `What a rule of ${check ?? "a check"} asks for fails: ${tool}`,
    text: `First seen with effect ${id}: ${why}. The effects table holds the errors.`,
    at: clock.now(),
  });
}
