import type { Used } from "../domain/budget.ts";
import type { DeliveryDecision } from "../domain/delivery.ts";
import type { KnownObservation } from "../domain/diff.ts";
import type { Finding } from "../domain/finding.ts";
import type { ToolEffect } from "../domain/policy.ts";
import type { ToldFinding } from "../domain/reminder.ts";
import type { PruneWalk, Retention } from "../domain/retention.ts";
import type { TellingHistory } from "../domain/telling.ts";
import type { UpkeepTask } from "../domain/upkeep.ts";
import type { BeatOutcome, BeatRecord, BeatTrigger, ReceiptLine } from "./records/beats.ts";
import type {
  DaemonRecord,
  PauseRecord,
  SkillOff,
  StatusRecord,
  TotalsRecord,
} from "./records/daemon.ts";
import type { DayRecord, MemoryRecord } from "./records/days.ts";
import type {
  AnsweredCall,
  ApprovalClaim,
  ApprovalRecord,
  ApprovalStatus,
  EffectRecord,
  NewApproval,
  NewEffect,
} from "./records/effects.ts";
import type { OwnFinding, PendingRecord, ToldBrief, Verdicts } from "./records/findings.ts";
import type {
  CheckRecord,
  CheckRegistration,
  Look,
  LookOutcome,
  PushRecord,
} from "./records/looks.ts";
import type {
  ChannelRecord,
  ChannelRegistration,
  DeliveryEnd,
  NewNotification,
  NotificationRecord,
  UndeliveredRecord,
} from "./records/notifications.ts";
import type {
  NewStep,
  RunBrief,
  RunOutcome,
  RunRecord,
  StepRecord,
  StepResult,
  UnfinishedRun,
  Usage,
} from "./records/runs.ts";
import type {
  BudgetPeriods,
  NewReservation,
  Reservation,
  SpendCall,
  SpendTotals,
  StoppedModel,
} from "./records/spend.ts";
import type { ToolDescription, ToolPin, ToolServerRecord } from "./records/tools.ts";
import type { PruneSlice, UpkeepRecord } from "./records/upkeep.ts";

export type * from "./records/beats.ts";
export type * from "./records/daemon.ts";
export type * from "./records/days.ts";
export type * from "./records/effects.ts";
export type * from "./records/findings.ts";
export type * from "./records/looks.ts";
export type * from "./records/notifications.ts";
export type * from "./records/runs.ts";
export type * from "./records/spend.ts";
export type * from "./records/tools.ts";
export type * from "./records/upkeep.ts";

/**
 * The store's port. Every method is one atomic operation and async, so that another database can
 * stand behind it; no transaction and no query type leaves this room. Methods throw `StoreError`
 * when the database cannot be used. All times are milliseconds since the epoch.
 */

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
  /** When the last beat ended that was neither missed nor failed, up to `until` (included), or null. */
  lastCompletedBeatAt(until?: number): Promise<number | null>;
  /** Spend of settled calls from `since` (included) on, up to `until` (excluded). */
  spendSince(since: number, until?: number): Promise<SpendTotals>;
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
  /**
   * Notes since when the file is cared for, where that is not known yet, and brings back to `now` what a clock that
   * was set back has left ahead; returns how it stands.
   */
  beginUpkeep(now: number): Promise<UpkeepRecord[]>;
  /** How a try has ended: with what came of it, or with an error. */
  recordUpkeep(
    name: UpkeepTask,
    end: { at: number; error: string | null; outcome: unknown },
  ): Promise<void>;
  /** By walk, the highest id that can be old enough. */
  pruneBounds(cutoffs: Retention): Promise<Readonly<Record<PruneWalk, number>>>;
  /** Looks at the next rows of a walk after an id, and removes those that may go: a few milliseconds' work. */
  pruneSlice(slice: {
    walk: PruneWalk;
    after: number;
    upTo: number;
    cutoffs: Retention;
  }): Promise<PruneSlice>;
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
  /**
   * Closes the open findings of these checks of our own that were judged and have not changed since `before`: what
   * is only news never ends by itself. Nobody is told. @returns how many
   */
  closeOldNews(news: {
    readonly checks: readonly string[];
    readonly before: number;
    readonly at: number;
  }): Promise<number>;

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
  heldNotifications(now: number): Promise<NotificationRecord[]>;
  /** When the next digest is due, or null when nothing is held. */
  nextDigestAt(now: number): Promise<number | null>;
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
