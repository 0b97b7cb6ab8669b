import pLimit from "p-limit";
import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import { afterFailure, afterSuccess, type CheckHealth } from "../domain/health.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { LoadedCheck } from "../skills/load.ts";
import type {
  BeatOutcome,
  BeatTrigger,
  FindingEvent,
  Look,
  LookResult,
  ReceiptLine,
  Store,
} from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { createCommitQueue } from "./commit-queue.ts";
import { lookOnce } from "./look.ts";

/** One turn of the heartbeat: the due checks observed side by side, each saved as it ends. */

/** A check with what the heartbeat keeps of it between beats. */
export interface WatchedCheck {
  readonly check: LoadedCheck;
  readonly slackMs: number;
  health: CheckHealth;
}

export interface BeatDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly timezone: string;
  readonly stopping: AbortSignal;
  readonly hanging: Set<string>;
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

/** How many checks look at the same time. */
const concurrentLooks = 16;

export async function runBeat(
  due: readonly WatchedCheck[],
  trigger: BeatTrigger,
  dependencies: BeatDependencies,
): Promise<BeatSummary> {
  const { store, clock, stopping } = dependencies;
  const startedAt = clock.now();
  const id = await store.beginBeat({ trigger, at: startedAt });
  const limit = pLimit(concurrentLooks);
  const commit = createCommitQueue(store);
  let error: string | null = null;
  let ends: LookReceipt[] = [];
  try {
    ends = await Promise.all(
      due.map((watched) => limit(() => lookAndSave(id, watched, commit, dependencies))),
    );
    await store.closeOver(clock.now());
    await store.wakeSnoozed(clock.now());
    if (stopping.aborted) error = "the daemon was stopped before every check had looked";
  } catch (thrown) {
    error = describeError(thrown);
    dependencies.log.error({ beatId: id, error }, "beat failed");
  }
  const checks = ends.map(({ line }) => line);
  const events = ends.flatMap((end) => end.events);
  const outcome = error !== null ? "failed" : events.some(({ news }) => news) ? "found" : "quiet";
  const finishedAt = clock.now();
  await store.finishBeat(id, { at: finishedAt, outcome, checks, error });
  return { id, trigger, outcome, startedAt, finishedAt, checks, events, error };
}

interface LookReceipt {
  readonly line: ReceiptLine;
  readonly events: readonly FindingEvent[];
}

async function lookAndSave(
  beatId: number,
  watched: WatchedCheck,
  commit: (look: Look) => ReturnType<ReturnType<typeof createCommitQueue>>,
  { store, clock, log, timezone, stopping, hanging }: BeatDependencies,
): Promise<LookReceipt> {
  const { check, slackMs } = watched;
  const cursor = await store.checkCursor(check.name);
  const end = await lookOnce(check, cursor, { clock, stopping, hanging });
  if (end.outcome === "aborted") {
    const line = { name: check.name, outcome: "skipped", durationMs: 0, error: null } as const;
    return { line, events: [] };
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
  const saved = await commit({ beatId, check: check.name, skill: check.skill, at, health, result, blind });

  const { durationMs } = end;
  if ("error" in saved) {
    // Not saved is not seen: the cursor stands where it stood, and the check looks again.
    watched.health = afterFailure(watched.health, turn);
    log.error({ beatId, check: check.name, error: saved.error }, "a look could not be saved");
    return {
      line: { name: check.name, outcome: "failed", durationMs, error: saved.error },
      events: [],
    };
  }
  watched.health = health;
  if (end.outcome !== "ok") {
    log.warn({ beatId, check: check.name, error: end.error }, "a look failed");
    const line = { name: check.name, outcome: end.outcome, durationMs, error: end.error };
    return { line, events: saved.events };
  }
  const { notes } = end.accepted;
  const line = { name: check.name, outcome: "ok", durationMs, error: null } as const;
  return { line: notes.length > 0 ? { ...line, notes } : line, events: saved.events };
}

/** What the owner is told of a check that cannot see. Our own words only: the error may quote a server. */
function blindness(check: LoadedCheck, health: CheckHealth, timezone: string) {
  const since = health.lastOkAt ?? health.failingSince;
  const when = since === null ? "" : ` since ${formatTimeOfDay(since, timezone)}`;
  const never = health.lastOkAt === null;
  return {
    title: never ? `I have not been able to see ${check.name} yet` : `I have not seen ${check.name}${when}`,
    text: `${health.consecutiveFailures} looks in a row have failed. \`watchkeeper status\` shows the error.`,
  };
}
