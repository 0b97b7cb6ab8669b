import type { Trust, Verdict } from "../../domain/finding.ts";
import type { EffectRecord } from "./effects.ts";

/** Runs and their journal. */

/** What a run came to, in fields of our own: no word of a model or of a stranger. */
export interface RunBrief {
  readonly id: number;
  readonly finishedAt: number;
  readonly outcome: RunOutcome;
  readonly verdicts: readonly { readonly findingId: number; readonly verdict: Verdict }[];
  readonly effects: readonly Pick<EffectRecord, "id" | "tool" | "state" | "undoneAt">[];
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
