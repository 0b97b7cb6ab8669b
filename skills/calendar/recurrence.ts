import type ICAL from "ical.js";
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
    try {
      const iterator = new BoundedIterator({
        rule: library.Recur.fromData(near.rule),
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
        if (wall >= span.from) walls.push(wall);
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
      return super.expand_year_days(year);
    }
  };
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
