/** Receipts of beats. */

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
