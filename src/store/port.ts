import type { HeldReason } from "../domain/attention.ts";
import type { KnownObservation } from "../domain/diff.ts";
import type { Call, CallPrice, CapName, Caps, Used } from "../domain/budget.ts";
import type { ChannelHealth } from "../domain/channel-health.ts";
import type { ChannelUse, Delivery, DeliveryDecision, DeliveryState } from "../domain/delivery.ts";
import type { ToolEffect } from "../domain/policy.ts";
import type { ToolServerState } from "../domain/tool-server.ts";
import type { HealthStatus, LookedHealth } from "../domain/health.ts";
import type { ToldFinding } from "../domain/reminder.ts";
import type { Telling, TellingHistory } from "../domain/telling.ts";
import type {
  DecidedBy,
  Finding,
  FindingState,
  Observation,
  Severity,
  Trust,
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
  /** When one that was never seen is due first; else at once. */
  readonly firstDueAt?: number;
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
  /** What the owner's rules say is to be done; planned with the look. */
  readonly actions?: readonly PlannedAction[];
}

/** An effect that a rule asks for, without a model. */
export interface PlannedAction {
  /** The same for the same occasion: planned once, ever. */
  readonly idempotencyKey: string;
  readonly tool: string;
  readonly toolVersion: string;
  readonly effect: EffectKind;
  readonly arguments: unknown;
  /** At most so many by this check and tool within the hour before; undefined is no bound. */
  readonly maxPerHour: number | undefined;
}

/** The last word that came to a push address. */
export interface PushRecord {
  readonly skill: string;
  readonly name: string;
  readonly at: number;
  readonly ok: boolean;
  readonly text: string;
}

