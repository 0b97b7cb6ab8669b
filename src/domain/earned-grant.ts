import {
  asRecord,
  conditionsOf,
  decide,
  kindOf,
  reachOf,
  sinceLastAgainst,
} from "./alike-calls.ts";
import { testimonyOf, type AnsweredCall } from "./answered-call.ts";
import type { Grant, ToolEffect } from "./policy.ts";
import { argumentSchemas, schemaReaches } from "./reach.ts";
import { startOf } from "./zoned-time.ts";

/**
 * Grants that the owner's own word has earned: the same kind of call, approved as it was asked again and again.
 * They are only suggested. What counts as the same kind is decided by what the tool's code looked up and by who
 * is reached; anything against one of the kind begins its count anew.
 */

/** A tool as it is now. */
export interface StandingTool {
  readonly version: string;
  /** `depends`: on its arguments. */
  readonly effect: ToolEffect | "depends";
  readonly harmless: boolean;
  /** JSON Schema of its arguments. */
  readonly schema: unknown;
  /** Why no grant is to be suggested for it, whatever was approved. */
  readonly never?: string;
}

export interface EarnedGrantInput {
  readonly calls: readonly AnsweredCall[];
  readonly tools: ReadonlyMap<string, StandingTool>;
  /** Those that the owner has given. */
  readonly grants: readonly Grant[];
  /** How many approvals it takes. */
  readonly after: number;
  /** Of the owner, in which days are counted. */
  readonly timezone: string;
}

export interface EarnedGrant {
  readonly grant: Grant;
  readonly effect: ToolEffect;
  /** Ids of the approvals that earned it, oldest first. */
  readonly approvals: readonly number[];
  readonly since: number;
  readonly last: number;
  /** How many of them were asked by runs that had read what a stranger could have written. */
  readonly untrusted: number;
  readonly mostPerDay: number;
  /** Arguments that may be anything. */
  readonly free: readonly string[];
}

/** Approvals that have earned nothing, or not yet. */
export interface UnearnedGrant {
  readonly tool: string;
  /** That count. */
  readonly approvals: number;
  readonly why: string;
}

type Judged =
  | { readonly kind: "earned"; readonly earned: EarnedGrant }
  | { readonly kind: "unearned"; readonly unearned: UnearnedGrant };

const highestCap = 50;

export function earnedGrants(input: EarnedGrantInput): {
  readonly earned: readonly EarnedGrant[];
  readonly unearned: readonly UnearnedGrant[];
} {
  const earned: EarnedGrant[] = [];
  const unearned: UnearnedGrant[] = [];
  const byTool = Map.groupBy(
    input.calls.toSorted((a, b) => a.decidedAt - b.decidedAt || a.id - b.id),
    ({ tool }) => tool,
  );
  for (const [tool, calls] of [...byTool].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const judged of judgeTool(tool, calls, input)) {
      if (judged.kind === "earned") earned.push(judged.earned);
      else unearned.push(judged.unearned);
    }
  }
  return { earned, unearned };
}

function judgeTool(
  name: string,
  calls: readonly AnsweredCall[],
  input: EarnedGrantInput,
): readonly Judged[] {
  const good = calls.filter((call) => testimonyOf(call).kind === "for");
  const no = (why: string, approvals = good.length): Judged[] => [
    { kind: "unearned", unearned: { tool: name, approvals, why } },
  ];
  if (good.length === 0) return [];
  const tool = input.tools.get(name);
  if (!tool) return no("the tool is not loaded");
  if (tool.effect === "destroy") return no("it cannot be undone: you are always asked");
  if (tool.never !== undefined) return no(tool.never);
  if (tool.effect === "depends") {
    return no("what it does depends on its arguments: a grant would cover more than you approved");
  }
  // Allowed by itself by now.
  if (tool.effect === "read" || (tool.effect === "write" && tool.harmless)) return [];
  const current = good.filter(
    ({ toolVersion, effect }) => toolVersion === tool.version && effect === tool.effect,
  );
  if (current.length === 0) return no("the tool has changed since you approved them", 0);
  const known = current.filter(({ facts }) => facts !== null);
  if (known.length === 0) return no("what they were about was not kept, or not known", 0);

  const groups = Map.groupBy(known, kindOf);
  const judged = [...groups.values()].map((group) =>
    judgeGroup({ name, tool, group, calls, input }),
  );
  const isFew = (each: Judged): boolean =>
    each.kind === "unearned" && each.unearned.approvals < input.after;
  const few = judged.filter(isFew);
  if (few.length < 2) return judged;
  // Many kinds with a few approvals each are one line.
  const counts = few.map((each) => (each.kind === "unearned" ? each.unearned.approvals : 0));
  const names = [...new Set(known.flatMap((call) => [...reachOf(call).keys()]))];
  const why = `${quotedNames(names)} was not the same each time; for one at most ${Math.max(...counts)} of ${input.after} approvals so far`;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return [...judged.filter((each) => !isFew(each)), ...no(why, total)];
}

