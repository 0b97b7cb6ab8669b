import pLimit from "p-limit";
import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { describeError } from "../domain/errors.ts";
import { afterFailure, afterSuccess, type CheckHealth } from "../domain/health.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { nextDue } from "../domain/schedule.ts";
import type { Scrub } from "../domain/scrub.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { LoadedCheck, LoadedTool } from "../skills/load.ts";
import type {
  BeatOutcome,
  BeatTrigger,
  FindingEvent,
  LookResult,
  ReceiptLine,
  Store,
} from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { createCommitQueue, type CommitQueue } from "./commit-queue.ts";
import { lookOnce } from "./look.ts";

/**
 * One turn of the heartbeat: the due checks observed side by side, each saved as it ends. The beat
 * waits a little for each; a look that takes longer is saved, and entered in the receipt, when it ends.
 */

/** A check with what the heartbeat keeps of it between beats. */
export interface WatchedCheck {
  readonly check: LoadedCheck;
  readonly slackMs: number;
  health: CheckHealth;
  /** True from the start of a look to its end, be it long after its beat. */
  looking: boolean;
}

export interface BeatDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly timezone: string;
  readonly scrub: Scrub;
  readonly stopping: AbortSignal;
  readonly hanging: Set<string>;
  readonly tools: ReadonlyMap<string, LoadedTool>;
}

/** The account of a beat. */
export interface BeatSummary {
  readonly id: number;
  readonly trigger: BeatTrigger;
  readonly outcome: BeatOutcome;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly checks: readonly ReceiptLine[];
  readonly events: readonly FindingEvent[];
  readonly error: string | null;
}

export interface EndedBeat {
  readonly summary: BeatSummary;
  /** What the looks that the beat did not wait for came to, when the last of them has ended. */
  readonly late: Promise<BeatSummary> | null;
}

/** How many checks look at the same time. */
const concurrentLooks = 32;
/** A look that takes longer goes on by itself: it must not hold up the others, nor the next beat. */
const patienceMs = 3_000;
/** What could not be saved may find room soon. */
const unsavedRestMs = 60_000;

export async function runBeat(
  due: readonly WatchedCheck[],
  trigger: BeatTrigger,
  dependencies: BeatDependencies,
): Promise<EndedBeat> {
  const { store, clock, log } = dependencies;
  const startedAt = clock.now();
  const id = await store.beginBeat({ trigger, at: startedAt });
  const limit = pLimit(concurrentLooks);
  const commit = createCommitQueue(store);
  const late: Promise<LookReceipt>[] = [];
  let error: string | null = null;
  let ends: LookReceipt[] = [];
  try {
    ends = await Promise.all(
      due.map((watched) =>
        limit(async () => {
          const look = lookAndSave(id, watched, commit, dependencies);
          const inTime = await within(patienceMs, look, clock);
          if (inTime) return inTime;
          late.push(look);
          const notes = [`still looking after ${formatDuration(patienceMs)}`];
          return receipt(watched, { outcome: "late", durationMs: patienceMs, notes });
        }),
      ),
    );
    await store.closeOver(clock.now());
    await store.wakeSnoozed(clock.now());
    if (ends.some(({ line }) => line.outcome === "skipped")) error = stopped;
    const lost = ends.find(({ isUnsaved }) => isUnsaved);
    if (lost) error = `what ${lost.line.name} saw could not be saved: ${lost.line.error}`;
  } catch (thrown) {
    error = describeError(thrown);
    log.error({ beatId: id, error }, "beat failed");
  }
  const account = { id, trigger, startedAt, ...accountOf(ends, error), finishedAt: clock.now() };
  const { finishedAt: at, outcome, checks } = account;
  await store.finishBeat(id, { at, outcome, checks, error });
  return { summary: account, late: late.length > 0 ? amend(account, late, dependencies) : null };
}

/** Enters the looks that ended after their beat into its receipt. */
async function amend(
  summary: BeatSummary,
  late: readonly Promise<LookReceipt>[],
  { store, clock, log }: BeatDependencies,
): Promise<BeatSummary> {
  const ends = await Promise.all(
    late.map(async (look) => {
      const end = await look;
      try {
        const found = end.events.some(({ news }) => news);
        await store.amendBeat(summary.id, { line: end.line, found });
      } catch (error) {
        log.error({ beatId: summary.id, error: describeError(error) }, "a receipt is not whole");
      }
      return end;
    }),
  );
  return { ...summary, ...accountOf(ends, null), finishedAt: clock.now() };
}

const stopped = "the daemon was stopped before every check had looked";

function accountOf(ends: readonly LookReceipt[], error: string | null) {
  const checks = ends.map(({ line }) => line);
  const events = ends.flatMap((end) => end.events);
  const found = events.some(({ news }) => news);
  const outcome: BeatOutcome = error !== null ? "failed" : found ? "found" : "quiet";
  return { checks, events, outcome, error };
}

