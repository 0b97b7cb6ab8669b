import { decideToolCall, type Grant, type PolicyInput } from "./policy.ts";

const longestPattern = 120;
const mostConditions = 4;

/**
 * The narrowest grant in a few words that allows the call: what the tool's own code looked up, else
 * the call's short arguments.
 * @returns null when no grant of this shape would allow it
 */
export function suggestGrant(call: PolicyInput): Grant | null {
  const facts = conditions(call.facts);
  const when = Object.keys(facts).length > 0 ? facts : conditions(call.arguments);
  const grant = { tool: call.tool, when, maxPerDay: 5, evenIfUntrusted: call.runReadUntrusted };
  const { decision } = decideToolCall({ ...call, grants: [grant], usedToday: new Map() });
  return decision === "allow" ? grant : null;
}

function conditions(values: unknown): Record<string, string> {
  if (typeof values !== "object" || values === null) return {};
  return Object.fromEntries(
    Object.entries(values)
      .flatMap(([name, value]) => {
        const pattern = patternFor(value);
        return pattern === undefined ? [] : [[name, pattern] as const];
      })
      .slice(0, mostConditions),
  );
}

/** One value that stands for all; a star in it would match more than was meant. */
function patternFor(value: unknown): string | undefined {
  const values = new Set(Array.isArray(value) ? (value as unknown[]) : [value]);
  const [only] = values;
  if (values.size !== 1 || !["string", "number", "boolean"].includes(typeof only)) return undefined;
  const text = String(only);
  return fitsPattern(text) ? text : undefined;
}

/** Whether a value can stand as a condition of its own: short, all of it seen, and no star in it. */
export const fitsPattern = (text: string): boolean =>
  text !== "" && text.length <= longestPattern && !/[*\p{C}\p{Zl}\p{Zp}]/u.test(text);
