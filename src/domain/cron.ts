/** Cron expressions in a time zone, through croner. */
import { Cron } from "croner";
import { isTimezone } from "./zoned-time.ts";

const longestExpression = 200;
const longestShown = 40;
const mostRemembered = 1_000;
/** The last instant that a Date can hold: the clock is beyond all reason. */
const never = 8.64e15;

interface RememberedCron {
  readonly cron: Cron;
  /** No time of the expression lies after `after` and before `next`. */
  after: number;
  next: number;
}

// Parsing and the zone arithmetic are dear (70 µs a time), and checks ask for the same again.
const remembered = new Map<string, RememberedCron>();

/** What is wrong with the expression, in words for its author; undefined when nothing is. */
export function cronProblem(expression: string, timezone: string): string | undefined {
  const text = expression.trim();
  const shown = text.slice(0, longestShown);
  if (!isTimezone(timezone))
    return `"${timezone}" is not a time zone; write one such as "Europe/Berlin"`;
  const fields = text.split(/\s+/).length;
  // Croner would read a date here, as a time that comes once.
  const readable = /^@[a-z]+$/i.test(text) || fields === 5 || fields === 6;
  if (!readable || text.length > longestExpression) {
    return `"${shown}" is not a cron expression; write five fields, such as "30 7 * * 1-5"`;
  }
  try {
    const first = newCron(text, timezone).nextRun(new Date(0));
    return first ? undefined : `"${shown}" names a date that never comes`;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Cron\w+: /, "") : "unreadable";
    return `"${shown}" is not a cron expression: ${reason}`;
  }
}

/**
 * The first time of the expression strictly after the instant. A time of day that the clocks are
 * set forward over comes at the change; one that they are set back over comes once.
 */
export function nextCronTime(expression: string, timezone: string, after: number): number {
  const key = `${timezone} ${expression}`;
  let entry = remembered.get(key);
  if (!entry) {
    if (remembered.size >= mostRemembered) remembered.clear();
    entry = { cron: newCron(expression, timezone), after: 0, next: 0 };
    remembered.set(key, entry);
  }
  if (after < entry.after || after >= entry.next) {
    entry.next = entry.cron.nextRun(new Date(after))?.getTime() ?? never;
    entry.after = after;
  }
  return entry.next;
}

/** The shortest time that can lie between two times of the expression. */
export const shortestCronGapMs = (expression: string): number =>
  expression.trim().split(/\s+/).length === 6 ? 1_000 : 60_000;

function newCron(expression: string, timezone: string): Cron {
  return new Cron(expression.trim(), {
    timezone,
    mode: "5-or-6-parts",
    // Lists of hours are times of day too, not only single ones.
    fixedTimeRule: "no-wildcard",
    paused: true,
  });
}