/** @returns what `work` comes to, or undefined when it takes longer */
async function within<T extends object>(ms: number, work: Promise<T>, clock: Clock) {
  using timer = linkedAbort();
  const end = await Promise.race([work, clock.sleep(ms, timer.signal)]);
  timer.abort();
  return end ?? undefined;
}

interface LookReceipt {
  readonly line: ReceiptLine;
  readonly events: readonly FindingEvent[];
  readonly isUnsaved?: boolean;
}

function receipt(
  { check }: WatchedCheck,
  line: Omit<ReceiptLine, "name" | "error"> & { error?: string },
  events: readonly FindingEvent[] = [],
): LookReceipt {
  return { line: { name: check.name, error: null, ...line }, events };
}

/** Not saved is not seen: the cursor stands where it stood, and the check, which is well, looks again soon. */
function unsaved(
  watched: WatchedCheck,
  {
    at,
    durationMs,
    error,
  }: { readonly at: number; readonly durationMs: number; readonly error: string },
): LookReceipt {
  const regular = nextDue(watched.check.schedule, at, watched.slackMs);
  watched.health = { ...watched.health, nextDueAt: Math.min(regular, at + unsavedRestMs) };
  return { ...receipt(watched, { outcome: "failed", durationMs, error }), isUnsaved: true };
}

/** Never rejects: the end of a look is a line of the receipt. */
async function lookAndSave(
  beatId: number,
  watched: WatchedCheck,
  commit: CommitQueue,
  dependencies: BeatDependencies,
): Promise<LookReceipt> {
  watched.looking = true;
  try {
    return await lookAndCommit(beatId, watched, commit, dependencies);
  } catch (thrown) {
    // What a skill throws is a result; this is the store.
    const error = describeError(thrown);
    dependencies.log.error(
      { beatId, check: watched.check.name, error },
      "a look could not be made",
    );
    return unsaved(watched, { at: dependencies.clock.now(), durationMs: 0, error });
  } finally {
    watched.looking = false;
  }
}

async function lookAndCommit(
  beatId: number,
  watched: WatchedCheck,
  commit: CommitQueue,
  dependencies: BeatDependencies,
): Promise<LookReceipt> {
  const { store, clock, log, timezone } = dependencies;
  const { check, slackMs } = watched;
  const cursor = await store.checkCursor(check.name);
  const { name, skill } = check;
  const end = await log.within({ beatId, check: name }, () =>
    lookOnce(check, cursor, dependencies),
  );
  if (end.outcome === "aborted") {
    return receipt(watched, {
      outcome: "skipped",
      durationMs: 0,
      error: "the daemon was stopping",
    });
  }
  const at = clock.now();
  const turn = { now: at, schedule: check.schedule, slackMs };
  const health =
    end.outcome === "ok"
      ? afterSuccess(turn)
      : afterFailure(watched.health, { ...turn, retryAt: end.retryAt });
  const result: LookResult =
    end.outcome === "ok" ? { kind: "seen", ...end.accepted } : { kind: "failed", error: end.error };
  const blind = health.status === "blind" ? blindness(check, health, timezone) : null;
  const actions = end.outcome === "ok" ? end.accepted.actions : [];
  const saved = await commit({ beatId, check: name, skill, at, health, result, blind, actions });

  const { durationMs } = end;
  if ("error" in saved) {
    log.error({ beatId, check: name, error: saved.error }, "a look could not be saved");
    return unsaved(watched, { at, durationMs, error: saved.error });
  }
  watched.health = health;
  const { events } = saved;
  if (end.outcome !== "ok") {
    log.warn({ beatId, check: name, error: end.error }, "a look failed");
    return receipt(watched, { outcome: end.outcome, durationMs, error: end.error }, events);
  }
  const { actionsRefused } = saved;
  const notes =
    actionsRefused > 0
      ? [
          ...end.accepted.notes,
          `not done, as the bound per hour is reached: ${actionsRefused} actions`,
        ]
      : end.accepted.notes;
  return receipt(
    watched,
    { outcome: "ok", durationMs, ...(notes.length > 0 ? { notes } : {}) },
    events,
  );
}

/** What the owner is told of a check that cannot see. Our own words only: the error may quote a server. */
function blindness(check: LoadedCheck, health: CheckHealth, timezone: string) {
  const since = health.lastOkAt ?? health.failingSince;
  const when = since === null ? "" : ` since ${formatTimeOfDay(since, timezone)}`;
  const never = health.lastOkAt === null;
  return {
    title: never
      ? `I have not been able to see ${check.name} yet`
      : `I have not seen ${check.name}${when}`,
    text: `${health.consecutiveFailures} looks in a row have failed. \`watchkeeper status\` shows the error.`,
  };
}
