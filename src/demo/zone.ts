import { offsetAt, offsetChange } from "../domain/zoned-time.ts";

/** The owner's zone as a calendar file describes it: its offset, and the changes of it near by. */

const dayMs = 24 * 60 * 60_000;

export interface ClockChange {
  readonly instant: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** Offset from UTC at `from`, and each change of it until `to`. */
export function clockChanges(
  timezone: string,
  from: number,
  to: number,
): { firstMs: number; changes: ClockChange[] } {
  const firstMs = offsetAt(from, timezone);
  const changes: ClockChange[] = [];
  let beforeMs = firstMs;
  for (let day = from; day < to; day += dayMs) {
    const afterMs = offsetAt(day + dayMs, timezone);
    if (afterMs === beforeMs) continue;
    changes.push({ instant: offsetChange(day, day + dayMs, timezone), beforeMs, afterMs });
    beforeMs = afterMs;
  }
  return { firstMs, changes };
}
