import { requestUndo } from "../../control.ts";
import { exit, parseId, readExistingStore, type CommandContext } from "../context.ts";
import { byDaemonOrHere, loadConfigOf, openWatchHere } from "../watch-here.ts";

/** Takes a `write` back: by the daemon when there is one, else here. */
export async function undo(context: CommandContext, id: string): Promise<number> {
  const effectId = parseId(id);
  const { stateDir, out, json } = context;
  await readExistingStore(context)[Symbol.asyncDispose]();
  const { tool } = await byDaemonOrHere(stateDir, {
    daemon: () => requestUndo(stateDir, effectId),
    async here() {
      await using watch = await openWatchHere(context, await loadConfigOf(context));
      return await watch.undo(effectId);
    },
  });
  if (json) out.write(`${JSON.stringify({ effectId, tool, undone: true }, null, 2)}\n`);
  else out.write(`effect ${effectId}: ${tool} was undone.\n`);
  return exit.done;
}
