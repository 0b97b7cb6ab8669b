import pLimit from "p-limit";
import { ruleVerdict } from "../domain/attention.ts";
import { nextTimeOfDay, type ClockRange } from "../domain/active-hours.ts";
import { budgetCheck } from "../domain/budget.ts";
import { channelsCheck } from "../domain/channel-health.ts";
import { rests } from "../domain/clock.ts";
import { deliveriesCheck } from "../domain/delivery.ts";
import { describeError } from "../domain/errors.ts";
import type { Finding } from "../domain/finding.ts";
import { decideGate, untoldCriticals } from "../domain/gate.ts";
import { ordersCheck } from "../domain/standing-orders.ts";
import { storeCheck } from "../domain/store-trouble.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { ownersWord, untold } from "../domain/telling.ts";
import { toolsCheck } from "../domain/tool-server.ts";
import { startOf } from "../domain/zoned-time.ts";
import { fittingFindings, type Prompt } from "../agent/prompt.ts";
import { resumeAgent, runAgent, type RunDependencies, type RunSummary } from "../agent/run.ts";
import { effectsCheck, repliesCheck, rulesCheck } from "../effects/outcome.ts";
import type { PendingRecord } from "../store/port.ts";
import type { ModelAvailability, ModelChain } from "../model/chain.ts";
import { composeTelling, type JudgedFinding } from "../notify/compose.ts";
import { createOutbox, type OutboxDependencies } from "../notify/outbox.ts";
import { createBudgetGate } from "./budget-gate.ts";
import { createCarryOut } from "./carry-out.ts";
import { outageCheck } from "./outage.ts";
import { remind, sendDigest } from "./remind.ts";

/**
 * What follows a beat: the gate, the run (beside the beats, never within one), the rules where no
 * model looks, the digest, and delivery (beside the beats too).
 */

export interface AttendDependencies
  extends
    Omit<RunDependencies, "model" | "interruptionsToday" | "telling" | "prompt">,
    OutboxDependencies {
  /** Undefined when there is no model to ask: the rules decide. */
  readonly model: ModelChain | undefined;
  /** What the model is shown first; the same for a whole run. Asked for at its beginning. */
  readonly prompt: () => Promise<Prompt>;
  /** Why there is none, for the owner. */
  readonly withoutModel: string;
  /** The ids of the models that may be asked. */
  readonly modelNames: readonly string[];
  readonly activeHours: ClockRange;
  /** How long a `notice` may wait for others to share its run. */
  readonly gatherMs: number;
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
  attend(): Promise<number | null>;
  /**
   * Resolves when no run is going on and nothing is left to decide, whose runs are this beat's, and when what is
   * to be told has been tried or a bound is reached.
   */
  settle(beatId: number | null): Promise<void>;
  /** Carries out what the owner has approved, and nothing else; resolves when that has ended. */
  carryOutApproved(): Promise<void>;
  /** Whether there is something that {@link drain} would wait for. */
  busy(): boolean;
  /** Resolves when the run that may be going on has ended, and what it tells has been tried. */
  drain(): Promise<void>;
}

/** Findings of one run; what is above waits for the next one. */
const mostFindings = 60;
const ownersOnly = new Set([
  ...[outageCheck, budgetCheck, effectsCheck, rulesCheck, toolsCheck],
  ...[deliveriesCheck, channelsCheck, ordersCheck, repliesCheck, storeCheck],
]);
/** A run that was interrupted longer ago speaks of another world: its findings go to a new one. */
const longestGapMs = 60 * 60_000;
const firstRestMs = 60_000;
const longestRestMs = 32 * firstRestMs;
/** After a part that failed, such as a store that could not be written. */
const retryMs = 30_000;
/** How long whoever asked for a beat waits for channels: longer than one attempt takes. */
const deliveryPatienceMs = 30_000;

