import type ICAL from "ical.js";
import { withoutLimits } from "./rule-limits.ts";
import { dayMs } from "./zones.ts";

export type IcalLibrary = typeof ICAL;

/** A rule did more work than any real calendar asks for. */
export class WorkLimitError extends Error {}

/** Work that expanding may still do. One unit is about one turn of a rule, 5 to 40 µs. */
export interface WorkBudget {
  /** @throws WorkLimitError when nothing is left. */
  spend(units: number): void;
}

/** A part of a larger budget: what it spends, the larger one has spent too. */
export function createWorkBudget(units: number, parent?: WorkBudget): WorkBudget {
  let left = units;
  return {
    spend(count) {
      parent?.spend(count);
      left -= count;
      if (left < 0) throw new WorkLimitError("it repeats too often or its rule never matches");
    },
  };
}

/** A recurrence rule as ical.js takes it, without UNTIL, which needs the event's zone. */
export type RuleData = Readonly<Record<string, unknown>> & {
  readonly freq: string;
  readonly interval?: number;
  readonly count?: number;
};

export interface RuleSpan {
  /** Wall time of DTSTART. */
  readonly start: number;
  readonly isDate: boolean;
  /** Wall times between which occurrences are wanted. */
  readonly from: number;
  readonly to: number;
}

/** Makes the function that expands one rule to wall times; ical.js comes in so that it loads late. */
export function createRuleExpander(library: IcalLibrary) {
  const BoundedIterator = createBoundedIterator(library);

  /**
   * @returns the wall times of a rule from `span.from` to `span.to`, in order.
   * @throws WorkLimitError when the budget is spent; Error when the rule makes no sense.
   */
  return function expandRule(rule: RuleData, span: RuleSpan, budget: WorkBudget): number[] {
    const near = fastForward(rule, span.start, span.from);
    if (!near) return [];
    const walls: number[] = [];
    const { count = Number.POSITIVE_INFINITY, ...endless } = near.rule;
    const { rule: asked, fits } = withoutLimits(endless);
    let found = 0;
    let last = Number.NEGATIVE_INFINITY;
    try {
      const iterator = new BoundedIterator({
        rule: library.Recur.fromData(asked),
        dtstart: timeOfWall(library, near.start, span.isDate),
        budget,
        lastYear: new Date(span.to).getUTCFullYear() + 1,
      });
      for (;;) {
        const time = iterator.next() as ReturnType<typeof iterator.next> | null;
        if (!time) break;
        const wall = wallOfTime(time);
        if (!Number.isFinite(wall) || wall > span.to) break;
        budget.spend(1);
        if (wall <= last || !fits(wall)) continue;
        last = wall;
        found += 1;
        if (wall >= span.from) walls.push(wall);
        if (found >= count) break;
      }
    } catch (error) {
      if (!(error instanceof PastLastYear)) throw error;
    }
    return walls;
  };
}

const unitMs: Readonly<Record<string, number>> = {
  SECONDLY: 1_000,
  MINUTELY: 60_000,
  HOURLY: 3_600_000,
  DAILY: dayMs,
  WEEKLY: 7 * dayMs,
};

/**
 * Moves the start of a rule by whole periods to shortly before `from`, so that a daily meeting of
 * ten years ago need not be counted through. The occurrences from `from` on are the same.
 * @returns undefined when the rule has ended before.
 */
export function fastForward(
  rule: RuleData,
  start: number,
  from: number,
): { rule: RuleData; start: number } | undefined {
  const interval = rule.interval ?? 1;
  const hasParts = Object.keys(rule).some((key) => /^by/i.test(key));
  const unit = unitMs[rule.freq];
  if (unit !== undefined) {
    const periods = Math.floor((from - start) / (unit * interval)) - 1;
    if (periods <= 0) return { rule, start };
    const near = start + periods * unit * interval;
    if (rule.count === undefined) return { rule, start: near };
    // Only where each period has exactly one occurrence is it known how many of COUNT are used up.
    if (hasParts) return { rule, start };
    const count = rule.count - periods;
    return count > 0 ? { rule: { ...rule, count }, start: near } : undefined;
  }
  if (rule.count !== undefined) return { rule, start };
  const date = new Date(start);
  const years = new Date(from).getUTCFullYear() - date.getUTCFullYear();
  // The day of the month is that of DTSTART unless the rule says so: keep days that months lack.
  if (rule.freq === "YEARLY" && date.getUTCDate() <= 28 && !("byweekno" in rule)) {
    const periods = Math.floor(years / interval) - 1;
    if (periods > 0) date.setUTCFullYear(date.getUTCFullYear() + periods * interval);
  } else if (rule.freq === "MONTHLY" && date.getUTCDate() <= 28) {
    const months = years * 12 + new Date(from).getUTCMonth() - date.getUTCMonth();
    const periods = Math.floor(months / interval) - 1;
    if (periods > 0) date.setUTCMonth(date.getUTCMonth() + periods * interval);
  }
  return { rule, start: date.getTime() };
}

/** Nothing more can come within what is wanted. */
class PastLastYear extends Error {}

/**
 * ical.js looks for the next match for as long as it takes, which can be for ever
 * (BYMONTHDAY=30;BYMONTH=2). Every one of its loops passes one of these methods.
 */
