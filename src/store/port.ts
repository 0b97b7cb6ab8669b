import type { KnownObservation } from "../domain/diff.ts";
import type { HealthStatus, LookedHealth } from "../domain/health.ts";
import type {
  DecidedBy,
  Finding,
  FindingState,
  Observation,
  Severity,
  Verdict,
} from "../domain/finding.ts";

/**
 * The store's port. Every method is one atomic operation and async, so that another database can
 * stand behind it; no transaction and no query type leaves this room. Methods throw `StoreError`
 * when the database cannot be used. All times are milliseconds since the epoch.
 */

/** A check as the store remembers it between beats. */
export interface CheckRecord {
  readonly name: string;
  readonly skill: string;
  readonly schedule: string;
  readonly enabled: boolean;
  readonly status: HealthStatus;
  /** Null when it never ran: due now. */
  readonly nextDueAt: number | null;
  readonly lastRunAt: number | null;
  readonly lastOkAt: number | null;
  readonly failingSince: number | null;
  readonly consecutiveFailures: number;
  readonly lastError: string | null;
}

export interface CheckRegistration {
  readonly name: string;
  readonly skill: string;
  /** Names the schedule; when it differs from the stored one, the check is due at once. */
  readonly schedule: string;
}

export type LookResult =
  | {
      readonly kind: "seen";
      readonly observations: readonly Observation[];
      readonly complete: boolean;
      readonly gone: readonly string[];
      /** Undefined keeps the last cursor. */
      readonly cursor: unknown;
    }
  | { readonly kind: "failed"; readonly error: string };

export interface Look {
  readonly beatId: number;
  readonly check: string;
  readonly skill: string;
  readonly at: number;
  /** What the look does to its check's row. */
  readonly health: LookedHealth;
  readonly result: LookResult;
  /** Opens (or, when null, resolves) the finding that says this check is blind. */
  readonly blind: { readonly title: string; readonly text: string } | null;
}

/** Something that happened to a finding. `news` is false when nobody needs to hear of it. */
export interface FindingEvent {
  readonly findingId: number;
  readonly state: FindingState;
  readonly severity: Severity;
  readonly title: string;
  readonly check: string;
  readonly news: boolean;
}

export type BeatTrigger = "schedule" | "manual" | "catch-up";
export type BeatOutcome = "quiet" | "found" | "missed" | "failed";

export interface ReceiptLine {
  readonly name: string;
  /** `late`: the beat did not wait for it; the line is amended when the look has ended. */
  readonly outcome: "ok" | "failed" | "timeout" | "skipped" | "late";
  readonly durationMs: number;
  readonly error: string | null;
  readonly notes?: readonly string[];
}

export interface BeatRecord {
  readonly id: number;
  readonly trigger: BeatTrigger;
  /** Null while it is going on. */
  readonly outcome: BeatOutcome | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly missedCount: number | null;
  readonly checks: readonly ReceiptLine[];
  readonly findings: readonly number[];
  readonly runId: number | null;
  readonly costUsd: number;
  readonly error: string | null;
}

export type RunOutcome = "ok" | "incomplete" | "failed" | "interrupted" | "over-budget";

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly costUsd: number;
}

export interface RunRecord extends Usage {
  readonly id: number;
  readonly beatId: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly outcome: RunOutcome | null;
  readonly model: string;
  readonly promptVersion: string;
  readonly error: string | null;
  readonly summary: string | null;
  readonly findings: readonly number[];
}

export interface StepRecord extends Usage {
  readonly index: number;
  readonly kind: "model" | "tool";
  readonly name: string;
  readonly startedAt: number;
  readonly durationMs: number | null;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: string | null;
  readonly decision: "allow" | "ask" | "deny" | null;
  readonly reason: string | null;
}

export interface NewStep {
  readonly runId: number;
  readonly index: number;
  readonly kind: "model" | "tool";
  readonly name: string;
  readonly startedAt: number;
  readonly input: unknown;
  readonly decision?: "allow" | "ask" | "deny";
  readonly reason?: string;
}

export interface StepResult {
  readonly durationMs: number;
  readonly output: unknown;
  readonly error: string | null;
  /** What a model call cost; absent for tools. */
  readonly usage?: Usage;
}

export interface FindingVerdict {
  readonly findingId: number;
  /** The revision that was judged; later news of the finding stays pending. */
  readonly revision: number;
  readonly verdict: Verdict;
  readonly decidedBy: DecidedBy;
  readonly message: string | null;
  /** True when the owner is told of it at once. */
  readonly told: boolean;
}

export interface NewNotification {
  readonly kind: "finding" | "digest" | "notice";
  /** `held` waits for the digest that is due at `dueAt`. */
  readonly state: "held" | "ready";
  readonly findings: readonly number[];
  readonly severity: Severity;
  readonly title: string;
  readonly body: string;
  readonly why: string;
  readonly dueAt: number;
}

export interface NotificationRecord extends Omit<NewNotification, "state"> {
  readonly id: number;
  readonly runId: number | null;
  readonly state: "held" | "ready" | "delivered" | "folded";
  readonly createdAt: number;
}

export interface Verdicts {
  readonly at: number;
  readonly verdicts: readonly FindingVerdict[];
  readonly notifications: readonly NewNotification[];
}

export interface DaemonRecord {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: number;
  readonly stoppedAt: number | null;
  /** The longest gap between beats. */
  readonly heartbeatMs: number;
  readonly skillsOff: readonly SkillOff[];
}

/** A skill that cannot be used. */
export interface SkillOff {
  readonly name: string;
  readonly error: string;
}

