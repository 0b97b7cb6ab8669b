import { testimonyOf, type AnsweredCall } from "./answered-call.ts";
import { canonicalJson } from "./canonical.ts";
import { decideToolCall, matches, valuesOf, type Grant } from "./policy.ts";
import { argumentReaches, saysWho } from "./reach.ts";
import { fitsPattern } from "./suggest-grant.ts";

/** What makes answered calls of one tool the same kind, and what a grant for them would hold on to. */

const mostConditions = 6;

/** Who or what a call reaches, as far as it says: what makes two calls the same kind. */
export function reachOf(call: AnsweredCall): ReadonlyMap<string, readonly string[]> {
  const given = Object.entries(asRecord(call.arguments));
  const reached =
    call.effect === "send" ? given.filter(([name, value]) => argumentReaches(name, value)) : [];
  const names = reached.map(([name]) => name).filter((name) => valuesOf(name, call).length > 0);
  // Of the owner's own data, arguments are the model's words: only what was looked up tells.
  const telling = names.length > 0 ? names : Object.keys(call.facts ?? {}).filter(saysWho);
  return new Map(
    telling
      .toSorted()
      .map((name) => [
        name,
        [...new Set(valuesOf(name, call).map((text) => text.toLowerCase()))].toSorted(),
      ]),
  );
}

/** The same text for calls of one kind. */
export const kindOf = (call: AnsweredCall): string => canonicalJson([...reachOf(call)]);

/** Those that came after the last word or end against one of their kind. */
export function sinceLastAgainst(
  group: readonly AnsweredCall[],
  calls: readonly AnsweredCall[],
): { evidence: readonly AnsweredCall[]; undoing: { id: number; how: string } | undefined } {
  const [first] = group;
  if (!first) return { evidence: group, undoing: undefined };
  const kind = kindOf(first);
  const { tool } = first;
  const when = conditionsOf(group);
  const whole: Grant = { tool, when, maxPerDay: 1, evenIfUntrusted: true };
  let last: { id: number; how: string; at: number } | undefined;
  for (const call of calls) {
    const testimony = testimonyOf(call);
    if (testimony.kind !== "against") continue;
    const asked = { ...call, arguments: call.editedFrom ?? call.arguments };
    const isOfKind =
      call.facts === null ||
      kindOf(asked) === kind ||
      (Object.keys(when).length > 0 &&
        decide({ ...asked, trust: "untrusted" }, [whole]) === "allow");
    if (isOfKind && (!last || testimony.at >= last.at)) last = { ...testimony, id: call.id };
  }
  const from = last;
  if (!from) return { evidence: group, undoing: undefined };
  const evidence = group.filter(({ decidedAt }) => decidedAt > from.at);
  return { evidence, undoing: from };
}

/** What was the same in all of them, what tells who is reached first, then what was looked up. */
export function conditionsOf(calls: readonly AnsweredCall[]): Readonly<Record<string, string>> {
  const [first] = calls;
  if (!first) return {};
  const names = new Set([
    ...reachOf(first).keys(),
    ...Object.keys(first.facts ?? {}),
    ...Object.keys(asRecord(first.arguments)),
  ]);
  const same = [...names].flatMap((name) => {
    const [pattern] = valuesOf(name, first);
    const isSame =
      pattern !== undefined &&
      fitsPattern(pattern) &&
      calls.every((call) => {
        const values = valuesOf(name, call);
        return values.length > 0 && values.every((value) => matches(pattern, value));
      });
    return isSame ? [[name, pattern] as const] : [];
  });
  return Object.fromEntries(same.slice(0, Math.max(mostConditions, reachOf(first).size)));
}

/** What these grants alone make of a call. */
export const decide = (call: AnsweredCall, grants: readonly Grant[]) =>
  decideToolCall({
    tool: call.tool,
    effect: call.effect,
    harmless: false,
    alwaysAsked: false,
    arguments: call.arguments,
    facts: call.facts,
    runReadUntrusted: call.trust === "untrusted",
    grants,
    usedToday: new Map(),
  }).decision;

export const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
