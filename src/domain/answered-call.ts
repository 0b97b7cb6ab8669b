import type { Trust } from "./finding.ts";
import type { ToolEffect } from "./policy.ts";

/** A call that was put to the owner, and what their word and its outcome say of calls like it. */
export interface AnsweredCall {
  readonly id: number;
  readonly tool: string;
  readonly toolVersion: string;
  readonly effect: ToolEffect;
  /** As they were carried out. */
  readonly arguments: unknown;
  /** What was looked up when it was asked; null when it is not known. */
  readonly facts: Readonly<Record<string, string>> | null;
  /** The arguments as they were asked, when the owner has changed them; else null. */
  readonly editedFrom: unknown;
  readonly trust: Trust;
  readonly status: "approved" | "denied";
  readonly createdAt: number;
  readonly decidedAt: number;
  /** Null when it was not carried out yet. */
  readonly outcome: {
    readonly state: "planned" | "sent" | "done" | "failed" | "unknown";
    readonly error: string | null;
    readonly finishedAt: number | null;
    readonly undoBegunAt: number | null;
    readonly undoneAt: number | null;
  } | null;
}

export type Testimony =
  | { readonly kind: "for" }
  /** From `at` on the count of calls like it begins anew. */
  | { readonly kind: "against"; readonly at: number; readonly how: string }
  | { readonly kind: "nothing" };

/**
 * For: approved as it was asked, done as it should, and not taken back. Against: the owner said no, wanted it
 * otherwise or took it back, or it did not go well. What is not over yet says nothing.
 */
export function testimonyOf(call: AnsweredCall): Testimony {
  const { status, editedFrom, decidedAt, outcome } = call;
  const against = (how: string, at: number | null): Testimony => ({
    kind: "against",
    how,
    at: Math.max(decidedAt, at ?? 0),
  });
  if (status === "denied") return against("denied", null);
  if (editedFrom !== null) return against("changed by you", null);
  if (!outcome || outcome.state === "planned" || outcome.state === "sent") {
    return { kind: "nothing" };
  }
  const { state, error, finishedAt, undoBegunAt, undoneAt } = outcome;
  if (state === "failed") return against("failed", finishedAt);
  if (state === "unknown") return against("begun with an unknown end", finishedAt);
  const takenBack = undoneAt ?? undoBegunAt;
  if (takenBack !== null) return against("taken back", takenBack);
  return error === null ? { kind: "for" } : against("not done as it should", finishedAt);
}