/** One of the agent's notes. */
export interface MemoryRecord {
  readonly id: number;
  readonly runId: number | null;
  readonly text: string;
  readonly trust: Trust;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** So many rows of a day as are shown, and how many there are. */
export interface Portion<Row> {
  readonly rows: readonly Row[];
  readonly count: number;
}

/** What happened between two moments, oldest first. */
export interface DayRecord {
  /** Beats that found nothing. */
  readonly quietBeats: number;
  readonly beats: Portion<{
    readonly id: number;
    readonly startedAt: number;
    readonly trigger: BeatTrigger;
    readonly outcome: BeatOutcome | null;
    readonly checks: readonly ReceiptLine[];
    /** Different findings that something happened to. */
    readonly findings: number;
  }>;
  /** Also what began before or ended after. */
  readonly missed: readonly {
    readonly from: number;
    readonly to: number;
    readonly count: number;
  }[];
  readonly events: Portion<{
    readonly findingId: number;
    readonly check: string;
    /** Of a check that went blind: its name. */
    readonly key: string;
    readonly state: FindingState;
    readonly severity: Severity;
    readonly title: string;
    readonly at: number;
  }>;
  readonly runs: Portion<
    Pick<RunRecord, "id" | "startedAt" | "outcome" | "model" | "costUsd"> & {
      readonly findings: number;
    }
  >;
  readonly effects: Portion<
    Pick<
      EffectRecord,
      | "id"
      | "tool"
      | "effect"
      | "state"
      | "plannedAt"
      | "undoneAt"
      | "approvalId"
      | "runId"
      | "check"
    >
  >;
  /** Asked for or answered within the time. */
  readonly approvals: Portion<
    Pick<ApprovalRecord, "id" | "tool" | "status" | "createdAt" | "decidedAt">
  >;
  readonly notifications: Portion<
    Pick<NotificationRecord, "id" | "kind" | "state" | "severity" | "title" | "createdAt">
  >;
  /** Of all runs, also those not among the rows. */
  readonly costUsd: number;
}

/** What a run came to, in fields of our own: no word of a model or of a stranger. */
export interface RunBrief {
  readonly id: number;
  readonly finishedAt: number;
  readonly outcome: RunOutcome;
  readonly verdicts: readonly { readonly findingId: number; readonly verdict: Verdict }[];
  readonly effects: readonly Pick<EffectRecord, "id" | "tool" | "state" | "undoneAt">[];
}

/** An unresolved finding that the owner was told of, without its words. */
export type ToldBrief = Pick<
  Finding,
  "id" | "skill" | "check" | "severity" | "status" | "openedAt"
>;

/** A finding whose last revision has no verdict. */
export interface PendingRecord extends Finding {
  /** When it is over by itself, or null. */
  readonly closesAt: number | null;
  /** The owner's word on it, until it gets worse. */
  readonly ackedAt: number | null;
  /** Of one that was put off, and after that until it changes. */
  readonly snoozedUntil: number | null;
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

/** A run whose process was killed, with its journal and the findings it was over. */
export interface UnfinishedRun {
  readonly run: RunRecord & { readonly steps: readonly StepRecord[] };
  readonly findings: readonly { readonly id: number; readonly revision: number }[];
}

export interface RunRecord extends Usage {
  readonly id: number;
  readonly beatId: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly outcome: RunOutcome | null;
  readonly model: string;
  readonly promptVersion: string;
  readonly readUntrusted: boolean;
  readonly error: string | null;
  readonly summary: string | null;
  readonly findings: readonly number[];
}

export interface StepRecord extends Usage {
  readonly index: number;
  readonly kind: "model" | "tool";
  readonly name: string;
  readonly callId: string | null;
  readonly startedAt: number;
  readonly durationMs: number | null;
  /** Of a tool call's result; null while it is going on. */
  readonly trust: Trust | null;
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
  /** Of a tool call: the id by which the model called it. */
  readonly callId?: string;
  readonly startedAt: number;
  readonly input: unknown;
  readonly decision?: "allow" | "ask" | "deny";
  readonly reason?: string;
}

export interface StepResult {
  readonly durationMs: number;
  readonly output: unknown;
  readonly error: string | null;
  /** Of a tool call: whether a stranger may have written its result. */
  readonly trust?: Trust;
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
  /** `recovery`: all that it tells of is over; `reminder`: all of it was told before, and is open still. */
  readonly kind: "finding" | "recovery" | "digest" | "notice" | "reminder";
  /** `held` waits for the digest that is due at `dueAt`. */
  readonly state: "held" | "ready";
  readonly findings: readonly number[];
  readonly severity: Severity;
  readonly title: string;
  readonly body: string;
  readonly why: string;
  readonly dueAt: number;
  /** The approval that it asks for: told of once. */
  readonly approvalId?: number | null;
  /** Of a held one: what made it wait. */
  readonly heldBecause?: HeldReason | null;
  /** What the owner hears with it, kept with it: a kill leaves both or neither. */
  readonly tellings?: readonly Omit<Telling, "at">[];
}

export interface NotificationRecord extends Omit<NewNotification, "state" | "tellings"> {
  readonly id: number;
  readonly runId: number | null;
  readonly state: "held" | "ready" | "delivered" | "untold" | "folded";
  readonly createdAt: number;
}

/** One message on one channel. */
export interface DeliveryRecord extends Delivery {
  /** Names it to the channel: the same for every attempt. */
  readonly key: string;
}

/** A message that is on its way to some channel, with all deliveries that were ever planned for it. */
export interface UndeliveredRecord {
  readonly notificationId: number;
  readonly severity: Severity;
  readonly deliveries: readonly DeliveryRecord[];
}

export interface DeliveryEnd {
  readonly at: number;
  readonly state: "sent" | "failed" | "unknown";
  readonly error: string | null;
  /** Of one that failed: when it is tried again; null for at once. */
  readonly nextAt: number | null;
  /** How the channel stands now; null when it says nothing of the channel. */
  readonly health: Pick<ChannelHealth, "consecutiveFailures" | "failingSince"> | null;
}

export interface ChannelRegistration {
  readonly name: string;
  readonly use: ChannelUse;
  /** Messages from this severity on. */
  readonly severity: Severity;
}

export interface ChannelRecord extends ChannelRegistration {
  readonly consecutiveFailures: number;
  readonly failingSince: number | null;
  /** Of the last failure; it stays when the channel works again. */
  readonly lastError: string | null;
  readonly lastSentAt: number | null;
  /** Deliveries that are still tried. */
  readonly waiting: number;
}

export type EffectKind = "read" | "write" | "send" | "destroy";
export type EffectState = "planned" | "sent" | "done" | "failed" | "unknown";

/** One use of a tool that does something, from its intent to its outcome. */
export interface EffectRecord {
  readonly id: number;
  readonly runId: number | null;
  readonly approvalId: number | null;
  /** The check whose rule asked for it, without a model. */
  readonly check: string | null;
  readonly tool: string;
  readonly toolVersion: string;
  readonly grantKey: string | null;
  readonly effect: EffectKind;
  readonly arguments: unknown;
  readonly trust: Trust;
  readonly idempotencyKey: string;
  readonly state: EffectState;
  readonly result: unknown;
  readonly error: string | null;
  readonly plannedAt: number;
  readonly sentAt: number | null;
  readonly finishedAt: number | null;
  readonly undoBegunAt: number | null;
  readonly undoneAt: number | null;
}

export interface NewEffect {
  readonly runId: number | null;
  readonly stepId: number | null;
  readonly approvalId: number | null;
  readonly tool: string;
  readonly toolVersion: string;
  readonly effect: EffectKind;
  readonly arguments: unknown;
  readonly trust: Trust;
  readonly idempotencyKey: string;
  /** The grant it is done under, counted since `since`. */
  readonly grant: {
    readonly key: string;
    readonly maxPerDay: number;
    readonly since: number;
  } | null;
  readonly at: number;
}

export type ApprovalStatus = "pending" | "approved" | "denied" | "expired";

/** A tool call that waits for the owner's word, or has it. */
export interface ApprovalRecord {
  readonly id: number;
  readonly runId: number | null;
  readonly tool: string;
  readonly toolVersion: string;
  readonly arguments: unknown;
  readonly argumentsHash: string;
  readonly effect: EffectKind;
  /** What the tool's own code looked up for the call when it was asked; null when it is not known. */
  readonly facts: Readonly<Record<string, string>> | null;
  /** The arguments as they were asked, when the owner has approved others; null when they are the same. */
  readonly editedFrom: unknown;
  readonly trust: Trust;
  readonly reason: string;
  readonly status: ApprovalStatus;
  readonly note: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decidedAt: number | null;
  /** The effect that it allowed, when it was carried out. */
  readonly effectId: number | null;
}

export type ApprovalClaim = Pick<ApprovalRecord, "id" | "argumentsHash" | "expiresAt" | "status">;

export type NewApproval = Omit<
  ApprovalRecord,
  "id" | "facts" | "editedFrom" | "status" | "note" | "decidedAt" | "effectId"
> & { readonly facts?: ApprovalRecord["facts"] };

/** A call that the owner has answered, with what came of it. */
export interface AnsweredCall extends ApprovalRecord {
  readonly status: "approved" | "denied";
  readonly decidedAt: number;
  /** Null when it was not carried out. */
  readonly outcome: Pick<
    EffectRecord,
    "state" | "error" | "finishedAt" | "undoBegunAt" | "undoneAt"
  > | null;
}

/** Something that the daemon has to say about itself. */
export interface OwnFinding {
  /** Such as `watchkeeper/budget`. */
  readonly check: string;
  readonly key: string;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string | null;
  readonly at: number;
  /** When it began, if that was before. */
  readonly since?: number;
  /** `untrusted` when a stranger's words are in it. */
  readonly trust?: Trust;
}

/** The stop button while it is pressed. */
export interface PauseRecord {
  readonly pausedAt: number;
  readonly until: number | null;
  readonly reason: string | null;
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
  /** Where the page is offered, or why it is not; both null before that is known. */
  readonly webUrl: string | null;
  readonly webOff: string | null;
  /** The owner's zone, as configured: an IANA name. Null when an older version wrote the row. */
  readonly timezone: string | null;
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
  /** Messages that no channel has yet. */
  readonly undelivered: number;
  /** In the owner's order. */
  readonly channels: readonly ChannelRecord[];
}

/** How often what happened since the first start, as far as it is kept. */
export interface TotalsRecord {
  /** Those that ended; `found` ones are among the completed. */
  readonly beats: Readonly<Record<"completed" | "found" | "missed" | "failed", number>>;
  readonly findingEvents: readonly Counted<{ state: FindingState; severity: Severity }>[];
  /** Unresolved ones. */
  readonly openFindings: readonly Counted<{ severity: Severity }>[];
  /** Those that ended. */
  readonly runs: readonly Counted<{ outcome: RunOutcome }>[];
  /** Settled model calls. */
  readonly spend: readonly (Usage & { readonly model: string; readonly calls: number })[];
  readonly effects: readonly Counted<{ effect: EffectKind; state: EffectState }>[];
  readonly approvals: readonly Counted<{ status: ApprovalStatus }>[];
  readonly deliveries: readonly Counted<{ channel: string; state: DeliveryState }>[];
}

type Counted<By> = Readonly<By> & { readonly count: number };

export interface SpendTotals {
  readonly costUsd: number;
  readonly tokens: number;
}

/** Where the periods that caps are for began, in the owner's zone. */
export interface BudgetPeriods {
  readonly dayStart: number;
  readonly monthStart: number;
}

/** One model call that was paid for. */
export interface SpendCall extends SpendTotals {
  readonly runId: number;
  readonly at: number;
  readonly model: string;
  /** How many findings of each skill its run was over. */
  readonly skills: Readonly<Record<string, number>>;
}

/** A model that billed more than a call could cost, and is asked no more. */
export interface StoppedModel {
  readonly model: string;
  readonly at: number;
  readonly reason: string;
}

export interface NewReservation extends BudgetPeriods {
  readonly runId: number;
  readonly at: number;
  readonly model: string;
  readonly call: Call;
  /** Undefined when it is not known: only the caps on tokens hold. */
  readonly price: CallPrice | undefined;
  readonly caps: Caps;
}

export type Reservation =
  | { readonly ok: true; readonly id: number; readonly maxTokens: number }
  | { readonly ok: false; readonly because: CapName | "model-stopped"; readonly reason: string };

/** How an MCP server stands. */
export interface ToolServerRecord {
  readonly name: string;
  readonly state: ToolServerState;
  readonly error: string | null;
  readonly changedAt: number;
}

/** What a tool of an MCP server says of itself, as it was read. */
export interface ToolDescription {
  /** As the agent calls it. */
  readonly name: string;
  readonly server: string;
  readonly hash: string;
  readonly definition: unknown;
}

export interface ToolPin extends ToolDescription {
  readonly seenAt: number;
  readonly acceptedAt: number;
  /** Not null while it says something else than was accepted. */
  readonly offeredHash: string | null;
  readonly offered: unknown;
  readonly offeredAt: number | null;
}

/** What commands that only look need. */
export interface StoreReader extends AsyncDisposable {
  /** By name. */
  listToolServers(): Promise<ToolServerRecord[]>;
  /** By name. */
  listToolPins(): Promise<ToolPin[]>;
  status(): Promise<StatusRecord>;
  /** The zone that the last daemon was configured with: an IANA name. Null before the first start. */
  timezone(): Promise<string | null>;
  totals(): Promise<TotalsRecord>;
  /** When the last beat ended that was neither missed nor failed, or null. */
  lastCompletedBeatAt(): Promise<number | null>;
  /** Spend of settled calls from `since` (included) on. */
  spendSince(since: number): Promise<SpendTotals>;
  /** Settled and reserved together: the most that can have been spent. */
  budgetUse(periods: BudgetPeriods): Promise<{ day: Used; month: Used }>;
  /** Settled calls from `since` (included) on, the first one first. */
  spendCalls(options: { since: number }): Promise<SpendCall[]>;
  /** When the first beat was, or null. */
  watchingSince(): Promise<number | null>;
  stoppedModels(): Promise<StoppedModel[]>;
  /** Newest first. */
  listBeats(options: { limit: number }): Promise<BeatRecord[]>;
  getBeat(id: number): Promise<BeatRecord | undefined>;
  listRuns(options: { limit: number }): Promise<RunRecord[]>;
  getRun(id: number): Promise<(RunRecord & { steps: StepRecord[] }) | undefined>;
  /** Those that ended, the newest first. */
  recentRuns(options: { limit: number }): Promise<RunBrief[]>;
  /** Unresolved ones that the owner was told of at once, most severe first; those of `without` (a skill) not. */
  toldFindings(options: { without: string; limit: number }): Promise<ToldBrief[]>;
  /** Open ones, most severe first; with `all`, newest first. */
  listFindings(options: { all: boolean; limit: number }): Promise<Finding[]>;
  getFindings(ids: readonly number[]): Promise<Finding[]>;
  /** Those whose last revision has no verdict yet: untold ones first, the most severe, the oldest. */
  pendingFindings(limit: number): Promise<PendingRecord[]>;
  listNotifications(options: { limit: number }): Promise<NotificationRecord[]>;
  getNotification(id: number): Promise<NotificationRecord | undefined>;
  /** Pending ones, oldest first; with `all`, newest first. */
  listApprovals(options: { all: boolean; limit: number }): Promise<ApprovalRecord[]>;
  /** Of approvals that expire, or did, after a time: what their tokens are made of. The newest 500. */
  listApprovalClaims(options: { expiringAfter: number }): Promise<ApprovalClaim[]>;
  getApproval(id: number): Promise<ApprovalRecord | undefined>;
  /** What the owner has said yes or no to since then, the newest first. */
  answeredCalls(options: { since: number; limit: number }): Promise<AnsweredCall[]>;
  /** Those whose asking was told as a part of that digest. */
  approvalsInDigest(notificationId: number): Promise<ApprovalRecord[]>;
  getEffect(id: number): Promise<EffectRecord | undefined>;
  getEffectByKey(idempotencyKey: string): Promise<EffectRecord | undefined>;
  listEffects(options: { limit: number }): Promise<EffectRecord[]>;
  /** What the owner's rules asked for within a time, both ends included, oldest first. */
  ruleEffects(within: { from: number; to: number; limit: number }): Promise<EffectRecord[]>;
  /** Writes that are done and not taken back, the newest first. */
  listStandingWrites(options: { limit: number }): Promise<EffectRecord[]>;
  /** What runs that were given up did about any of these findings: begun, whatever came of it. */
  effectsOfGivenUpRuns(findingIds: readonly number[]): Promise<EffectRecord[]>;
  /** The last push under each name of a skill. */
  lastPushes(skill: string): Promise<PushRecord[]>;
  /** Notes that hold all words of the text, the best match first; those past their time never. */
  searchMemories(query: { text: string; limit: number; now: number }): Promise<MemoryRecord[]>;
  /** The newest first; with `all` those past their time too; without a limit every one. */
  listMemories(query: { all: boolean; limit?: number; now: number }): Promise<MemoryRecord[]>;
  getMemory(id: number): Promise<MemoryRecord | undefined>;
  /** Notes with a greater id, the smallest first; those past their time never. */
  memoriesAfter(query: { id: number; limit: number; now: number }): Promise<MemoryRecord[]>;
  /** What happened from `from` (included) to `to` (excluded); of each kind at most `limit` rows. */
  dayRecord(query: { from: number; to: number; limit: number }): Promise<DayRecord>;
  /**
   * Notes that hold any of the words, trusted ones first, the best match first; those past their time never.
   * @param query `withUntrusted`: also those that a stranger may have written
   */
  recallMemories(query: {
    words: readonly string[];
    withUntrusted: boolean;
    limit: number;
    now: number;
  }): Promise<MemoryRecord[]>;
  /** Null when the stop button is not pressed, or is lifted by itself at `now`. */
  pausedAt(now: number): Promise<PauseRecord | null>;
  /** How often a grant was used since then. */
  grantUses(key: string, since: number): Promise<number>;
  checkCursor(name: string): Promise<unknown>;
  /** What is known of a check, for a dry run's comparison. */
  knownObservations(check: string): Promise<KnownObservation[]>;
}

export interface Store extends StoreReader {
  recordToolServer(server: ToolServerRecord): Promise<void>;
  /** Forgets servers that the configuration does not name; what was accepted of their tools stays. */
  keepToolServers(names: readonly string[]): Promise<void>;
  /**
   * Accepts tools that were never seen, and notes what others now say of themselves.
   * @returns the pins of the given tools
   */
  pinTools(tools: readonly ToolDescription[], at: number): Promise<ToolPin[]>;
  /** The owner's word on a tool, or on all of a server, that says something else; returns what was accepted. */
  acceptTools(name: string, at: number): Promise<ToolPin[]>;
  /**
   * Notes who runs; ends the beats that a killed daemon left half done as `failed`, and settles its model calls
   * at their reservations. Its runs are {@link unfinishedRuns}; deliveries that it had begun stay `sending`.
   * A restart ends the waits of those that failed.
   */
  recordStart(
    daemon: Pick<DaemonRecord, "pid" | "version" | "heartbeatMs"> & {
      at: number;
      timezone?: string | null;
    },
  ): Promise<void>;
  /** Runs that a killed daemon left half done, oldest first. */
  unfinishedRuns(): Promise<UnfinishedRun[]>;
  /** Notes which skills cannot be used. */
  recordSkillsOff(skillsOff: readonly SkillOff[]): Promise<void>;
  /** Notes where the page is offered, or why it is not. */
  recordWeb(web: { url: string } | { off: string }): Promise<void>;
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
  recordPush(push: PushRecord): Promise<void>;
  recordMissed(missed: { from: number; to: number; count: number }): Promise<number>;

