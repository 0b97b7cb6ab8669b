import { chmod, mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../domain/clock.ts";
import { describeError, isMissing } from "../domain/errors.ts";
import type { Scrub } from "../domain/scrub.ts";
import { instantOfWallClock, startOf, wallClockAt } from "../domain/zoned-time.ts";
import type { StoreReader } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import { dailyPage, isEmptyDay, unfinishedLine } from "./daily-page.ts";

/**
 * `memory/YYYY-MM-DD.md` in the state directory: each day as a page to read. A page is a rendering of what
 * the store holds of its day, put in the place of the one before: killed anywhere, it is whole, and the next
 * one is the same. One whose day is over is the owner's, and is never written again.
 */

export interface DailyLog {
  /** A beat has ended: with news the page is due. Returns at once. */
  beat(hasNews: boolean): void;
  /** Something else than a beat has ended, such as a run. */
  note(): void;
  /** Resolves when what is being written stands, or cannot be written. */
  written(): Promise<void>;
  /** Writes what is due, whenever the last time was; resolves when it stands, or cannot be written. */
  flush(): Promise<void>;
}

export interface DailyLogDependencies {
  readonly store: Pick<StoreReader, "dayRecord">;
  readonly stateDir: string;
  readonly timezone: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly scrub: Scrub;
}

/** A stormy day must not become a page a second: what comes sooner waits for the next beat. */
const restMs = 30_000;
/** So long after midnight a day is finished: what began before then has ended. */
const graceMs = 10 * 60_000;
/** Days without a daemon that the next one still writes. */
const mostDaysBack = 7;
/** Of each kind; the store has the rest. */
const mostRows = 300;
const pageName = /^(\d{4}-\d\d-\d\d)\.md$/;
/** A day is finished within the one after it. */
const mostAheadMs = 50 * 60 * 60_000;
/** Somewhere within a day, however long the clocks make it. */
const halfDayMs = 12 * 60 * 60_000;

export function createDailyLog(dependencies: DailyLogDependencies): DailyLog {
  const { clock, log, timezone } = dependencies;
  const folder = join(dependencies.stateDir, "memory");
  // A daemon before may have been killed before it wrote what it knew.
  let isDue = true;
  let writtenAt = -Infinity;
  /** When the days before are to be finished; at the first beat whatever a daemon before has left. */
  let finishAt = -Infinity;
  let writing: Promise<void> = Promise.resolve();
  let isWriting = false;
  let isFailing = false;

  function write(): void {
    if (isWriting) return;
    isWriting = true;
    writing = turn().finally(() => {
      isWriting = false;
    });
  }

  async function turn(): Promise<void> {
    // The beat that was told of has ended before anything is read.
    await nextTurn();
    const now = clock.now();
    const today = startOf("day", now, timezone);
    const hasNews = isDue;
    isDue = false;
    writtenAt = now;
    try {
      if (isTimeToFinish(now)) {
        const isEarly = now < today + graceMs;
        await finishBefore(isEarly ? dayBefore(today) : today, nameOf(today));
        finishAt = (isEarly ? today : dayAfter(today)) + graceMs;
      }
      if (hasNews) await put(today, false);
      if (isFailing) log.info({ folder }, "the daily log is written again");
      isFailing = false;
    } catch (error) {
      isDue ||= hasNews;
      if (!isFailing) log.warn({ error: describeError(error) }, "the daily log cannot be written");
      isFailing = true;
    }
  }

  /** So far ahead it was set by a clock that was set back since. */
  const isTimeToFinish = (now: number): boolean => now >= finishAt || finishAt > now + mostAheadMs;
  const dayAfter = (day: number): number => startOf("day", day + 3 * halfDayMs, timezone);
  const dayBefore = (day: number): number => startOf("day", day - halfDayMs, timezone);

  /** Finishes the pages that are there, and adds those that are newer than any: none that was taken away. */
  async function finishBefore(end: number, today: string): Promise<void> {
    const names = (await pages()).filter((name) => name <= today);
    const newest = names.at(-1);
    const days: number[] = [];
    for (let day = dayBefore(end); days.length < mostDaysBack; day = dayBefore(day)) days.push(day);
    const wanted = days.filter((day) => {
      const name = nameOf(day);
      return names.includes(name) || newest === undefined || name > newest;
    });
    const [oldest = end] = wanted.slice(-1);
    // A daemon that was away for longer left its last page in the middle of its day.
    if (newest !== undefined && newest < nameOf(oldest)) wanted.push(dayOf(newest));
    for (const day of wanted) await put(day, true);
  }

  async function pages(): Promise<string[]> {
    try {
      return (await readdir(folder)).filter((name) => pageName.test(name)).toSorted();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  const nameOf = (day: number): string =>
    `${new Date(wallClockAt(day, timezone)).toISOString().slice(0, 10)}.md`;

  const dayOf = (name: string): number =>
    instantOfWallClock(Date.parse(`${name.slice(0, 10)}T00:00:00Z`), timezone);

  async function put(day: number, isOver: boolean): Promise<void> {
    const path = join(folder, nameOf(day));
    const before = await readPage(path);
    if (before !== undefined && before.trimEnd().split("\n").at(-1) !== unfinishedLine) return;
    const query = { from: day, to: dayAfter(day), limit: mostRows };
    const record = await dependencies.store.dayRecord(query);
    if (isEmptyDay(record)) return;
    const page = dependencies.scrub(dailyPage({ record, from: day, timezone, isOver }));
    if (page !== before) await replace(path, page);
  }

  async function replace(path: string, text: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const beside = join(folder, ".page.part");
    try {
      {
        await using file = await open(beside, "w", 0o600);
        await file.writeFile(text);
        await file.sync();
      }
      await rename(beside, path);
    } catch (error) {
      await unlink(beside).catch(() => undefined);
      throw error;
    }
  }

  return {
    beat(hasNews) {
      isDue ||= hasNews;
      const now = clock.now();
      // A clock that was set back must not silence it.
      const isRested = now >= writtenAt + restMs || now < writtenAt;
      if (isRested && (isDue || isTimeToFinish(now))) write();
    },
    note() {
      isDue = true;
    },
    written: () => writing,
    async flush() {
      await writing;
      if (!isDue) return;
      write();
      await writing;
    },
  };
}

async function readPage(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
