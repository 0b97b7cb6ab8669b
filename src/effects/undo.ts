import { WatchkeeperError } from "../domain/errors.ts";
import type { EffectRecord } from "../store/port.ts";
import { contain } from "./contained.ts";
import { effectsCheck } from "./outcome.ts";
import { wasCut, type EffectDependencies } from "./perform.ts";

/**
 * Takes a `write` back.
 * @throws WatchkeeperError when it cannot be, with the reason.
 */
export async function undoEffect(
  id: number,
  { store, clock, tools, scrub, signal, log }: EffectDependencies,
): Promise<EffectRecord> {
  const refuse = (message: string, hint?: string) =>
    new WatchkeeperError("UNDO_REFUSED", message, hint === undefined ? {} : { hint });
  const effect = await store.getEffect(id);
  if (!effect) throw refuse(`there is no effect ${id}`, "`watchkeeper undo` lists what there is");
  const tool = tools.get(effect.tool);
  if (effect.effect !== "write" || !tool?.definition.undo)
    throw refuse(`${effect.tool} cannot be undone`);
  if (effect.undoneAt !== null) throw refuse(`effect ${id} was undone already`);
  if (effect.state !== "done") throw refuse(`effect ${id} is ${effect.state}, not done`);
  if (wasCut(effect.result))
    throw refuse(`what is needed to undo effect ${id} was too large to keep`);
  if (!(await store.beginUndo(id, clock.now())))
    throw refuse(`effect ${id} is being undone already`);
  const origin = { ...effect, idempotencyKey: `undo-${effect.idempotencyKey}` };
  const end = await log.within({ effectId: id }, () =>
    contain(tool, origin, { clock, scrub, signal }, async () =>
      tool.definition.undo?.(effect.result),
    ),
  );
  if (end.kind !== "returned") {
    await store.failUndo(id);
    throw new WatchkeeperError("UNDO_FAILED", `effect ${id} could not be undone: ${end.error}`);
  }
  await store.finishUndo(id, clock.now());
  log.info({ effectId: id, tool: effect.tool }, "an effect is taken back");
  return { ...effect, undoneAt: clock.now() };
}

/** Before a process undoes anything: what a killed one had begun to take back is put to the owner. */
export async function tellInterruptedUndos({
  store,
  clock,
}: Pick<EffectDependencies, "store" | "clock">): Promise<void> {
  for (const { id, tool } of await store.unfinishedUndos()) {
    await store.failUndo(id, {
      check: effectsCheck,
      key: `undo-${id}`,
      severity: "warning",
      title: `Nobody knows whether ${tool} was taken back (effect ${id})`,
      text: `The process was stopped in the middle of it. Look for yourself; \`watchkeeper undo ${id}\` tries again.`,
      at: clock.now(),
    });
  }
}
