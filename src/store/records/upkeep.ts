import type { UpkeepHistory, UpkeepTask } from "../../domain/upkeep.ts";

/** Care of the file. */

/** How one kind of care of the file stands. */
export interface UpkeepRecord extends UpkeepHistory {
  readonly name: UpkeepTask;
  /** Why the last try failed; null when it did not. */
  readonly lastError: string | null;
  /** Of the last that went well: what came of it. */
  readonly outcome: unknown;
}

/** How much was removed; `rows` counts all tables. */
export interface PrunedCounts {
  readonly rows: number;
  readonly beats: number;
  readonly findings: number;
  readonly notifications: number;
  readonly runs: number;
  readonly steps: number;
  readonly effects: number;
  readonly approvals: number;
  /** Rows that stay, without their long texts. */
  readonly thinned: number;
}

export interface PruneSlice {
  /** Where the next slice of this walk begins; null at its end. */
  readonly next: number | null;
  readonly removed: PrunedCounts;
}