export interface StatusRecord {
  readonly daemon: DaemonRecord | null;
  readonly lastBeat: Pick<BeatRecord, "id" | "outcome" | "startedAt" | "finishedAt"> | null;
  /** All that were ever registered, those no longer enabled included. */
  readonly checks: readonly CheckRecord[];
  readonly openFindings: number;
  readonly pendingApprovals: number;
  readonly undelivered: number;
}

export interface SpendTotals {
  readonly costUsd: number;
  readonly tokens: number;
}

/** What commands that only look need. */
export interface StoreReader extends AsyncDisposable {
  status(): Promise<StatusRecord>;
  /** Spend from `since` (included) on. */
  spendSince(since: number): Promise<SpendTotals>;
  /** Newest first. */
  listBeats(options: { limit: number }): Promise<BeatRecord[]>;
  getBeat(id: number): Promise<BeatRecord | undefined>;
  listRuns(options: { limit: number }): Promise<RunRecord[]>;
  getRun(id: number): Promise<(RunRecord & { steps: StepRecord[] }) | undefined>;
  /** Open ones, most severe first; with `all`, newest first. */
  listFindings(options: { all: boolean; limit: number }): Promise<Finding[]>;
  getFindings(ids: readonly number[]): Promise<Finding[]>;
  /** Those whose last revision has no verdict yet: untold ones first, the most severe, the oldest. */
  pendingFindings(limit: number): Promise<Finding[]>;
  listNotifications(options: { limit: number }): Promise<NotificationRecord[]>;
  checkCursor(name: string): Promise<unknown>;
  /** What is known of a check, for a dry run's comparison. */
  knownObservations(check: string): Promise<KnownObservation[]>;
}

export interface Store extends StoreReader {
  /** Notes who runs; ends what a killed daemon left half done as `failed` and `interrupted`. */
  recordStart(
    daemon: Omit<DaemonRecord, "startedAt" | "stoppedAt" | "skillsOff"> & { at: number },
  ): Promise<{ interruptedRuns: number }>;
  /** Notes which skills cannot be used. */
  recordSkillsOff(skillsOff: readonly SkillOff[]): Promise<void>;
  recordStop(at: number): Promise<void>;
  /**
   * Adds new checks and switches off those not named, whose findings are then over without a word;
   * those of `keepSkills` (skills that cannot be used at present) stay as they are.
   * @returns what is remembered of the named
   */
  registerChecks(
    checks: readonly CheckRegistration[],
    options: { at: number; keepSkills: readonly string[] },
  ): Promise<CheckRecord[]>;

  beginBeat(beat: { trigger: BeatTrigger; at: number }): Promise<number>;
  /**
   * Saves each look whole: findings, cursor and the check's row together or not at all. Looks that
   * arrive together share a transaction; one that cannot be saved is returned with its error.
   */
  commitLooks(looks: readonly Look[]): Promise<LookOutcome[]>;
  /** Resolves, without a word, what is past its `closesAt`. */
  closeOver(at: number): Promise<void>;
  finishBeat(
    id: number,
    beat: {
      at: number;
      outcome: BeatOutcome;
      checks: readonly ReceiptLine[];
      error: string | null;
    },
  ): Promise<void>;
  /** Enters a look that ended after its beat into the receipt. */
  amendBeat(id: number, end: { line: ReceiptLine; found: boolean }): Promise<void>;
  recordMissed(missed: { from: number; to: number; count: number }): Promise<number>;

  beginRun(run: {
    beatId: number | null;
    at: number;
    model: string;
    promptVersion: string;
    findings: readonly { id: number; revision: number }[];
  }): Promise<number>;
  /** @returns the step's row id, for {@link finishStep}. */
  beginStep(step: NewStep): Promise<number>;
  /** Saves the step's result and, with usage, its spend and the run's totals. */
  finishStep(stepId: number, result: StepResult): Promise<void>;
  finishRun(
    id: number,
    run: Verdicts & { outcome: RunOutcome; error: string | null; summary: string | null },
  ): Promise<void>;
  /** Verdicts of the rules, without a run. */
  applyVerdicts(verdicts: Verdicts): Promise<void>;

  acknowledge(findingId: number, at: number): Promise<Finding | undefined>;
  snooze(findingId: number, until: number): Promise<Finding | undefined>;
  /** Opens again what is snoozed past its time. */
  wakeSnoozed(at: number): Promise<void>;

  /** Tells findings ahead of their verdict: the notification and what it told, together. */
  tellNow(telling: {
    notification: NewNotification;
    told: readonly { findingId: number; revision: number }[];
    at: number;
  }): Promise<void>;
  /** Held notifications whose digest is due. */
  heldNotifications(dueBefore: number): Promise<NotificationRecord[]>;
  /** When the next digest is due, or null when nothing is held. */
  nextDigestAt(): Promise<number | null>;
  /** Puts held notifications into one digest; with null they are dropped, as nothing is left to tell. */
  foldIntoDigest(ids: readonly number[], digest: NewNotification | null, at: number): Promise<void>;
  readyNotifications(): Promise<NotificationRecord[]>;
  /** Marks a delivery as under way; false when it was already sent there, or is being sent now. */
  beginDelivery(notificationId: number, channel: string, at: number): Promise<boolean>;
  finishDelivery(
    notificationId: number,
    channel: string,
    result: { at: number; error: string | null },
  ): Promise<void>;
  /** Interruptions since `since`: notifications told at once. */
  countInterruptions(since: number): Promise<number>;
}

export type LookOutcome =
  | { readonly check: string; readonly events: readonly FindingEvent[] }
  | { readonly check: string; readonly error: string };
