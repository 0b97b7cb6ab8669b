/**
 * When the owner is reminded of what stays open. A critical finding interrupts again at growing
 * distances; a warning is one line in a digest, once on a day of the owner's.
 */
import { type ClockRange, isWithin, nextEnd, nextTimeOfDay } from "./active-hours.ts";
import { nextDigest, type Route, type RouteInput } from "./attention.ts";
import { formatDuration } from "./duration.ts";
import { severityRank, type Finding } from "./finding.ts";
import { ordinal, type Telling } from "./telling.ts";
import { formatTimeOfDay } from "./zoned-time.ts";

const hourMs = 3_600_000;
/** From one word to the next: 1, 3, 9 and 24 hours after the first one, then daily. */
const gapsMs = [hourMs, 2 * hourMs, 6 * hourMs, 15 * hourMs, 24 * hourMs];

/** An open finding with what was told of it, in the order in which it was told. */
export interface ToldFinding {
  readonly finding: Finding;
  readonly tellings: readonly Telling[];
}

export interface ReminderClock {
  readonly now: number;
  readonly timezone: string;
  readonly quietHours: ClockRange | null;
  readonly digestAt: string | readonly string[];
}

export interface Reminder {
  /** `now` or earlier when it is due. */
  readonly at: number;
  /** The how manieth since it was last news. */
  readonly step: number;
  readonly why: string;
}

/** When the owner last heard of it, or null when never. */
function lastSaidAt({ finding, tellings }: ToldFinding): number | null {
  // Of findings that were told before tellings were kept only the revision is known.
  return tellings.at(-1)?.at ?? (finding.toldRevision > 0 ? finding.changedAt : null);
}

/** How often the owner has heard of it. */
export const timesSaid = ({ finding, tellings }: ToldFinding): number =>
  Math.max(tellings.length, finding.toldRevision > 0 ? 1 : 0);

const isQuiet = ({ status, revision, handledRevision }: Finding): boolean =>
  status !== "open" || revision > handledRevision;

/**
 * The next reminder of a critical finding. The first one passes quiet hours, the others wait for their
 * end. Whatever time has gone by, it is one.
 * @returns null when there is none: never told, acknowledged, put off, over, or not judged yet
 */
export function nextReminder(told: ToldFinding, clock: ReminderClock): Reminder | null {
  const { now, timezone, quietHours } = clock;
  const last = lastSaidAt(told);
  if (told.finding.severity !== "critical" || isQuiet(told.finding) || last === null) return null;
  const step = remindersSinceNews(told.tellings) + 1;
  const gap = gapOf(step);
  // A word from far ahead was written by a clock that was set back: better early than never.
  const due = last > now + gap ? now : last + gap;
  const when = Math.max(due, now);
  const waits = step > 1 && quietHours !== null && isWithin(quietHours, when, timezone);
  const at = waits ? (nextEnd(quietHours, when, timezone) ?? when) : due;
  const next = formatDuration(gapOf(step + 1));
  const why = `critical and still open: ${ordinal(step)} reminder, the next one in ${next} unless you acknowledge it`;
  return { at, step, why };
}

/** Whether a reminder that is due interrupts. It is an interruption like others, and the day's cap holds it. */
export function routeReminder({
  now,
  timezone,
  digestAt,
  interruptionsToday,
  interruptionsPerDay,
}: Omit<RouteInput, "verdict" | "severity" | "quietHours">): Exclude<Route, { kind: "log" }> {
  if (interruptionsToday < interruptionsPerDay) return { kind: "now", why: "critical, still open" };
  const at = nextDigest(digestAt, now, timezone);
  const why = `a reminder above interruptionsPerDay (${interruptionsPerDay}): waits for the digest at ${formatTimeOfDay(at, timezone)}`;
  return { kind: "digest", at, because: "cap", why };
}

const gapOf = (step: number): number => gapsMs[Math.min(step, gapsMs.length) - 1] ?? hourMs;

/** What was said at once since it opened or got worse, that word itself not counted. */
function remindersSinceNews(tellings: readonly Telling[]): number {
  let count = 0;
  let worst = -1;
  for (const { kind, state, severity } of tellings) {
    const rank = severityRank(severity);
    if (kind === "told" && (state === "opened" || rank > worst)) count = 0;
    else if (kind !== "digest") count += 1;
    worst = Math.max(worst, rank);
  }
  return count;
}

/** When the first of the warnings is said to be still open, or null; reads one clock however many there are. */
export function firstStillOpenAt(
  all: readonly ToldFinding[],
  clock: Omit<ReminderClock, "quietHours">,
): number | null {
  let first: ToldFinding | null = null;
  let firstSaidAt = Infinity;
  for (const told of all) {
    const last = lastSaidAt(told);
    if (isQuiet(told.finding) || last === null || last >= firstSaidAt) continue;
    [first, firstSaidAt] = [told, last];
  }
  return first && stillOpenAt(first, clock);
}

/**
 * The digest in which a warning is said to be still open: the first one of the first day of the owner's
 * on which nothing was said of it.
 * @returns null when there is none
 */
export function stillOpenAt(
  told: ToldFinding,
  { now, timezone, digestAt }: Omit<ReminderClock, "quietHours">,
): number | null {
  const last = lastSaidAt(told);
  if (told.finding.severity !== "warning" || isQuiet(told.finding) || last === null) return null;
  const nextDay = nextTimeOfDay("00:00", Math.min(last, now), timezone);
  return nextDigest(digestAt, nextDay - 1, timezone);
}
