import type { z } from "zod";

/** Zod's issues as lines a person understands, each with the nearest known key or the mend. */

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/**
 * @param root where the value stands, such as `skills.inbox`; empty at the top
 * @returns one line per issue: `heartbeat.evry: unknown key; did you mean "every"?`
 */
export function describeIssues(schema: Schema, issues: readonly Issue[], root = ""): string[] {
  return issues.flatMap((issue) => describeIssue(schema, issue, root));
}

function describeIssue(schema: Schema, issue: Issue, root: string): string[] {
  const where = formatPath(root, issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const nearest = nearestOf(key, known);
      const mend = nearest
        ? `did you mean "${nearest}"?`
        : known.length > 0
          ? `known are ${known.join(", ")}`
          : "remove it";
      return `${formatPath(root, [...issue.path, key])}: unknown key; ${mend}`;
    });
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The alternative that fits best says best what is wrong.
    const best = issue.errors.reduce((a, b) => (weight(b) < weight(a) ? b : a));
    const rebased = best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
    if (rebased.length > 0) return describeIssues(schema, rebased, root);
  }
  return [`${where || "the config"}: ${plainMessage(issue)}`];
}

const weight = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.path.length === 0 ? 3 : 1), 0);

function plainMessage(issue: Issue): string {
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return `is missing (expected ${issue.expected})`;
  }
  return issue.message;
}

export function formatPath(root: string, path: readonly PropertyKey[]): string {
  let text = root;
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text ? `.${String(part)}` : String(part);
  }
  return text;
}

interface Definition {
  type: string;
  innerType?: Schema;
  element?: Schema;
  valueType?: Schema;
  in?: Schema;
  options?: readonly Schema[];
  shape?: Record<string, Schema>;
}

/** The keys that the object schema at `path` knows; of a union, those of all its alternatives. */
function knownKeysAt(schema: Schema, path: readonly PropertyKey[]): string[] {
  let candidates = unwrap(schema);
  for (const part of path) {
    candidates = candidates.flatMap((candidate) => {
      const next = stepInto(definitionOf(candidate), part);
      return next ? unwrap(next) : [];
    });
  }
  return [
    ...new Set(candidates.flatMap((candidate) => Object.keys(definitionOf(candidate).shape ?? {}))),
  ];
}

function stepInto(definition: Definition, part: PropertyKey): Schema | undefined {
  if (definition.shape) return definition.shape[String(part)];
  return definition.element ?? definition.valueType;
}

function unwrap(schema: Schema): Schema[] {
  const definition = definitionOf(schema);
  if (definition.options) return definition.options.flatMap(unwrap);
  const inner = definition.innerType ?? definition.in;
  return inner ? unwrap(inner) : [schema];
}

const definitionOf = (schema: Schema): Definition => schema._zod.def as Definition;

/** The known word that is nearest, when it is near enough to be what was meant. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
