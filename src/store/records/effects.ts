import type { Trust } from "../../domain/finding.ts";

/** Effects, and the word of the owner that some of them wait for. */

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
