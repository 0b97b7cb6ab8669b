import { requestResume, requestWake } from "../../control.ts";
import { pauseView } from "../../views/status.ts";
import {
  exit,
  parseDurationOption,
  writeStore,
  writeStoreForText,
  type CommandContext,
} from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { plural, quoted, shortTime, wrap } from "../text.ts";

/** The stop button: no model is asked and nothing is done until it is lifted. */
export async function pause(
  context: CommandContext,
  options: { for?: string; reason?: string },
): Promise<number> {
  const ms = options.for === undefined ? null : parseDurationOption(options.for);
  const now = Date.now();
  const open = options.reason === undefined ? writeStore : writeStoreForText;
  await using store = await open(context);
  const before = await store.pausedAt(now);
  const record = {
    pausedAt: before?.pausedAt ?? now,
    until: ms === null ? null : now + ms,
    reason: options.reason ?? before?.reason ?? null,
  };
  await store.pause(record);
  const kept = (await store.pausedAt(now)) ?? record;
  await requestWake(context.stateDir);
  const { out, json } = context;
  if (json) {
    out.write(`${JSON.stringify({ paused: true, pause: pauseView(kept) }, null, 2)}\n`);
    return exit.done;
  }
  const end =
    record.until === null
      ? "until `watchkeeper resume`"
      : `until ${shortTime(record.until, now, await ownersZone(store))}`;
  const why = kept.reason === null ? "" : ` (${quoted(kept.reason)})`;
  const text = `paused ${end}${why}: no model is asked and nothing is done; the checks go on, and the rules tell.`;
  out.write(`${wrap(text, out.columns, "  ")}\n`);
  return exit.done;
}

export async function resume(context: CommandContext): Promise<number> {
  const { out, json, stateDir } = context;
  await using store = await writeStore(context);
  const before = await store.pausedAt(Date.now());
  await store.resume();
  const stopped = await store.stoppedModels();
  for (const { model } of stopped) await store.liftModelStop(model);
  const waiting = await store.approvedCalls();
  await requestResume(stateDir);
  if (json) {
    out.write(`${JSON.stringify({ paused: false, pause: null }, null, 2)}\n`);
    return exit.done;
  }
  const then =
    waiting.length > 0
      ? ` ${plural(waiting.length, "approved call")} will be carried out by the daemon, or by the next \`watchkeeper beat\`.`
      : "";
  const text = `${before ? "resumed." : "it was not paused."}${then}`;
  out.write(`${wrap(text, out.columns, "  ")}\n`);
  return exit.done;
}
