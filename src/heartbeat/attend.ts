import pLimit from "p-limit";
import { ruleVerdict } from "../domain/attention.ts";
import { nextTimeOfDay, type ClockRange } from "../domain/active-hours.ts";
import { describeError } from "../domain/errors.ts";
import type { Finding } from "../domain/finding.ts";
import { decideGate, untoldCriticals } from "../domain/gate.ts";
import { startOf } from "../domain/zoned-time.ts";
import { fittingFindings } from "../agent/prompt.ts";
import { runAgent, type RunDependencies, type RunSummary } from "../agent/run.ts";
import type { Model } from "../model/port.ts";
import type { Channel } from "../notify/channel.ts";
import {
  composeDigest,
  composeTelling,
  worthTelling,
  type JudgedFinding,
} from "../notify/compose.ts";
import { deliverReady } from "../notify/outbox.ts";

/**
 * What follows a beat: the gate, the run (beside the beats, never within one), the rules where no
 * model looks, the digest, and delivery.
 */

export interface AttendDependencies extends Omit<
  RunDependencies,
  "model" | "interruptionsToday" | "telling"
> {
  /** Undefined when there is no model to ask: the rules decide. */
  readonly model: Model | undefined;
  /** Why there is none, for the owner. */
  readonly withoutModel: string;
  readonly activeHours: ClockRange;
  readonly channels: readonly Channel[];
  readonly observer: AttendObserver;
  /** Aborted when the daemon is told to stop: nothing new is begun. */
  readonly stopping: AbortSignal;
}

/** Told of what was decided; for the terminal and the log. Must not throw. */
export interface AttendObserver {
  ran(run: RunSummary): void;
  ruled(judged: readonly JudgedFinding[], reason: string): void;
}

export interface Attendance {
  /**
   * Looks at what is pending and acts on it. Returns at once when a run has been started.
   * @returns when to attend again even if no beat comes, or null
   */
  attend(beatId: number | null): Promise<number | null>;
  /** Resolves when no run is going on and nothing is left to decide. */
  settle(beatId: number | null): Promise<void>;
  /** Resolves when the run that may be going on has ended. */
  drain(): Promise<void>;
}

/** Findings of one run; what is above waits for the next one. */
const mostFindings = 60;
const firstRestMs = 60_000;
/** After a part that failed, such as a store that could not be written. */
const retryMs = 30_000;