const soonest = (...times: (number | null)[]): number | null => {
  const known = times.filter((time) => time !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

/** @param wake called when a run has ended, so that what waited for its end is attended to */
export function createAttendance(dependencies: AttendDependencies, wake: () => void): Attendance {
  const { store, clock, log, attention, activeHours, observer, model } = dependencies;
  const { stopping } = dependencies;
  const { timezone } = attention;
  const budgetGate = createBudgetGate({ ...dependencies, models: dependencies.modelNames });
  const carryOut = createCarryOut(dependencies, wake);
  const outbox = createOutbox(dependencies, wake);
  let resumed = false;
  let run: { readonly startedAt: number; readonly ended: Promise<void> } | null = null;
  // A run that could not even be saved is not begun again at once.
  let unsavedRuns = 0;
  let restUntil = 0;
  // Beats, requested beats and runs all end in telling: two at once would tell the same thing twice.
  const telling = pLimit(1);

  const interruptionsToday = () => store.countInterruptions(startOf("day", clock.now(), timezone));
  const reminding = { store, clock, attention, interruptionsToday };
  const pending = () => store.pendingFindings(mostFindings);
  const deliver = () => attempt("deliver", () => outbox.start());

  const runDependencies = async (using: ModelChain) => ({
    ...dependencies,
    prompt: await dependencies.prompt(),
    model: using,
    interruptionsToday,
    telling,
  });

  function startRun(findings: readonly Finding[], beatId: number | null, using: ModelChain): void {
    followRun(
      carryOut
        .settle()
        .then(() => runDependencies(using))
        .then((prepared) => runAgent(findings, beatId, prepared)),
    );
  }

  function followRun(running: Promise<RunSummary>): void {
    const startedAt = clock.now();
    const ended = running
      .then(async (summary) => {
        unsavedRuns = 0;
        if (summary.refusal) budgetGate.noteRefusal(summary.refusal);
        observer.ran(summary);
        await deliver();
      })
      .catch((error: unknown) => {
        restUntil = clock.now() + Math.min(firstRestMs * 2 ** unsavedRuns, longestRestMs);
        unsavedRuns += 1;
        log.error({ error: describeError(error) }, "a run could not be saved");
      })
      .finally(() => {
        run = null;
        wake();
      });
    run = { startedAt, ended };
  }

  /** Goes on with the run that a killed process left, when it is not too old; ends any other. */
  async function resumeUnfinished(using: ModelChain | undefined): Promise<void> {
    const now = clock.now();
    const unfinished = await store.unfinishedRuns();
    const last = unfinished.at(-1);
    const isReady = using?.availability(now).ready === true && !(await store.pausedAt(now));
    for (const left of unfinished) {
      if (using && isReady && left === last && now - left.run.startedAt < longestGapMs) {
        const revisions = new Map(left.findings.map(({ id, revision }) => [id, revision]));
        const findings = (await store.getFindings([...revisions.keys()])).map((finding) => ({
          ...finding,
          revision: revisions.get(finding.id) ?? finding.revision,
        }));
        followRun(
          carryOut
            .settle()
            .then(() => runDependencies(using))
            .then((prepared) => resumeAgent(left.run, findings, prepared)),
        );
        continue;
      }
      const error = "the process was stopped before it finished";
      const nothing = { summary: null, verdicts: [], notifications: [] };
      await store.finishRun(left.run.id, { at: now, outcome: "interrupted", error, ...nothing });
    }
  }

  async function judgeByRules(findings: readonly Finding[]) {
    const now = clock.now();
    const ids = findings.map(({ id }) => id);
    const histories = await store.tellingHistories(ids, now);
    const judged = findings.map((finding): JudgedFinding => {
      const history = histories.get(finding.id) ?? untold(finding.id);
      const verdict = ruleVerdict(finding, ownersWord(finding, history, now));
      return { finding, decidedBy: "rules", message: null, ...verdict };
    });
    return { judged, histories };
  }

  async function rule(
    findings: readonly Finding[],
    reason: string,
    caveat: string | null = `No model looked at this: ${reason}.`,
  ): Promise<void> {
    const { judged, histories } = await judgeByRules(findings);
    const telling = composeTelling(judged, {
      now: clock.now(),
      settings: attention,
      interruptionsToday: await interruptionsToday(),
      histories,
      caveat,
    });
    await store.applyVerdicts({ at: clock.now(), ...telling });
    observer.ruled(judged, reason);
  }

  /** A critical finding that no run has told in time is told by the rules; the run may still add to it. */
  async function tellOverdue(waiting: readonly PendingRecord[]): Promise<number | null> {
    const { findingIds, nextDeadline } = untoldCriticals({ pending: waiting, now: clock.now() });
    const overdue = waiting.filter(({ id }) => findingIds.includes(id));
    if (overdue.length === 0) return nextDeadline;
    const { judged, histories } = await judgeByRules(overdue);
    const { notifications, verdicts } = composeTelling(judged, {
      now: clock.now(),
      settings: attention,
      interruptionsToday: await interruptionsToday(),
      histories,
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

  async function decide(
    beatId: number | null,
    waiting: readonly PendingRecord[],
    gatherMs: number,
  ): Promise<number | null> {
    if (!resumed) {
      resumed = true;
      await resumeUnfinished(model);
    }
    // Whether a model can be asked, and what nobody knows the outcome of, is not for a model to judge.
    const ours = waiting.filter(({ check }) => ownersOnly.has(check));
    if (ours.length > 0) {
      await rule(ours, "it is about watchkeeper itself", null);
      return decide(beatId, await pending(), gatherMs);
    }
    const now = clock.now();
    // What the owner knew of goes to the digest whatever anybody says of it.
    const hushed = waiting.filter((finding) => ownersWord(finding, finding, now) === "hushed");
    if (hushed.length > 0) {
      await rule(hushed, "you had acknowledged it or put it off", null);
      return decide(beatId, await pending(), gatherMs);
    }
    const availability = model?.availability(now);
    const oldest = waiting.reduce((at, finding) => Math.min(at, finding.changedAt), now);
    const digestDueAt = Math.min(
      ...[attention.digestAt].flat().map((time) => nextTimeOfDay(time, oldest, timezone)),
    );
    const gate = {
      pending: waiting,
      now,
      activeHours,
      timezone,
      paused: (await store.pausedAt(now)) !== null,
      modelReady: availability?.ready === true && !rests(restUntil, now, longestRestMs),
      budgetLeft: true,
      runInProgress: run !== null,
      digestDueAt,
      gatherMs,
    };
    let decision = decideGate(gate);
    const refusal = decision.kind === "run" ? await budgetGate.refusal() : null;
    if (refusal !== null) decision = decideGate({ ...gate, budgetLeft: false });
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
          "no-model": whyNoModel(availability),
          paused: "watchkeeper is paused",
          "over-budget": refusal ?? "the budget is spent",
          "outside-active-hours": "it is outside the active hours",
        };
        await rule(chosen, reasons[decision.reason]);
        // There may be more, or others that are held until the active hours.
        return decide(beatId, await pending(), gatherMs);
      }
    }
  }

  function whyNoModel(availability: ModelAvailability | undefined): string {
    if (!availability) return dependencies.withoutModel;
    return availability.ready ? "the last run could not be saved" : availability.reason;
  }

  /** When a model that cannot be asked now may be asked again. */
  async function modelReadyAt(): Promise<number | null> {
    const availability = model?.availability(clock.now());
    return !availability || availability.ready ? null : availability.until;
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

  async function attend(beatId: number | null, gatherMs: number): Promise<number | null> {
    const attendAt = stopping.aborted
      ? null
      : await telling(async () =>
          soonest(
            await attempt("budget", async () => {
              await budgetGate.keep();
              return null;
            }),
            await attempt("decide", async () => decide(beatId, await pending(), gatherMs)),
            // Afterwards: where no model is asked, the rules have told already.
            await attempt("tell", async () => tellOverdue(await pending())),
            await attempt("approvals", () => carryOut.start()),
            await attempt("remind", () => remind(reminding)),
            await attempt("digest", () => sendDigest(reminding)),
            await modelReadyAt(),
          ),
        );
    return soonest(attendAt, await deliver());
  }

  /** Until nothing can be tried at present: what fails on one channel may be handed on to the next. */
  async function deliverAll(): Promise<void> {
    for (;;) {
      await deliver();
      if (!outbox.busy()) return;
      await outbox.ended();
    }
  }

  return {
    attend: () => attend(null, dependencies.gatherMs),
    async carryOutApproved() {
      await carryOut.start();
      await carryOut.ended();
    },
    busy: () => run !== null || carryOut.busy() || outbox.busy(),
    async drain() {
      while (run) await run.ended;
      await carryOut.ended();
      await deliverAll();
    },
    async settle(beatId) {
      // Whoever asks for a beat waits for its end: nothing waits for company.
      await attend(beatId, 0);
      let deliveriesUntil: number | null = null;
      while (!stopping.aborted) {
        if (run !== null || carryOut.busy()) {
          await run?.ended;
          await carryOut.ended();
        } else if (outbox.busy()) {
          deliveriesUntil ??= clock.now() + deliveryPatienceMs;
          if (clock.now() >= deliveriesUntil) return;
          using over = linkedAbort(stopping);
          const left = clock.sleep(deliveriesUntil - clock.now(), over.signal);
          await Promise.race([outbox.ended(), left]);
          over.abort();
        } else return;
        await attend(beatId, 0);
      }
    },
  };
}
