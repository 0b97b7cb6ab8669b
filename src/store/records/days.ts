import type { FindingState, Severity, Trust } from "../../domain/finding.ts";
import type { BeatOutcome, BeatTrigger, ReceiptLine } from "./beats.ts";
import type { ApprovalRecord, EffectRecord } from "./effects.ts";
import type { NotificationRecord } from "./notifications.ts";
import type { RunRecord } from "./runs.ts";

/** The agent's notes, and what happened on a day. */

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