  beginRun(run: {
    /** The beat that was asked to have it; null for the last one that found any of what it is over. */
    beatId: number | null;
    at: number;
    model: string;
    promptVersion: string;
    readUntrusted: boolean;
    findings: readonly { id: number; revision: number }[];
  }): Promise<number>;
  /** The run has read what a stranger could have written; never taken back. */
  noteUntrusted(runId: number): Promise<void>;
  /** @returns the step's row id, for {@link finishStep}. */
  beginStep(step: NewStep): Promise<number>;
  /** Saves the step's result; what it cost is added to the run when its reservations are settled. */
  finishStep(stepId: number, result: StepResult): Promise<void>;
  /** Weighs a call's worst case against the caps and reserves it, lowered to fit, in one go. */
  reserveSpend(reservation: NewReservation): Promise<Reservation>;
  /**
   * Enters what a call came to and adds it to its run. Null usage, and usage that is only `atLeast`
   * what was billed, is settled at the reservation; usage above the reservation stops the model.
   * @returns what was entered, and the model if it is stopped; null when it was settled before
   */
  settleSpend(
    id: number,
    end: { at: number; usage: Usage | null; atLeast: boolean },
  ): Promise<{ settled: Usage; stopped: StoppedModel | null } | null>;
  /** The owner's word that a stopped model may be asked again; false when it was not stopped. */
  liftModelStop(model: string): Promise<boolean>;
  finishRun(
    id: number,
    run: Verdicts & { outcome: RunOutcome; error: string | null; summary: string | null },
  ): Promise<void>;
  /** Verdicts of the rules, without a run. */
  applyVerdicts(verdicts: Verdicts): Promise<void>;

