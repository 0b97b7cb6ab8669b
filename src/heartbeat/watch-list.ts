import { describeError } from "../domain/errors.ts";
import { describeSchedule, nextDue } from "../domain/schedule.ts";
import type { Clock } from "../domain/clock.ts";
import type { Scrub } from "../domain/scrub.ts";
import { ordersCheck, ordersSkill } from "../domain/standing-orders.ts";
import { ownerFileMark, standingOrdersFile } from "../memory/owner-file.ts";
import type { LoadedCheck } from "../skills/load.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import type { WatchedCheck } from "./beat.ts";
import { watchedChecks } from "./heartbeat.ts";
import { readTimedOrders, type TimedOrders } from "./timed-orders.ts";

/** All that is looked at: the checks of the skills, and the owner's timed orders as their file says now. */

export interface WatchList {
  readonly checks: readonly LoadedCheck[];
  /** Follows the file; never rejects. @returns the checks with what is known of each */
  refresh(): Promise<readonly WatchedCheck[]>;
}

export interface WatchListDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly scrub: Scrub;
  readonly stateDir: string;
  readonly slackMs: number;
  /** Skills that cannot be used at present: what is known of their checks stays. */
  readonly brokenSkills: readonly string[];
  /** Checks that nobody waits for: their first look is at their hour too. */
  readonly unhurried: ReadonlySet<LoadedCheck>;
}

/** Who is still writing is not looked over the shoulder. */
const restMs = 30_000;

export async function openWatchList(
  ofSkills: readonly LoadedCheck[],
  dependencies: WatchListDependencies,
): Promise<WatchList> {
  const { store, clock, log, scrub, stateDir, slackMs, brokenSkills, unhurried } = dependencies;
  let checks: readonly LoadedCheck[] = [];
  let watched: readonly WatchedCheck[] = [];
  let problems: readonly string[] = [];
  // At the start in any case: they may have been mended while nobody was there to see it.
  let tellProblemsAt: number | null = clock.now();
  let mark = markNow();
  await take(await readTimedOrders(stateDir, scrub), 0);
  await attempt(tellProblems);

  function markNow(): string {
    return ownerFileMark(stateDir, standingOrdersFile);
  }

  /** @param rest how long what is new is left alone */
  async function take(read: TimedOrders, rest: number): Promise<void> {
    const at = clock.now();
    // What cannot be read is no word that an order is off.
    const orders = read.isRead
      ? read.checks
      : watched.flatMap(({ check }) => (check.skill === ordersSkill ? check : []));
    const all = [...ofSkills, ...orders];
    const records = await store.registerChecks(
      all.map((check) => ({
        name: check.name,
        skill: check.skill,
        schedule: describeSchedule(check.schedule),
        ...(unhurried.has(check) && { firstDueAt: nextDue(check.schedule, at, 0) }),
      })),
      { at, keepSkills: read.isRead ? brokenSkills : [...brokenSkills, ordersSkill] },
    );
    const known = new Map(watched.map((each) => [each.check.name, each]));
    watched = watchedChecks(all, records, slackMs).map((each) => {
      const before = known.get(each.check.name);
      if (before && isSameSchedule(before.check, each.check)) return before;
      if (rest === 0) return each;
      // Time in which nobody ordered it was not missed.
      const nextDueAt = Math.max(each.health.nextDueAt ?? 0, at + rest);
      return { ...each, health: { ...each.health, nextDueAt } };
    });
    checks = all;
    if (read.problems.join("\n") !== problems.join("\n")) {
      problems = read.problems;
      tellProblemsAt = at + rest;
    }
  }

  async function tellProblems(): Promise<void> {
    const at = clock.now();
    if (tellProblemsAt === null || tellProblemsAt > at) return;
    const finding = { check: ordersCheck, key: standingOrdersFile, at };
    const [first] = problems;
    if (first === undefined) await store.resolveOwnFinding(finding);
    else {
      const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
      const title = `${standingOrdersFile}, ${first}${more}`;
      await store.setOwnFinding({
        ...finding,
        severity: "notice",
        title,
        text: problems.join("\n"),
      });
      log.warn({ problems }, `${standingOrdersFile} is not understood as a whole`);
    }
    tellProblemsAt = null;
  }

  async function follow(): Promise<void> {
    const now = markNow();
    if (now !== mark) {
      await take(await readTimedOrders(stateDir, scrub), restMs);
      mark = now;
    }
    await tellProblems();
  }

  /** Trouble with the orders must not keep the checks from looking. */
  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.error({ error: describeError(error) }, `${standingOrdersFile} could not be followed`);
    }
  }

  let following = Promise.resolve();
  return {
    get checks() {
      return checks;
    },
    async refresh() {
      following = following.then(() => attempt(follow));
      await following;
      return watched;
    },
  };
}

const isSameSchedule = (a: LoadedCheck, b: LoadedCheck): boolean =>
  describeSchedule(a.schedule) === describeSchedule(b.schedule);
