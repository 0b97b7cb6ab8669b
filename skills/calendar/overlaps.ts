import type { Instance } from "./expand.ts";
import { compareText, keyOf } from "./reading.ts";

/** Two events at the same time. */
export interface Overlap {
  /** The same whichever of the two comes first. */
  readonly key: string;
  readonly one: Instance;
  readonly other: Instance;
  readonly start: number;
  readonly end: number;
}

const canOverlap = (instance: Instance): boolean =>
  instance.busy && !instance.cancelled && !instance.allDay && instance.end > instance.start;

/** @returns when both are on at the same time, or undefined when they never are. */
export function overlapOf(one: Instance, other: Instance): Overlap | undefined {
  const start = Math.max(one.start, other.start);
  const end = Math.min(one.end, other.end);
  if (start >= end || !canOverlap(one) || !canOverlap(other)) return undefined;
  const keys = [keyOf(one), keyOf(other)].sort(compareText);
  return { key: `overlap:${keys.join("|")}`, one, other, start, end };
}

/**
 * Finds pairs of events that are on at the same time between `now` and `to`, by when they begin to.
 * @param instances by start
 * @returns the first `limit` pairs, and how many there are.
 */
export function findOverlaps(
  instances: readonly Instance[],
  span: { readonly now: number; readonly to: number },
  limit: number,
  isMeant: (one: Instance, other: Instance) => boolean = () => true,
): { overlaps: Overlap[]; total: number } {
  const overlaps: Overlap[] = [];
  let total = 0;
  let open: Instance[] = [];
  for (const instance of instances) {
    if (!canOverlap(instance) || instance.end <= span.now) continue;
    if (instance.start >= span.to) break;
    open = open.filter((earlier) => earlier.end > instance.start);
    for (const earlier of open) {
      if (Math.min(earlier.end, instance.end) <= span.now || !isMeant(earlier, instance)) continue;
      total += 1;
      const overlap = overlaps.length < limit ? overlapOf(earlier, instance) : undefined;
      if (overlap) overlaps.push(overlap);
    }
    open.push(instance);
  }
  return { overlaps, total };
}