  /** Writes the intent down; refused when the grant is used up or the approval was used already. */
  planEffect(effect: NewEffect): Promise<{ ok: true; id: number } | { ok: false; reason: string }>;
  /** False when it was begun already. */
  markEffectSent(id: number, at: number): Promise<boolean>;
  /** The outcome, and with it what the owner is told of it: a kill leaves both or neither. */
  finishEffect(
    id: number,
    end: {
      state: "done" | "failed" | "unknown";
      result: unknown;
      error: string | null;
      at: number;
      tell: OwnFinding | null;
    },
  ): Promise<void>;
  /** Intents without an outcome, from a process that was stopped; {@link plannedActions} excepted. */
  unsettledEffects(): Promise<EffectRecord[]>;
  /** What rules have asked for and nobody has begun, oldest first. */
  plannedActions(): Promise<EffectRecord[]>;
  /** Takes the right to undo a done effect; false when it is not done, or undone already. */
  beginUndo(id: number, at: number): Promise<boolean>;
  finishUndo(id: number, at: number): Promise<void>;
  /** Gives the right back when undoing failed; with `tell`, what the owner must know of that, in one write. */
  failUndo(id: number, tell?: OwnFinding): Promise<void>;
  /** Undoings that were begun and have no end; of a killed process when this one has begun none. */
  unfinishedUndos(): Promise<EffectRecord[]>;

