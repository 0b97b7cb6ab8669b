import { setImmediate } from "node:timers/promises";
import { describeError, WatchkeeperError } from "../domain/errors.ts";
import { plausibleDue } from "../domain/health.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { planBeat, slackFor } from "../domain/schedule.ts";
import type { LoadedCheck } from "../skills/load.ts";
import type { CheckRecord } from "../store/port.ts";
import type { Attendance } from "./attend.ts";
import { runBeat, type BeatDependencies, type BeatSummary, type WatchedCheck } from "./beat.ts";

/** The recurring loop: from the timer to the next beat. Beats never overlap. */

export interface HeartbeatDependencies extends BeatDependencies {
  readonly heartbeatEveryMs: number;
  readonly observer: HeartbeatObserver;
  /** The checks as they are now; asked for before each turn. Must not reject. */
  readonly refresh: () => Promise<readonly WatchedCheck[]>;
}

export interface HeartbeatObserver {
  /** A beat has ended; once more when a look of it ends later. */
  beat(summary: BeatSummary): void;
  /** A turn could not be brought to its end, as when the store cannot be written. */
  turnFailed?(): void;
  /** A turn has come to its end; there is one at least every 20 s, with a beat in it or not. */
  turned?(turn: Turn): void;
}

/** How the watch stands at the end of a turn of the heartbeat. */
export interface Turn {
  /** When the last beat began; null before the first one. */
  readonly lastBeatAt: number | null;
  /** How many checks failed when they last looked. */
  readonly failing: number;
}

export interface Heartbeat {
  /** Beats until `stopping` is aborted. */
  keepWatch(attendance: Attendance): Promise<void>;
  /** One beat now over the named checks, due or not; beside a watch, after the beat that may be going on. */
  beatNow(names: readonly string[]): Promise<BeatSummary>;
  /** Looks again at what is due, and attends. */
  wake(): void;
  /**
   * Makes a check due early: at once, or when its last look is ten seconds ago; after the look that is under
   * way. One that fails keeps its growing waits. Unknown names do nothing.
   */
  lookEarly(name: string): void;
  nextBeatAt(): number;
}

/** Never trust one long timer: laptops sleep and clocks jump. */
const longestSleepMs = 20_000;
/** Whatever asks for early looks cannot make a check look more often than this. */
const earlyLookGapMs = 10_000;
/** After a turn that failed, so that a fault that stays does not spin. */
const pauseAfterFailureMs = 5_000;

/** Joins loaded checks with what the store remembers of them. */
export function watchedChecks(
  checks: readonly LoadedCheck[],
  records: readonly CheckRecord[],
  slackMs: number,
): WatchedCheck[] {
  const remembered = new Map(records.map((record) => [record.name, record]));
  return checks.map((check) => {
    const record = remembered.get(check.name);
    return {
      check,
      slackMs: slackFor(check.schedule, slackMs),
      health: {
        status: record?.status ?? "ok",
        consecutiveFailures: record?.consecutiveFailures ?? 0,
        failingSince: record?.failingSince ?? null,
        lastOkAt: record?.lastOkAt ?? null,
        nextDueAt: record?.nextDueAt ?? null,
      },
      looking: false,
    };
  });
}

const stoppingError = () =>
  new WatchkeeperError("DAEMON_STOPPING", "the daemon is stopping", {
    hint: "Ask again when it runs",
  });

interface Request {
  readonly names: ReadonlySet<string>;
  readonly settle: (summary: BeatSummary | Promise<BeatSummary>) => void;
}

