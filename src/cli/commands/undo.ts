import { requestUndo } from "../../control.ts";
import { visibleJson } from "../../domain/canonical.ts";
import type { EffectRecord } from "../../store/index.ts";
import { isoTimeOrNull } from "../../views/time.ts";
import {
  exit,
  loadConfigFor,
  parseId,
  parseLimit,
  readExistingStore,
  type CommandContext,
} from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { shortTime, table } from "../text.ts";
import { byDaemonOrHere, openWatchHere } from "../watch-here.ts";

/** Takes a `write` back, by the daemon when there is one, else here; without an id, shows which there are. */
export async function undo(
  context: CommandContext,
  id: string | undefined,
  options: { limit: string },
): Promise<number> {
  if (id === undefined) return await listWrites(context, parseLimit(options.limit));
  const effectId = parseId(id);
  const { stateDir, out, json } = context;
  await readExistingStore(context)[Symbol.asyncDispose]();
  const { tool } = await byDaemonOrHere(stateDir, {
    daemon: () => requestUndo(stateDir, effectId),
    async here() {
      await using watch = await openWatchHere(context, await loadConfigFor(context));
      return await watch.undo(effectId);
    },
  });
  if (json) out.write(`${JSON.stringify({ effectId, tool, undone: true }, null, 2)}\n`);
  else out.write(`effect ${effectId}: ${tool} was undone.\n`);
  return exit.done;
}

async function listWrites(context: CommandContext, limit: number): Promise<number> {
  const { out, json } = context;
  await using store = readExistingStore(context);
  const writes = await store.listStandingWrites({ limit });
  if (json) out.write(`${JSON.stringify(writes.map(writeView), null, 2)}\n`);
  else if (writes.length === 0) out.write("Nothing was written that could be taken back.\n");
  else out.write(`${writeTable(writes, out.columns, await ownersZone(store))}\n`);
  return exit.done;
}

const writeView = ({ id, tool, arguments: given, check, runId, finishedAt }: EffectRecord) => ({
  effectId: id,
  tool,
  arguments: given,
  check,
  runId,
  finishedAt: isoTimeOrNull(finishedAt),
});

const originOf = ({ check, runId }: EffectRecord): string =>
  check ?? (runId === null ? "-" : `run ${runId}`);

function writeTable(writes: readonly EffectRecord[], columns: number, zone: string): string {
  const now = Date.now();
  return table(
    [
      { title: "id", align: "right" },
      { title: "when" },
      { title: "by", atMost: 20 },
      { title: "tool", atMost: 24 },
      { title: "arguments", width: "fill" },
    ],
    writes.map((write) => [
      String(write.id),
      shortTime(write.finishedAt, now, zone),
      originOf(write),
      write.tool,
      visibleJson(write.arguments).replace(/\n */g, " "),
    ]),
    columns,
  );
}
