import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../domain/clock.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import { newsKeptMs, type Retention } from "../domain/retention.ts";
import {
  isClockSettled,
  isHalfWeekly,
  lookBackFrom,
  tooManyWeekly,
  upkeepDueAt,
  upkeepTasks,
  weeklyName,
  type UpkeepTask,
} from "../domain/upkeep.ts";
import { approvalsCheck, repliesCheck } from "../effects/outcome.ts";
import { backUp, prune, removeUnfinished } from "../store/index.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";

/**
 * Care of the file beside the beats: what is past its time is removed each day, and each week a copy is made
 * and read back. Both work in pieces of a few milliseconds, between which beats have their turn.
 */

/** Under this name stands the finding that says that it failed; its key is the work. */
export const upkeepCheck = "watchkeeper/upkeep";

export interface UpkeepSettings {
  /** Minutes after midnight of the owner's clock. */
  readonly at: number;
  readonly prune: boolean;
  /** How many are kept; 0 makes none. */
  readonly weeklyBackups: number;
}

export interface UpkeepDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly stateDir: string;
  readonly timezone: string;
  readonly retention: Retention;
  readonly settings: UpkeepSettings;
  /** Aborted when the daemon stops. */
  readonly stopping: AbortSignal;
  /** A finding was opened, or is over. */
  readonly wake: () => void;
}

/** A start has enough to do. */
const graceMs = 5 * 60_000;
/** Never trust one long timer: laptops sleep and clocks jump. */
const longestSleepMs = 10 * 60_000;

/** Resolves soon after `stopping` was aborted. Never rejects. */
export async function keepUpkeep(dependencies: UpkeepDependencies): Promise<void> {
  const { clock, log, settings, stopping } = dependencies;
  const isOn = { prune: settings.prune, backup: settings.weeklyBackups > 0 };
  await clock.sleep(graceMs, stopping);
  let isTidy = false;
  let said = "";
  while (!stopping.aborted) {
    let sleepMs = longestSleepMs;
    try {
      if (!isTidy) await tidyUp(dependencies, isOn);
      isTidy = true;
      sleepMs = await doWhatIsDue(dependencies, isOn);
      said = "";
    } catch (error) {
      // Once: a full disk may stay so for long, and the log is on it.
      if (said !== describeError(error)) {
        said = describeError(error);
        log.error({ error: said }, "the care of the database failed");
      }
    }
    await clock.sleep(Math.min(Math.max(sleepMs, 1_000), longestSleepMs), stopping);
  }
}

/** @returns how long there is nothing to do */
async function doWhatIsDue(
  dependencies: UpkeepDependencies,
  isOn: Readonly<Record<UpkeepTask, boolean>>,
): Promise<number> {
  const { store, clock, settings, timezone, stopping } = dependencies;
  const when = () => ({ now: clock.now(), at: settings.at, timezone });
  let isPostponed = false;
  for (const record of await store.beginUpkeep(clock.now())) {
    if (!isOn[record.name] || upkeepDueAt(record.name, record, when()) > clock.now()) continue;
    if (record.name === "prune" && !(await mayPrune(dependencies))) {
      isPostponed = true;
      continue;
    }
    await doOne(record.name, dependencies);
    if (stopping.aborted) return 0;
  }
  const dueAt = (await store.beginUpkeep(clock.now()))
    .filter(({ name }) => isOn[name] && !(isPostponed && name === "prune"))
    .map((record) => upkeepDueAt(record.name, record, when()));
  return Math.min(...dueAt) - clock.now();
}

async function mayPrune({ store, clock }: UpkeepDependencies): Promise<boolean> {
  const now = clock.now();
  return isClockSettled(now, await store.lastCompletedBeatAt(lookBackFrom(now)));
}

async function doOne(name: UpkeepTask, dependencies: UpkeepDependencies): Promise<void> {
  const { store, clock, log, stopping, wake } = dependencies;
  const finding = { check: upkeepCheck, key: name } as const;
  try {
    const outcome = await work[name](dependencies);
    if (stopping.aborted) return;
    await store.recordUpkeep(name, { at: clock.now(), error: null, outcome });
    await store.resolveOwnFinding({ ...finding, at: clock.now() });
    log[words[name].level]({ ...outcome }, words[name].done);
  } catch (error) {
    // Cut off by the end of the daemon: the next one does it.
    if (stopping.aborted) return;
    const at = clock.now();
    const hint = isWatchkeeperError(error) && error.hint ? ` ${error.hint}.` : "";
    const text = `${describeError(error)}.${hint} It is tried again every hour.`;
    log.error({ error: describeError(error) }, words[name].title);
    await store.recordUpkeep(name, { at, error: describeError(error), outcome: null });
    await store.setOwnFinding({
      ...finding,
      at,
      severity: "warning",
      title: words[name].title,
      text,
    });
  }
  wake();
}

const words = {
  prune: {
    level: "debug",
    done: "pruned",
    title: "The database could not be pruned",
  },
  backup: {
    level: "info",
    done: "weekly backup made",
    title: "The weekly backup could not be made",
  },
} as const;

const work: Readonly<Record<UpkeepTask, (dependencies: UpkeepDependencies) => Promise<object>>> = {
  prune: pruneInTurns,
  backup: backUpWeekly,
};

async function pruneInTurns({ store, clock, retention, stopping }: UpkeepDependencies) {
  const at = clock.now();
  const checks = [approvalsCheck, repliesCheck];
  const closed = await store.closeOldNews({ checks, before: at - newsKeptMs, at });
  const { removed, slices, longestMs } = await prune(store, {
    ...{ retention, now: clock.now(), signal: stopping },
    pause: () => nextTurn(),
  });
  return { ...removed, closed, slices, longestMs };
}

async function backUpWeekly({ stateDir, clock, settings, stopping }: UpkeepDependencies) {
  const folder = folderOf(stateDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const now = clock.now();
  const name = weeklyName(now);
  const { bytes } = await backUp(stateDir, join(folder, name), { signal: stopping });
  // Only now: a copy that is good is worth more than the room.
  for (const old of tooManyWeekly(readdirSync(folder), settings.weeklyBackups, now)) {
    rmSync(join(folder, old), { force: true });
  }
  return { file: join("backups", name), bytes };
}

const folderOf = (stateDir: string): string => join(stateDir, "backups");

/** What a process that was killed has left half done, and what is switched off by now. */
async function tidyUp(
  { store, clock, stateDir }: UpkeepDependencies,
  isOn: Readonly<Record<UpkeepTask, boolean>>,
): Promise<void> {
  for (const name of upkeepTasks) {
    if (isOn[name]) continue;
    await store.resolveOwnFinding({ check: upkeepCheck, key: name, at: clock.now() });
  }
  removeUnfinished(stateDir);
  for (const name of namesIn(folderOf(stateDir)).filter(isHalfWeekly)) {
    rmSync(join(folderOf(stateDir), name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
