import { setTimeout as wait } from "node:timers/promises";
import { StoreError } from "../../domain/errors.ts";
import {
  acquireLock,
  compact,
  copyForTrial,
  isLocked,
  openStore,
  prune as pruneStore,
  type PruneSummary,
  type Store,
} from "../../store/index.ts";
import {
  exit,
  loadConfigFor,
  readExistingStore,
  writeStore,
  type CommandContext,
} from "../context.ts";
import { bytes, plural } from "../text.ts";

/** Removes what is past its time, beside a daemon too; gives the room back to the disk only without one. */

interface PruneChoice {
  readonly dryRun?: boolean;
  readonly compact?: boolean;
}

/** A daemon that waits for its turn to write asks again within so long. */
const shortestPauseMs = 3;

export async function prune(context: CommandContext, options: PruneChoice): Promise<number> {
  const { stateDir, packageInfo, out, json } = context;
  await readExistingStore(context)[Symbol.asyncDispose]();
  const { retention } = await loadConfigFor(context);
  if (options.compact) refuseCompact(stateDir);
  const pruneIn = (store: Store) =>
    pruneStore(store, { retention, now: Date.now(), pause: pauseAfter });

  let summary: PruneSummary;
  if (options.dryRun) {
    using copy = copyForTrial(stateDir);
    await using store = openStore({ ...packageInfo, stateDir: copy.stateDir });
    summary = await pruneIn(store);
  } else {
    await using store = await writeStore(context);
    summary = await pruneIn(store);
  }
  const compacted = options.compact && !options.dryRun ? compactAlone(stateDir) : null;
  if (json) {
    const { removed, slices, longestMs } = summary;
    const dryRun = options.dryRun ?? false;
    out.write(`${JSON.stringify({ dryRun, removed, slices, longestMs, compacted }, null, 2)}\n`);
    return exit.done;
  }
  out.write(`${accountOf(summary, options.dryRun ?? false)}\n`);
  if (compacted) {
    out.write(`The file was ${bytes(compacted.before)} and is ${bytes(compacted.after)}.\n`);
  } else if (summary.removed.rows + summary.removed.thinned > 0 && !options.dryRun) {
    out.write("Their room in the file is used again.\n");
  }
  return exit.done;
}

/** As long as it worked: a daemon beside it gets at least every second turn. */
const pauseAfter = (workedMs: number): Promise<void> => wait(Math.max(shortestPauseMs, workedMs));

function accountOf({ removed }: PruneSummary, dryRun: boolean): string {
  const { rows, thinned, beats, findings, notifications, runs, steps, effects, approvals } =
    removed;
  if (rows + thinned === 0) return "Nothing is past its time.";
  const parts = [
    ...[plural(beats, "beat"), plural(findings, "finding"), plural(notifications, "notification")],
    ...[plural(runs, "run"), plural(steps, "step"), plural(effects, "effect")],
    plural(approvals, "approval"),
  ].filter((part) => !part.startsWith("0 "));
  const of = parts.length > 0 ? ` (${parts.join(", ")})` : "";
  const texts = thinned > 0 ? `, and the texts of ${plural(thinned, "row")}` : "";
  return dryRun
    ? `Would remove ${plural(rows, "row")}${of}${texts}. Nothing was changed.`
    : `Removed ${plural(rows, "row")}${of}${texts}.`;
}

function refuseCompact(stateDir: string): void {
  if (!isLocked(stateDir)) return;
  throw new StoreError("COMPACT_WHILE_RUNNING", `a daemon keeps watch with ${stateDir}`, {
    hint: "Stop it first, or prune without --compact; nothing was changed",
  });
}

function compactAlone(stateDir: string): { readonly before: number; readonly after: number } {
  const lock = acquireLock(stateDir);
  if (!lock) {
    throw new StoreError("COMPACT_WHILE_RUNNING", `a daemon keeps watch with ${stateDir}`, {
      hint: "Stop it first; what is past its time was removed all the same",
    });
  }
  try {
    return compact(stateDir);
  } finally {
    lock.release();
  }
}