const soonest = (...times: (number | null)[]): number | null => {
  const known = times.filter((time) => time !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

/** @param wake called when a run has ended, so that what waited for its end is attended to */
export function createAttendance(dependencies: AttendDependencies, wake: () => void): Attendance {
  const { store, clock, log, attention, activeHours, channels, observer, model } = dependencies;
  const { signal, stopping } = dependencies;
  const { timezone } = attention;
  let run: { readonly startedAt: number; readonly ended: Promise<void> } | null = null;
  // A run that could not even be saved is not begun again at once.
  let unsavedRuns = 0;
  let restUntil = 0;
  // Beats, requested beats and runs all end in telling: two at once would tell the same thing twice.
  const telling = pLimit(1);
  const delivering = pLimit(1);

  const interruptionsToday = () => store.countInterruptions(startOf("day", clock.now(), timezone));
  const pending = () => store.pendingFindings(mostFindings);
  const deliver = () => delivering(() => deliverReady({ store, channels, clock, log, signal }));

  function startRun(findings: readonly Finding[], beatId: number | null, using: Model): void {
    const startedAt = clock.now();
    const ended = runAgent(findings, beatId, {
      ...dependencies,
      model: using,
      interruptionsToday,
      telling,
    })
      .then(async (summary) => {
        unsavedRuns = 0;
        observer.ran(summary);
        await deliver();
      })
      .catch((error: unknown) => {
        restUntil = clock.now() + firstRestMs * 2 ** Math.min(unsavedRuns, 5);
        unsavedRuns += 1;
        log.error({ error: describeError(error) }, "a run could not be saved");
      })
      .finally(() => {
        run = null;
        wake();
      });
    run = { startedAt, ended };
  }

  async function rule(findings: readonly Finding[], reason: string): Promise<void> {
    const judged: JudgedFinding[] = findings.map((finding) => ({
      finding,
      decidedBy: "rules",
      message: null,
      ...ruleVerdict(finding),
    }));
    const telling = composeTelling(judged, {
      now: clock.now(),
      settings: attention,
      interruptionsToday: await interruptionsToday(),
      caveat: `No model looked at this: ${reason}.`,
    });
    await store.applyVerdicts({ at: clock.now(), ...telling });
    observer.ruled(judged, reason);
  }

  /** A critical finding that no run has told in time is told by the rules; the run may still add to it. */
  async function tellOverdue(waiting: readonly Finding[]): Promise<number | null> {
    const { findingIds, nextDeadline } = untoldCriticals({ pending: waiting, now: clock.now() });
    const overdue = waiting.filter(({ id }) => findingIds.includes(id));
    if (overdue.length === 0) return nextDeadline;
    const judged: JudgedFinding[] = overdue.map((finding) => ({
      finding,
      decidedBy: "rules",
      message: null,
      ...ruleVerdict(finding),
    }));
    const { notifications, verdicts } = composeTelling(judged, {
      now: clock.now(),
      settings: attention,
      interruptionsToday: await interruptionsToday(),
      caveat:
        run && run.startedAt < clock.now()
          ? "No model has looked at this yet: its run is taking its time."
          : null,
    });
    for (const notification of notifications) {
      await store.tellNow({ notification, told: verdicts, at: clock.now() });
    }
    observer.ruled(judged, "a minute has passed without a word from the run");
    return nextDeadline;
  }

  async function sendDigest(): Promise<number | null> {
    const now = clock.now();
    const dueAt = await store.nextDigestAt();
    if (dueAt === null || dueAt > now) return dueAt;
    const held = await store.heldNotifications(now);
    const findings = await store.getFindings(held.flatMap((item) => item.findings));
    const skills = new Map(findings.map(({ id, skill }) => [id, skill]));
    const worth = worthTelling(held, findings);
    const digest =
      worth.length > 0 ? composeDigest(worth, (id) => skills.get(id) ?? "other", now) : null;
    await store.foldIntoDigest(
      held.map(({ id }) => id),
      digest,
      now,
    );
    return store.nextDigestAt();
  }

  async function decide(
    beatId: number | null,
    waiting: readonly Finding[],
  ): Promise<number | null> {
    const now = clock.now();
    const oldest = waiting.reduce((at, finding) => Math.min(at, finding.changedAt), now);
    const digestDueAt = Math.min(
      ...[attention.digestAt].flat().map((time) => nextTimeOfDay(time, oldest, timezone)),
    );
    const decision = decideGate({
      pending: waiting,
      now,
      activeHours,
      timezone,
      paused: false,
      modelReady: model !== undefined && clock.now() >= restUntil,
      runInProgress: run !== null,
      digestDueAt,
    });
    switch (decision.kind) {
      case "nothing":
        return null;
      case "hold":
        return decision.until;
      case "run": {
        const chosen = waiting.filter(({ id }) => decision.findingIds.includes(id));
        if (model) startRun(fittingFindings(chosen), beatId, model);
        return null;
      }
      case "rules": {
        const chosen = waiting.filter(({ id }) => decision.findingIds.includes(id));
        const reasons = {
          "no-model": model ? "the last run could not be saved" : dependencies.withoutModel,
          paused: "watchkeeper is paused",
          "outside-active-hours": "it is outside the active hours",
        };
        await rule(chosen, reasons[decision.reason]);
        // There may be more, or others that are held until the active hours.
        return decide(beatId, await pending());
      }
    }
  }

  /** Each part by itself: when one cannot be done, the others still are. */
  async function attempt(part: string, work: () => Promise<number | null>): Promise<number | null> {
    try {
      return await work();
    } catch (error) {
      log.error({ part, error: describeError(error) }, "what was found could not be attended to");
      return clock.now() + retryMs;
    }
  }

  async function attend(beatId: number | null): Promise<number | null> {
    const attendAt = stopping.aborted
      ? null
      : await telling(async () =>
          soonest(
            await attempt("decide", async () => decide(beatId, await pending())),
            // Afterwards: where no model is asked, the rules have told already.
            await attempt("tell", async () => tellOverdue(await pending())),
            await attempt("digest", sendDigest),
          ),
        );
    const deliverAt = await attempt("deliver", async () => {
      await deliver();
      return null;
    });
    return soonest(attendAt, deliverAt);
  }

  return {
    attend,
    async drain() {
      while (run) await run.ended;
    },
    async settle(beatId) {
      await attend(beatId);
      while (run && !stopping.aborted) {
        await run.ended;
        await attend(beatId);
      }
    },
  };
}
