import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical.ts";

/** What becomes of a tool call. Code decides; the model has no say in it. */

/** What a tool does to the world: nothing, the owner's own data (with an undo), somebody else, or for good. */
export type ToolEffect = "read" | "write" | "send" | "destroy";

/** The owner's standing permission for a tool, as written in the config. */
export interface Grant {
  readonly tool: string;
  /** Patterns with `*` over the call's arguments and the facts that the tool's own code looked up. */
  readonly when: Readonly<Record<string, string>>;
  readonly maxPerDay: number;
  /** Whether it holds in a run that has read what a stranger could have written. */
  readonly evenIfUntrusted: boolean;
}

export interface PolicyInput {
  readonly tool: string;
  readonly effect: ToolEffect;
  /** The tool declares that its writes hide nothing, reach nobody and can be undone. */
  readonly harmless: boolean;
  /** What it writes is trusted by every later run: only the owner's word allows it. */
  readonly alwaysAsked: boolean;
  /** Validated. */
  readonly arguments: unknown;
  /** What the tool's own code found out about the call; null when it could not. */
  readonly facts: Readonly<Record<string, string>> | null;
  readonly runReadUntrusted: boolean;
  readonly grants: readonly Grant[];
  /** How often each grant was used today, by {@link grantKey}. */
  readonly usedToday: ReadonlyMap<string, number>;
}

export interface Decision {
  readonly decision: "allow" | "ask" | "deny";
  /** For the owner, and for the model as the call's result. */
  readonly reason: string;
  /** The grant that allows it. */
  readonly grant: Grant | null;
}

export function decideToolCall(input: PolicyInput): Decision {
  const { tool, effect, harmless, runReadUntrusted } = input;
  const allow = (reason: string, grant: Grant | null = null): Decision => ({
    decision: "allow",
    reason,
    grant,
  });
  if (effect === "read") return allow("reading is allowed");
  if (input.alwaysAsked) {
    const reason = "every later run trusts what it writes: no grant can stand in for your word";
    return { decision: "ask", reason, grant: null };
  }
  if (effect === "write" && harmless)
    return allow("it hides nothing, reaches nobody, and can be undone");
  if (effect === "write" && !runReadUntrusted) {
    return allow("writing your own data is allowed in a run that has read nothing of strangers");
  }

  const why = whyAsked(effect, runReadUntrusted);
  const grants = input.grants.filter((grant) => grant.tool === tool);
  const problems: string[] = [];
  for (const grant of grants) {
    const problem = whyNot(grant, input);
    if (problem === undefined) return allow(`your grant for ${tool} allows it`, grant);
    problems.push(problem);
  }
  const noGrant = grants.length === 0 ? `no grant names ${tool}` : problems.join("; ");
  return { decision: "ask", reason: `${why}, and ${noGrant}`, grant: null };
}

function whyAsked(effect: ToolEffect, runReadUntrusted: boolean): string {
  if (effect === "send") return "it reaches somebody or something else";
  if (effect === "destroy") return "it cannot be undone";
  return runReadUntrusted ? "the run has read what a stranger could have written" : "it writes";
}

function whyNot(grant: Grant, input: PolicyInput): string | undefined {
  if (input.runReadUntrusted && !grant.evenIfUntrusted) {
    return "the grant does not hold in a run that has read what a stranger could have written";
  }
  const conditions = Object.entries(grant.when);
  // Nobody can tell which names would have been facts: an argument must not stand in for one.
  if (input.facts === null && conditions.length > 0) {
    return "the grant has conditions, and the facts of the call could not be looked up";
  }
  for (const [name, pattern] of conditions) {
    const values = valuesOf(name, input);
    // In quotes: a name may be a word such as `to`, and a text may hold anything.
    const wanted = `the grant wants "${name}" to be "${pattern}"`;
    if (values.length === 0) return `${wanted}, and nothing is known of it`;
    const other = values.find((value) => !matches(pattern, value));
    if (other !== undefined) return `${wanted}, and it is "${other}"`;
  }
  const used = input.usedToday.get(grantKey(grant)) ?? 0;
  return used >= grant.maxPerDay ? usedUp(grant) : undefined;
}

/** Why a grant that fits does not allow one more. */
export const usedUp = ({ maxPerDay }: Pick<Grant, "maxPerDay">): string =>
  maxPerDay === 1
    ? "the grant's one use a day is used up"
    : `the grant's ${maxPerDay} uses a day are used up`;

/**
 * What a condition of that name is compared with. Facts go before arguments: what the model writes must
 * not pass for what was looked up.
 */
export function valuesOf(
  name: string,
  { facts, arguments: given }: Pick<PolicyInput, "facts" | "arguments">,
): string[] {
  if (facts && Object.hasOwn(facts, name)) return [facts[name] ?? ""];
  const value =
    typeof given === "object" && given !== null && Object.hasOwn(given, name)
      ? (given as Record<string, unknown>)[name]
      : undefined;
  const values = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return values.map((item) => (typeof item === "string" ? item : canonicalJson(item)));
}

/**
 * `*` stands for anything on one line; capital letters do not matter. Takes time in proportion to the
 * value, which a stranger may have made long.
 */
export function matches(pattern: string, value: string): boolean {
  const [first = "", ...others] = pattern.split("*").map(folded);
  const text = folded(value);
  const last = others.pop();
  if (last === undefined) return text === first;
  if (/[\r\n]/.test(text) || !text.startsWith(first)) return false;
  let from = first.length;
  for (const part of others) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}

/** In small letters; signs of other alphabets that would become a letter of ASCII stay as they are. */
const folded = (text: string): string =>
  text.replace(/[^\u0130\u212a]+/g, (signs) => signs.toLowerCase());

/** Names a grant by its words, so that its uses are counted also after a restart. */
export function grantKey({ tool, when, evenIfUntrusted }: Grant): string {
  const words = canonicalJson({ tool, when, evenIfUntrusted });
  return createHash("sha256").update(words).digest("hex").slice(0, 16);
}