  /**
   * Puts a call to the owner. The very same call (by its hash) that waits already is not put twice:
   * it is the same one, as untrusted as the least trusted run that asked for it. Nor is one that the owner has
   * answered put again by the same run; its status then says what the word was.
   */
  addApproval(
    approval: NewApproval,
  ): Promise<{ readonly id: number; readonly status: ApprovalStatus }>;
  /** The owner's word. Undefined when it does not wait for one any more. */
  decideApproval(
    id: number,
    word: {
      decision: "approved" | "denied";
      note: string | null;
      at: number;
      /** Of the call as it was shown: the word counts for no other. */
      shownHash?: string;
      /** Arguments that the owner has changed, with their hash and what they do. */
      edited?: { arguments: unknown; argumentsHash: string; effect: ToolEffect };
    },
  ): Promise<ApprovalRecord | undefined>;
  /** Ends those whose time is over, and returns them. */
  expireApprovals(at: number): Promise<ApprovalRecord[]>;
  /** Approved ones that were not carried out yet. */
  approvedCalls(): Promise<ApprovalRecord[]>;

  /** @returns its id; of the known one when a note with that key is there */
  addMemory(note: Omit<MemoryRecord, "id"> & { noteKey: string }): Promise<number>;
  /** False when it is not there. */
  removeMemory(id: number): Promise<boolean>;
  /** Deletes the notes that are past their time, and makes one of those that say the same. */
  tidyMemories(now: number): Promise<{ readonly expired: number; readonly merged: number }>;

