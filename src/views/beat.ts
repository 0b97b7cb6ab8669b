import type { BeatRecord, EffectRecord, StoreReader } from "../store/port.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** A beat's receipt as JSON, on the command line and over HTTP. */
export function beatView(beat: BeatRecord) {
  return {
    id: beat.id,
    startedAt: isoTime(beat.startedAt),
    finishedAt: isoTimeOrNull(beat.finishedAt),
    trigger: beat.trigger,
    outcome: beat.outcome,
    ...(beat.missedCount === null ? {} : { missed: beat.missedCount }),
    checks: beat.checks,
    findings: beat.findings,
    runId: beat.runId,
    costUsd: beat.costUsd,
    error: beat.error,
  };
}

const mostEffects = 500;

/** What the owner's rules asked for in the looks of a beat. Beats never overlap. */
export async function ruleEffectsOf(
  store: Pick<StoreReader, "ruleEffects">,
  { startedAt, finishedAt, missedCount, checks }: BeatRecord,
): Promise<EffectRecord[]> {
  if (missedCount !== null) return [];
  const to = finishedAt ?? Number.MAX_SAFE_INTEGER;
  const within = await store.ruleEffects({ from: startedAt, to, limit: mostEffects });
  const looked = new Set(checks.map(({ name }) => name));
  return within.filter(({ check }) => check !== null && looked.has(check));
}

/** One receipt, with what rules did without a model. */
export async function beatWithEffects(store: Pick<StoreReader, "ruleEffects">, beat: BeatRecord) {
  const effects = await ruleEffectsOf(store, beat);
  return {
    ...beatView(beat),
    ruleEffects: effects.map(({ id, check, tool, effect, state, error, undoneAt, ...rest }) => ({
      ...{ effectId: id, check, tool, effect, arguments: rest.arguments, state, error },
      undoneAt: isoTimeOrNull(undoneAt),
    })),
  };
}