interface Group {
  readonly name: string;
  readonly tool: StandingTool;
  /** Approved calls of one kind, oldest first. */
  readonly group: readonly AnsweredCall[];
  /** All calls of the tool. */
  readonly calls: readonly AnsweredCall[];
  readonly input: EarnedGrantInput;
}

function judgeGroup({ name, tool, group, calls, input }: Group): Judged {
  const { after } = input;
  const { evidence, undoing } = sinceLastAgainst(group, calls);
  const no = (why: string, approvals = evidence.length): Judged => ({
    kind: "unearned",
    unearned: { tool: name, approvals, why },
  });
  const since = undoing ? ` since approval ${undoing.id} was ${undoing.how}` : "";
  const few = (count: number, where = "") =>
    no(`${count} of ${after} approvals so far${where}${since}`, count);
  if (evidence.length < after) return few(evidence.length);

  const untrusted = evidence.filter(({ trust }) => trust === "untrusted");
  const trusted = evidence.filter(({ trust }) => trust === "trusted");
  const evenIfUntrusted = untrusted.length >= after;
  const chosen = evenIfUntrusted ? evidence : trusted;
  if (chosen.length < after) {
    const most = Math.max(untrusted.length, trusted.length);
    return few(most, " that were alike in what the run had read");
  }
  const when = conditionsOf(chosen);
  const needed = chosen.slice(0, 1).flatMap((call) => [...reachOf(call).keys()]);
  if (needed.length === 0) {
    const same = Object.keys(when);
    return no(
      same.length === 0
        ? `approved ${times(chosen.length)}, but nothing was the same each time`
        : `approved ${times(chosen.length)}, but what was the same each time, ${quotedNames(same)}, does not say who it is about`,
    );
  }
  const unwritten = needed.filter((each) => !Object.hasOwn(when, each));
  if (unwritten.length > 0)
    return no(`${quotedNames(unwritten)} cannot be written as one condition`);
  const schemas = argumentSchemas(tool.schema);
  if (tool.effect === "send") {
    if (!schemas)
      return no("it takes arguments of any name: a grant could not tell who is reached");
    const open = [...schemas].filter(
      ([each, schema]) => !Object.hasOwn(when, each) && schemaReaches(each, schema),
    );
    if (open.length > 0) {
      const names = quotedNames(open.map(([each]) => each));
      return no(`it also takes ${names}, and a grant cannot say that others are not reached by it`);
    }
  }
  if (chosen.every((call) => decide(call, input.grants) === "allow")) {
    return no("a grant of yours allows it already");
  }
  const mostPerDay = busiestDay(chosen, input.timezone);
  const maxPerDay = Math.min(highestCap, mostPerDay + Math.ceil(mostPerDay / 4));
  const grant: Grant = { tool: name, when, maxPerDay, evenIfUntrusted };
  if (!holdsAsMeant(grant, chosen)) return no("no grant would allow just these");
  const words = chosen.map(({ decidedAt }) => decidedAt);
  return {
    kind: "earned",
    earned: {
      grant,
      effect: tool.effect as ToolEffect,
      approvals: chosen.map(({ id }) => id),
      since: Math.min(...words),
      last: Math.max(...words),
      untrusted: chosen.filter(({ trust }) => trust === "untrusted").length,
      mostPerDay,
      free: [...(schemas?.keys() ?? [])].filter((each) => !Object.hasOwn(when, each)),
    },
  };
}

/** Each of the calls is allowed by the grant, and none in which a condition has another value. */
function holdsAsMeant(grant: Grant, calls: readonly AnsweredCall[]): boolean {
  const others = (call: AnsweredCall) =>
    Object.entries(grant.when).map(([name, pattern]) => changed(call, name, `${pattern}x`));
  return calls.every(
    (call) =>
      decide(call, [grant]) === "allow" &&
      others(call).every((other) => decide(other, [grant]) === "ask"),
  );
}

function changed(call: AnsweredCall, name: string, value: string): AnsweredCall {
  return call.facts && Object.hasOwn(call.facts, name)
    ? { ...call, facts: { ...call.facts, [name]: value } }
    : { ...call, arguments: { ...asRecord(call.arguments), [name]: value } };
}

function busiestDay(calls: readonly AnsweredCall[], timezone: string): number {
  const days = Map.groupBy(calls, ({ createdAt }) => startOf("day", createdAt, timezone));
  return Math.max(...[...days.values()].map(({ length }) => length));
}

const quotedNames = (names: readonly string[]): string =>
  names.map((name) => `"${name}"`).join(" and ") || "what it is about";

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
