import type { ExpectedStatus, ExpectedValue, HttpExpectation } from "../target.ts";
import type { ReadBody } from "./http-request.ts";
import type { PatternMatcher } from "./pattern-matcher.ts";

/** Whether an answer is what the owner expects. What is wrong is said without a word of the answer. */

export function statusMatches(expected: readonly ExpectedStatus[], status: number): boolean {
  return expected.some((one) => {
    if (typeof one === "number") return status === one;
    const [low = 0, high = 0] = one.split("-").map(Number);
    return one.endsWith("xx")
      ? Math.floor(status / 100) === Number(one[0])
      : status >= low && status <= high;
  });
}

/** @returns what is wrong with the body; undefined when nothing is */
export async function bodyProblem(
  { body, bodyMatches, json }: HttpExpectation,
  { bytes, cut }: ReadBody,
  patterns: PatternMatcher,
  signal: AbortSignal,
): Promise<string | undefined> {
  const place = cut ? "first megabyte of the body" : "body";
  if (body !== undefined && !bytes.includes(body)) {
    return `${place} does not contain the expected text`;
  }
  if (bodyMatches !== undefined) {
    const end = await patterns.match(bodyMatches, bytes, signal);
    if (end === "too-long")
      return `${place} takes too long to be matched with the expected pattern`;
    if (end === "no-match") return `${place} does not match the expected pattern`;
  }
  if (json === undefined) return undefined;
  return cut
    ? "body is larger than a megabyte, too large to be read as JSON"
    : jsonProblem(json, bytes);
}

function jsonProblem(
  expected: Readonly<Record<string, ExpectedValue>>,
  bytes: Buffer,
): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return "body is not JSON";
  }
  for (const [path, wanted] of Object.entries(expected)) {
    const found = valueAt(value, path);
    if (found === undefined) return `JSON has nothing at ${path}`;
    if (!isWanted(found, wanted)) return `JSON at ${path} is not ${describeWanted(wanted)}`;
  }
  return undefined;
}

/** What stands at a path such as `checks[0].state`; undefined when nothing does. */
export function valueAt(root: unknown, path: string): unknown {
  let value = root;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (index !== undefined) {
      value = Array.isArray(value) ? value[Number(index)] : undefined;
    } else if (typeof value === "object" && value !== null && Object.hasOwn(value, key ?? "")) {
      value = (value as Record<string, unknown>)[key ?? ""];
    } else {
      return undefined;
    }
  }
  return value;
}

function isWanted(found: unknown, wanted: ExpectedValue): boolean {
  if (typeof wanted !== "object" || wanted === null) return found === wanted;
  if (typeof found !== "number") return false;
  return found >= (wanted.min ?? -Infinity) && found <= (wanted.max ?? Infinity);
}

function describeWanted(wanted: ExpectedValue): string {
  if (typeof wanted !== "object" || wanted === null) return JSON.stringify(wanted).slice(0, 100);
  const { min, max } = wanted;
  if (min === undefined) return `a number up to ${max}`;
  return max === undefined ? `a number from ${min} on` : `a number from ${min} to ${max}`;
}