export function createHeartbeat(
  checks: readonly WatchedCheck[],
  dependencies: HeartbeatDependencies,
): Heartbeat {
  const { store, clock, log, stopping, heartbeatEveryMs, observer, refresh } = dependencies;
  let watched = checks;
  const requests: Request[] = [];
  let lastBeatAt: number | null = null;
  let woken = new AbortController();
  let watching = false;
  const lateLooks = new Set<Promise<void>>();
  /** Checks that an early look was asked of while they looked: what they saw may be older than the news. */
  const askedMeanwhile = new Set<string>();

  /** @returns whether it is due earlier now */
  function bringForward(watched: WatchedCheck, now: number): boolean {
    const { lastOkAt, nextDueAt, consecutiveFailures } = watched.health;
    const soonest = Math.max(now, (lastOkAt ?? 0) + earlyLookGapMs);
    // One that has never looked, is due before that, or is to be left alone for a while keeps its time.
    if (nextDueAt === null || nextDueAt <= soonest || consecutiveFailures > 0) return false;
    watched.health = { ...watched.health, nextDueAt: soonest };
    return true;
  }

  function plan(now: number) {
    for (const each of watched) {
      if (!each.looking && askedMeanwhile.delete(each.check.name)) bringForward(each, now);
      // Settled once: a due time brought near at every look at the clock would move along with it.
      const nextDueAt = plausibleDue(each.health, each.check.schedule, now);
      if (nextDueAt !== each.health.nextDueAt) each.health = { ...each.health, nextDueAt };
    }
    return planBeat(
      watched
        .filter(({ looking }) => !looking)
        .map(({ check, slackMs, health }) => ({
          name: check.name,
          schedule: check.schedule,
          slackMs,
          nextDueAt: health.nextDueAt,
        })),
      { now, heartbeatEveryMs, lastBeatAt },
    );
  }

  async function beat(due: ReadonlySet<string>, trigger: BeatSummary["trigger"]) {
    lastBeatAt = clock.now();
    const chosen = watched.filter(({ check, looking }) => due.has(check.name) && !looking);
    const { summary, late } = await runBeat(chosen, trigger, dependencies);
    log.debug({ beatId: summary.id, outcome: summary.outcome }, "beat");
    observer.beat(summary);
    if (late) {
      const ended = late.then((end) => {
        observer.beat(end);
        lateLooks.delete(ended);
        woken.abort();
      });
      lateLooks.add(ended);
    }
    return { summary, whole: late ? late.then(() => summary) : Promise.resolve(summary) };
  }

  /** @returns when to look again, at the latest */
  async function turn(attendance: Attendance): Promise<number> {
    watched = await refresh();
    const request = requests.shift();
    if (request) {
      const beating = beat(request.names, "manual");
      request.settle(beating.then(({ whole }) => whole));
      await beating;
    } else {
      const planned = plan(clock.now());
      if (planned.kind === "beat") {
        if (planned.missed) await store.recordMissed(planned.missed);
        await beat(new Set(planned.due), planned.trigger);
      }
    }
    const attendAt = await attendance.attend();
    const next = plan(clock.now());
    const beatAt = next.kind === "wait" ? next.until : clock.now();
    return requests.length > 0 ? clock.now() : Math.min(beatAt, attendAt ?? beatAt);
  }

  return {
    async keepWatch(attendance) {
      watching = true;
      while (!stopping.aborted) {
        woken = new AbortController();
        let until: number;
        try {
          until = await turn(attendance);
          observer.turned?.({
            lastBeatAt,
            failing: watched.filter(({ health }) => health.consecutiveFailures > 0).length,
          });
        } catch (error) {
          log.error({ error: describeError(error) }, "a turn of the heartbeat failed");
          observer.turnFailed?.();
          until = clock.now() + pauseAfterFailureMs;
        }
        // Whatever goes wrong, signals and timers are heard between two turns.
        await setImmediate();
        const ms = Math.min(Math.max(0, until - clock.now()), longestSleepMs);
        if (ms > 0) {
          using either = linkedAbort(stopping, woken.signal);
          await clock.sleep(ms, either.signal);
        }
      }
      for (const request of requests.splice(0)) {
        request.settle(Promise.reject(stoppingError()));
      }
      await Promise.all(lateLooks);
    },
    beatNow(names) {
      if (stopping.aborted) return Promise.reject(stoppingError());
      if (!watching) {
        return refresh().then(async (now) => {
          watched = now;
          const { whole } = await beat(new Set(names), "manual");
          return whole;
        });
      }
      return new Promise((settle) => {
        requests.push({ names: new Set(names), settle });
        woken.abort();
      });
    },
    wake: () => woken.abort(),
    lookEarly(name) {
      const early = watched.find(({ check }) => check.name === name);
      if (!early) return;
      if (early.looking) askedMeanwhile.add(name);
      else if (bringForward(early, clock.now())) woken.abort();
    },
    nextBeatAt() {
      const now = clock.now();
      const next = plan(now);
      return next.kind === "wait" ? next.until : now;
    },
  };
}
