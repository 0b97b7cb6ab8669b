/** The owner's zone as a calendar file needs it: local days, and the clock changes near by. */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Wall clock of an instant, written as if it were UTC. */
export type WallClock = (instant: number) => Date;

export function wallClock(timezone: string): WallClock {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (instant) => {
    const fields: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(instant)) fields[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  };
}

export interface ClockChange {
  readonly instant: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** Offset from UTC at `from`, and each change of it until `to`, to the minute. */
export function clockChanges(
  local: WallClock,
  from: number,
  to: number,
): { firstMs: number; changes: ClockChange[] } {
  const offset = (instant: number): number => {
    const whole = Math.floor(instant / minuteMs) * minuteMs;
    return local(whole).getTime() - whole;
  };
  const firstMs = offset(from);
  const changes: ClockChange[] = [];
  let beforeMs = firstMs;
  for (let day = from; day < to; day += dayMs) {
    const afterMs = offset(day + dayMs);
    if (afterMs === beforeMs) continue;
    let low = Math.floor(day / minuteMs);
    let high = Math.ceil((day + dayMs) / minuteMs);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offset(middle * minuteMs) === beforeMs) low = middle;
      else high = middle;
    }
    changes.push({ instant: high * minuteMs, beforeMs, afterMs });
    beforeMs = afterMs;
  }
  return { firstMs, changes };
}