  pause(pause: PauseRecord): Promise<void>;
  resume(): Promise<void>;

  /** Opens a finding of the daemon's own, or changes the open one when its title or severity is new. */
  setOwnFinding(finding: OwnFinding): Promise<number>;
  resolveOwnFinding(finding: Pick<OwnFinding, "check" | "key" | "at">): Promise<void>;

  acknowledge(findingId: number, at: number): Promise<Finding | undefined>;
  snooze(findingId: number, until: number): Promise<Finding | undefined>;
  /** By finding, for those that are there: what was told of it and of others under its key, and the owner's word. */
  tellingHistories(
    findingIds: readonly number[],
    now: number,
  ): Promise<ReadonlyMap<number, TellingHistory>>;
  /** Open findings of that severity that the owner may have to be reminded of, with what was told of them. */
  openFindingsTold(severity: "warning" | "critical"): Promise<ToldFinding[]>;
  /** Opens again what is snoozed past its time. */
  wakeSnoozed(at: number): Promise<void>;

  /**
   * Tells findings ahead of their verdict: the notification and what it told, together. One that asks for an
   * approval is added once, however often it is given.
   */
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
  /**
   * Notes the channels of the config, and forgets others; that one of those does not work is then over without
   * a word. @returns what is remembered of the named, in their order
   */
  registerChannels(
    channels: readonly ChannelRegistration[],
    options: { at: number },
  ): Promise<ChannelRecord[]>;
  /** Messages that are `ready` or that some channel is still tried for, oldest first. */
  undelivered(): Promise<UndeliveredRecord[]>;
  /** Carries out what was decided for a message, with what the owner must know of it: all or nothing. */
  moveDeliveries(
    notificationId: number,
    move: Pick<DeliveryDecision, "plan" | "end" | "settle"> & {
      at: number;
      tell: readonly OwnFinding[];
    },
  ): Promise<void>;
  /** Marks a delivery as under way, before the channel is given anything; false when it is none to be tried. */
  beginDelivery(id: number, at: number): Promise<boolean>;
  /** What came of an attempt, with how its channel stands; once it works again, what failed there is due. */
  finishDelivery(id: number, end: DeliveryEnd): Promise<void>;
  /** Interruptions since `since`: notifications told at once. */
  countInterruptions(since: number): Promise<number>;
}

export type LookOutcome =
  | {
      readonly check: string;
      readonly events: readonly FindingEvent[];
      /** Actions that were not planned because their bound per hour was reached. */
      readonly actionsRefused: number;
    }
  | { readonly check: string; readonly error: string };
