import type { Block } from "./blocks.ts";
import { readProperty, readRule, readTime } from "./properties.ts";
import { createRuleExpander, createWorkBudget } from "./recurrence.ts";
import type { IcalLibrary, WorkBudget } from "./recurrence.ts";
import type { Zone } from "./zones.ts";
import { dayMs } from "./zones.ts";

interface Transition {
  /** The instant from which on the offset holds. */
  readonly at: number;
  readonly offset: number;
  readonly before: number;
}

const workPerZone = 4_000;
const mostTransitions = 2_000;

/**
 * The zone that a VTIMEZONE defines, right for instants between `from` and `to`.
 * @throws Error when the definition makes no sense, WorkLimitError when it never ends.
 */
export function zoneOfBlock(
  library: IcalLibrary,
  block: Block,
  span: { readonly from: number; readonly to: number },
  work: WorkBudget,
): Zone {
  const budget = createWorkBudget(workPerZone, work);
  const transitions = block.blocks
    .flatMap((observance) => transitionsOf(library, observance, span, budget))
    .sort((one, other) => one.at - other.at);
  const first = transitions[0];
  if (!first) throw new Error("the time zone has no offset");
  return {
    name: tzidOf(block) ?? "",
    offsetAt(instant) {
      let low = 0;
      let high = transitions.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((transitions[middle] as Transition).at <= instant) low = middle + 1;
        else high = middle;
      }
      return low === 0 ? first.before : (transitions[low - 1] as Transition).offset;
    },
  };
}

export function tzidOf(block: Block): string | undefined {
  const line = block.properties.find((property) => property.name === "TZID")?.text;
  return line?.slice(line.indexOf(":") + 1).trim();
}

function transitionsOf(
  library: IcalLibrary,
  block: Block,
  span: { readonly from: number; readonly to: number },
  budget: WorkBudget,
): Transition[] {
  const values = (name: string): unknown[] =>
    block.properties
      .filter((property) => property.name === name)
      .flatMap((property) => readProperty(library, property.text).values);
  const start = readTime(values("DTSTART")[0]).wall;
  const before = readUtcOffset(values("TZOFFSETFROM")[0]);
  const offset = readUtcOffset(values("TZOFFSETTO")[0]);
  const walls = [start, ...values("RDATE").map((value) => readTime(value).wall)];
  const expandRule = createRuleExpander(library);
  for (const value of values("RRULE")) {
    const { rule, until } = readRule(value);
    const lastWall = !until ? span.to : until.isUtc ? until.wall + before : until.wall;
    // Two years back are enough to know which offset held when the span began; when the rule had
    // ended by then, its last years are.
    const to = Math.min(span.to, lastWall) + dayMs;
    const from = Math.min(span.from, to) - 800 * dayMs;
    const expanded = expandRule(rule, { start, isDate: false, from, to }, budget);
    walls.push(...expanded.filter((wall) => wall <= lastWall));
  }
  if (walls.length > mostTransitions) throw new Error("the time zone changes too often");
  return walls.map((wall) => ({ at: wall - before, offset, before }));
}

function readUtcOffset(value: unknown): number {
  const match =
    typeof value === "string" ? /^([+-])(\d\d):?(\d\d)(?::?(\d\d))?$/.exec(value) : null;
  if (!match) throw new Error("the time zone has an offset that is none");
  const seconds = Number(match[2]) * 3_600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  if (seconds >= 86_400) throw new Error("the time zone has an offset that is none");
  return (match[1] === "-" ? -seconds : seconds) * 1_000;
}
