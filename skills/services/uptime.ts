import { z } from "watchkeeper";

/**
 * How long a target was up, kept for a year in little room: each hour, later each day, in which it was
 * up throughout takes none.
 */

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const hoursKept = 31 * 24;
const daysKept = 366;

/** Number of the hour or day since the epoch, milliseconds of it down, milliseconds nobody knows of. */
const stretchSchema = z.tuple([z.int(), z.int().min(0), z.int().min(0)]);
type Stretch = z.output<typeof stretchSchema>;

/** `unseen`: nobody looked, or what was seen did not count. */
const stateSchema = z.enum(["up", "down", "unseen"]);
export type UptimeState = z.output<typeof stateSchema>;

export const uptimeSchema = z.object({
  /** When the account begins; milliseconds since the epoch. */
  from: z.int(),
  /** Until when it is kept, and how it has been since then. */
  until: z.int(),
  state: stateSchema,
  hours: z.array(stretchSchema).max(hoursKept + 2),
  days: z.array(stretchSchema).max(daysKept + 2),
});

export type Uptime = z.output<typeof uptimeSchema>;

export const newUptime = (now: number): Uptime => ({
  from: now,
  until: now,
  state: "unseen",
  hours: [],
  days: [],
});

/**
 * Enters the time since the last look as that look found it, and what has been found now. Of a gap that
 * is longer than `longestGapMs` only so much is known. A clock that was set back adds nothing.
 */
export function account(
  before: Uptime,
  state: UptimeState,
  { now, longestGapMs }: { readonly now: number; readonly longestGapMs: number },
): Uptime {
  const from = Math.min(before.from, now);
  if (now <= before.until) return { ...before, from, until: now, state };
  const hours = [...before.hours];
  // A clock that leaps by centuries must not keep us busy for as long.
  const start = Math.max(before.until, now - daysKept * dayMs);
  const known = Math.max(start, Math.min(now, before.until + longestGapMs));
  addTime(hours, before.state, start, known);
  addTime(hours, "unseen", known, now);
  return fold({ ...before, from, until: now, state, hours });
}

function addTime(hours: Stretch[], state: UptimeState, from: number, to: number): void {
  if (state === "up") return;
  for (let at = from; at < to;) {
    const hour = Math.floor(at / hourMs);
    const end = Math.min(to, (hour + 1) * hourMs);
    const ms = end - at;
    // A new one, or the last: only a clock that was set back comes to one before.
    const isNew = (hours.at(-1)?.[0] ?? -Infinity) < hour;
    const index = isNew ? -1 : hours.findLastIndex((stretch) => stretch[0] === hour);
    const [, down, unseen] = hours[index] ?? [hour, 0, 0];
    hours[index < 0 ? hours.length : index] =
      state === "down" ? [hour, down + ms, unseen] : [hour, down, unseen + ms];
    at = end;
  }
}

/** Puts hours that are long ago together into days, and forgets what is older than a year. */
function fold(uptime: Uptime): Uptime {
  const { until, hours } = uptime;
  const oldestHour = Math.floor(until / dayMs) * 24 - hoursKept + 24;
  const oldestDay = Math.floor(until / dayMs) - daysKept + 1;
  const isWhole = hours.every(([hour]) => hour >= oldestHour);
  if (isWhole && uptime.from >= oldestDay * dayMs) return uptime;
  const days = new Map(uptime.days.map((stretch) => [stretch[0], stretch]));
  for (const [hour, down, unseen] of hours) {
    if (hour >= oldestHour) continue;
    const day = Math.floor(hour / 24);
    const [, downBefore, unseenBefore] = days.get(day) ?? [day, 0, 0];
    days.set(day, [day, downBefore + down, unseenBefore + unseen]);
  }
  return {
    ...uptime,
    from: Math.max(uptime.from, oldestDay * dayMs),
    hours: hours.filter(([hour]) => hour >= oldestHour),
    days: [...days.values()].filter(([day]) => day >= oldestDay),
  };
}

export interface UptimeShare {
  /** Milliseconds in which it was known how the target was. */
  readonly seenMs: number;
  readonly downMs: number;
  /** Up of what was seen, from 0 to 1; null when nothing was. */
  readonly share: number | null;
}

/** Of the last `windowMs` before the last look. At the window's beginning an hour counts in part. */
export function uptimeOver(uptime: Uptime, windowMs: number): UptimeShare {
  const from = Math.max(uptime.from, uptime.until - windowMs);
  const all = [
    ...uptime.hours.map((stretch) => [stretch, hourMs] as const),
    ...uptime.days.map((stretch) => [stretch, dayMs] as const),
  ];
  let downMs = 0;
  let unseenMs = 0;
  for (const [[index, down, unseen], lengthMs] of all) {
    const begin = Math.max(index * lengthMs, uptime.from);
    const end = Math.min((index + 1) * lengthMs, uptime.until);
    const part = end > begin ? Math.min(1, Math.max(0, (end - from) / (end - begin))) : 0;
    // Time that a clock set back has given twice is there once.
    const length = Math.max(0, end - begin);
    const ofDown = Math.min(down, length);
    downMs += ofDown * part;
    unseenMs += Math.min(unseen, length - ofDown) * part;
  }
  const seenMs = Math.max(0, uptime.until - from - unseenMs);
  const share = seenMs > 0 ? Math.min(1, Math.max(0, 1 - downMs / seenMs)) : null;
  return { seenMs: Math.round(seenMs), downMs: Math.round(downMs), share };
}
