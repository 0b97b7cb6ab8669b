import { performance } from "node:perf_hooks";
import { cutoffsOf, pruneWalks, type Retention } from "../domain/retention.ts";
import type { PrunedCounts, Store } from "./port.ts";

/** All walks over the store, slice by slice, so that whoever else writes is never held up for long. */

export interface PruneSummary {
  readonly removed: PrunedCounts;
  readonly slices: number;
  /** The longest that one transaction took. */
  readonly longestMs: number;
  /** False when it was stopped before its end; the next one goes on. */
  readonly complete: boolean;
}

export interface PruneOptions {
  readonly retention: Retention;
  readonly now: number;
  /** Lets others have their turn, after each slice. @param workedMs how long that slice took */
  readonly pause: (workedMs: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

export async function prune(
  store: Pick<Store, "pruneBounds" | "pruneSlice">,
  { retention, now, pause, signal }: PruneOptions,
): Promise<PruneSummary> {
  const cutoffs = cutoffsOf(retention, now);
  const bounds = await store.pruneBounds(cutoffs);
  let removed: PrunedCounts | undefined;
  let slices = 0;
  let longestMs = 0;
  for (const walk of pruneWalks) {
    let after: number | null = 0;
    while (after !== null && after < bounds[walk] && !signal?.aborted) {
      const begunAt = performance.now();
      const slice = await store.pruneSlice({ walk, after, upTo: bounds[walk], cutoffs });
      const workedMs = performance.now() - begunAt;
      removed = removed ? sum(removed, slice.removed) : slice.removed;
      slices += 1;
      longestMs = Math.max(longestMs, workedMs);
      after = slice.next;
      await pause(workedMs);
    }
  }
  const complete = !signal?.aborted;
  return { removed: removed ?? nothing, slices, longestMs: Math.round(longestMs), complete };
}

const counters = [
  ...(["rows", "beats", "findings", "notifications", "runs", "steps"] as const),
  ...(["effects", "approvals", "thinned"] as const),
];

const sum = (a: PrunedCounts, b: PrunedCounts): PrunedCounts =>
  countsOf((counter) => a[counter] + b[counter]);

function countsOf(of: (counter: keyof PrunedCounts) => number): PrunedCounts {
  return Object.fromEntries(counters.map((counter) => [counter, of(counter)])) as Record<
    keyof PrunedCounts,
    number
  >;
}

const nothing = countsOf(() => 0);