function createBoundedIterator(library: IcalLibrary) {
  const { RecurIterator } = library;
  type Options = ConstructorParameters<typeof RecurIterator>[0] & {
    budget: WorkBudget;
    lastYear: number;
  };
  return class BoundedIterator extends RecurIterator {
    // Set by fromData, which the base constructor calls before initializers here would run.
    declare budget: WorkBudget;
    declare lastYear: number;
    declare contracts: boolean;

    constructor(options: Options) {
      super(options);
    }

    override fromData(options: Options): void {
      this.budget = options.budget;
      this.lastYear = options.lastYear;
      const indexes: Readonly<Record<string, number>> = RecurIterator._indexMap;
      const effects: Readonly<Record<string, number[]>> = RecurIterator._expandMap;
      const parts = Object.keys(options.rule.parts);
      this.contracts = parts.some((part) => {
        const index = indexes[part];
        const effect = index === undefined ? undefined : effects[options.rule.freq]?.[index];
        return effect === RecurIterator.CONTRACT;
      });
      super.fromData(options);
    }

    work(units: number): void {
      this.budget.spend(units);
      // NaN, from a hostile INTERVAL, is never past any year.
      if (!(this.last.year <= this.lastYear)) throw new PastLastYear();
    }

    override check_contracting_rules(): boolean {
      this.work(1);
      return !this.contracts || super.check_contracting_rules();
    }
    override increment_month(): void {
      this.work(1);
      super.increment_month();
    }
    override increment_monthday(days: number): void {
      this.work(days / 20);
      super.increment_monthday(days);
    }
    override increment_year(years: number): void {
      this.work(1);
      super.increment_year(years);
    }
    override expand_year_days(year: number): number {
      this.work(2);
      const { BYDAY, ...others } = this.rule.parts as YearParts;
      const { BYWEEKNO, BYMONTH, BYMONTHDAY } = others;
      // ical.js takes weeks for all weeks, and the last day of one month for that of the others.
      const isOurs = BYWEEKNO ?? (BYMONTH && BYMONTHDAY && !BYDAY);
      if (!isOurs) return super.expand_year_days(year);
      this.work(20);
      const named = BYDAY?.map((text) => this.ruleDayOfWeek(text)[1] as number);
      const weekdays = named ?? (BYWEEKNO ? [this.dtstart.dayOfWeek()] : undefined);
      const days = daysOfYear(year, { ...others, weekdays, firstDay: this.rule.wkst });
      // Private in its types only; each of its own ways to fill it assigns it too.
      Reflect.set(this, "days", days);
      return 0;
    }
    /** ical.js reads one digit of the ordinal only: `20MO` came out as every Monday. */
    override ruleDayOfWeek(text: string, weekStart?: WeekStart): number[] {
      const match = /^([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)$/.exec(text);
      const day = match?.[2];
      if (day === undefined) return [0, 0];
      return [Number(match?.[1] ?? 0), library.Recur.icalDayToNumericDay(day, weekStart)];
    }
  };
}

type WeekStart = Parameters<ICAL.RecurIterator["ruleDayOfWeek"]>[1];

interface YearParts {
  readonly BYDAY?: readonly string[];
  readonly BYWEEKNO?: readonly number[];
  readonly BYMONTH?: readonly number[];
  readonly BYMONTHDAY?: readonly number[];
}

/** The days of a year, from 1, that all parts of a rule allow; weekdays count from Sunday, 1. */
function daysOfYear(
  year: number,
  parts: Omit<YearParts, "BYDAY"> & {
    readonly weekdays: readonly number[] | undefined;
    readonly firstDay: number;
  },
): number[] {
  const { BYWEEKNO, BYMONTH, BYMONTHDAY, weekdays, firstDay } = parts;
  const first = Date.UTC(year, 0, 1);
  const count = Math.round((Date.UTC(year + 1, 0, 1) - first) / dayMs);
  const fits = (index: number): boolean => {
    const date = new Date(first + index * dayMs);
    if (weekdays && !weekdays.includes(date.getUTCDay() + 1)) return false;
    if (BYMONTH && !BYMONTH.includes(date.getUTCMonth() + 1)) return false;
    if (BYMONTHDAY) {
      const month = Date.UTC(year, date.getUTCMonth() + 1, 0);
      const fromEnd = date.getUTCDate() - new Date(month).getUTCDate() - 1;
      if (!BYMONTHDAY.includes(date.getUTCDate()) && !BYMONTHDAY.includes(fromEnd)) return false;
    }
    if (!BYWEEKNO) return true;
    const { week, weekYear } = weekOf(date.getTime(), firstDay);
    // The 28th of December is always in the last week.
    const weeks = weekOf(Date.UTC(weekYear, 11, 28), firstDay).week;
    return BYWEEKNO.includes(week) || BYWEEKNO.includes(week - weeks - 1);
  };
  return Array.from({ length: count }, (_, index) => index)
    .filter(fits)
    .map((index) => index + 1);
}

/** A week belongs to the year that has four of its days, so its fourth day tells. */
function weekOf(day: number, firstDay: number): { week: number; weekYear: number } {
  const weekday = new Date(day).getUTCDay() + 1;
  const fourth = day + (3 - ((weekday - firstDay + 7) % 7)) * dayMs;
  const weekYear = new Date(fourth).getUTCFullYear();
  return { week: Math.floor((fourth - Date.UTC(weekYear, 0, 1)) / dayMs / 7) + 1, weekYear };
}

function timeOfWall(library: IcalLibrary, wall: number, isDate: boolean): ICAL.Time {
  const date = new Date(wall);
  const day = {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
  };
  const clock = {
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
  return new library.Time(
    isDate ? { ...day, isDate } : { ...day, ...clock, isDate },
    library.Timezone.localTimezone,
  );
}

const wallOfTime = (time: ICAL.Time): number =>
  Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
