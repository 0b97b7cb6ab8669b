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
import { composeDigest, composeTelling, type JudgedFinding } from "../notify/compose.ts";
import { deliverReady } from "../notify/outbox.ts";

/**
 * What follows a beat: the gate, the run (beside the beats, never within one), the rules where no
 * model looks, the digest, and delivery.
 */

export interface AttendDependencies extends Omit<RunDependencies, "model" | "interruptionsToday"> {
  /** Undefined when there is no model to ask: the rules decide. */
  readonly model: Model | undefined;
  /** Why there is none, for the owner. */
  readonly withoutModel: string;
  readonly activeHours: ClockRange;
  readonly channels: readonly Channel[];
  readonly observer: AttendObserver;
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
  /** Resolves when the run that may be going on has ended; starts no other. */
  drain(): Promise<void>;
}

/** Findings of one run; what is above waits for the next one. */
const mostFindings = 60;

const soonest = (...times: (number | null)[]): number | null => {
  const known = times.filter((time) => time !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

/** @param wake called when a run has ended, so that what waited for its end is attended to */
export function createAttendance(dependencies: AttendDependencies, wake: () => void): Attendance {
  const { store, clock, log, attention, activeHours, channels, observer, signal, model } = dependencies;
  const { timezone } = attention;
  let run: Promise<void> | null = null;

  const interruptionsToday = () => store.countInterruptions(startOf("day", clock.now(), timezone));
  const deliver = () => deliverReady({ store, channels, clock, log, signal });

  function startRun(findings: readonly Finding[], beatId: number | null, using: Model): void {
    run = runAgent(findings, beatId, { ...dependencies, model: using, interruptionsToday })
      .then(async (summary) => {
        observer.ran(summary);
        await deliver();
      })
      .catch((error: unknown) => log.error({ error: describeError(error) }, "run could not be saved"))
      .finally(() => {
        run = null;
        wake();
      });
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
  async function tellOverdue(pending: readonly Finding[]): Promise<number | null> {
    const { findingIds, nextDeadline } = untoldCriticals({ pending, now: clock.now() });
    const overdue = pending.filter(({ id }) => findingIds.includes(id));
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
      caveat: run ? "No model has looked at this yet: its run is taking longer than a minute." : null,
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
    const digest = composeDigest(held, (id) => skills.get(id) ?? "other", now);
    const ids = held.map(({ id }) => id);
    await store.foldIntoDigest(ids, digest, now);
    return store.nextDigestAt();
  }

  async function decide(beatId: number | null, pending: readonly Finding[]): Promise<number | null> {
    const now = clock.now();
    const oldest = pending.reduce((at, finding) => Math.min(at, finding.changedAt), now);
    const digestDueAt = Math.min(
      ...[attention.digestAt].flat().map((time) => nextTimeOfDay(time, oldest, timezone)),
    );
    const decision = decideGate({
      pending,
      now,
      activeHours,
      timezone,
      paused: false,
      modelReady: model !== undefined,
      runInProgress: run !== null,
      digestDueAt,
    });
    switch (decision.kind) {
      case "nothing":
        return null;
      case "hold":
        return decision.until;
      case "run": {
        const chosen = pending.filter(({ id }) => decision.findingIds.includes(id));
        if (model) startRun(fittingFindings(chosen), beatId, model);
        return null;
      }
      case "rules": {
        const chosen = pending.filter(({ id }) => decision.findingIds.includes(id));
        const reasons = {
          "no-model": dependencies.withoutModel,
          paused: "watchkeeper is paused",
          "outside-active-hours": "it is outside the active hours",
        };
        await rule(chosen, reasons[decision.reason]);
        return attendOnce(beatId);
      }
    }
  }

  async function attendOnce(beatId: number | null): Promise<number | null> {
    const pending = await store.pendingFindings(mostFindings);
    const overdueAt = await tellOverdue(pending);
    const decidedAt = await decide(beatId, pending);
    const digestAt = await sendDigest();
    await deliver();
    return soonest(overdueAt, decidedAt, digestAt);
  }

  async function attend(beatId: number | null): Promise<number | null> {
    try {
      return await attendOnce(beatId);
    } catch (error) {
      log.error({ error: describeError(error) }, "what was found could not be attended to");
      return null;
    }
  }

  return {
    attend,
    async drain() {
      await run;
    },
    async settle(beatId) {
      await attend(beatId);
      while (run) {
        await run;
        await attend(beatId);
      }
    },
  };
}
