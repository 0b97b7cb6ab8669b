import type { Scrub } from "./scrub.ts";

const shortestName = 12;

/**
 * Plain data without secrets: every text in it, and the names of its parts. What is the same comes back
 * as it is, so that `scrubData(value) !== value` says that there was a secret.
 * @param isKept names of parts whose values are ours and stay whatever they are
 */
export function scrubData<Value>(
  value: Value,
  scrub: Scrub,
  isKept: (name: string) => boolean = () => false,
): Value {
  return scrubPart(value, scrub, isKept, []) as Value;
}

function scrubPart(
  value: unknown,
  scrub: Scrub,
  isKept: (name: string) => boolean,
  above: readonly object[],
): unknown {
  if (typeof value === "string") return scrub(value);
  if (typeof value !== "object" || value === null || above.includes(value)) return value;
  const within = [...above, value];
  if (Array.isArray(value)) {
    const parts = value.map((part) => scrubPart(part, scrub, isKept, within));
    return parts.every((part, index) => part === value[index]) ? value : parts;
  }
  if (!isPlain(value)) return value;
  const entries = Object.entries(value);
  const parts = entries.map(([name, part]): [string, unknown] => [
    // Shorter ones are words of code, as a weak secret may be too.
    name.length < shortestName ? name : scrub(name),
    isKept(name) ? part : scrubPart(part, scrub, isKept, within),
  ]);
  const isSame = parts.every(
    ([name, part], index) => name === entries[index]?.[0] && part === entries[index][1],
  );
  return isSame ? value : Object.fromEntries(parts);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
