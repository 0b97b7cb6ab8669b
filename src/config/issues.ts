import type { z } from "zod";

/** Zod's issues as lines a person understands, each with the nearest known key or the mend. */

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/**
 * @param root where the value stands, such as `skills.inbox`; empty at the top
 * @returns one line per issue: `heartbeat.evry: unknown key; did you mean "every"?`
 */
export function describeIssues(schema: Schema, issues: readonly Issue[], root = ""): string[] {
  const told = issues.flatMap(rebase);
  const typos = told.flatMap((issue) => typosOf(schema, issue));
  return told
    .filter((issue) => !followsFromTypo(issue, typos))
    .flatMap((issue) => describeIssue(schema, issue, root));
}

/** Of a union's alternatives, the one that fits best says best what is wrong. */
function rebase(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const wanted = issue.errors.map(wantedOf);
  if (issue.input !== undefined && !wanted.includes(undefined)) {
    const message = `must be ${[...new Set(wanted)].join(" or ")}, and is ${kindOf(issue.input)}`;
    return [{ ...issue, code: "custom", message }];
  }
  const ways = issue.errors.map(missingKeyOf);
  if (ways.length > 1 && !ways.includes(undefined) && new Set(ways).size === ways.length) {
    return [{ ...issue, code: "custom", message: `needs one of ${ways.join(", ")}` }];
  }
  const best = issue.errors.reduce((a, b) => (misfit(b) < misfit(a) ? b : a));
  if (best.length === 0) return [issue];
  return best.flatMap((inner) => rebase({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** What an alternative asks for, when the value is of another kind altogether. */
function wantedOf([issue, ...others]: readonly Issue[]): string | undefined {
  if (issue === undefined || others.length > 0 || issue.path.length > 0) return undefined;
  if (issue.code === "invalid_type") return kinds[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_union") {
    const wanted = issue.errors.map(wantedOf);
    return wanted.includes(undefined) ? undefined : wanted.join(" or ");
  }
  if (issue.code !== "invalid_value") return undefined;
  return issue.values.map((value) => JSON.stringify(value)).join(" or ");
}

/** When an alternative lacks nothing but one key. */
function missingKeyOf([issue, ...others]: readonly Issue[]): string | undefined {
  const isMissing = issue?.code === "invalid_type" && issue.input === undefined;
  if (!isMissing || others.length > 0 || issue.path.length !== 1) return undefined;
  return String(issue.path[0]);
}

const misfit = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.path.length === 0 ? 3 : 1), 0);

interface Typo {
  readonly parent: string;
  readonly meant: string;
}

function typosOf(schema: Schema, issue: Issue): Typo[] {
  if (issue.code !== "unrecognized_keys") return [];
  const known = knownKeysAt(schema, issue.path);
  const parent = formatPath("", issue.path);
  return issue.keys.flatMap((key) => {
    const meant = nearestOf(key, known);
    return meant === undefined ? [] : [{ parent, meant }];
  });
}

/** `accounts is missing` is no second mistake where `acounts` stands beside it. */
function followsFromTypo(issue: Issue, typos: readonly Typo[]): boolean {
  if (issue.code === "unrecognized_keys") return false;
  const place = formatPath("", issue.path);
  return typos.some(({ parent, meant }) =>
    issue.code === "custom"
      ? place === parent
      : issue.input === undefined && place === formatPath(parent, [meant]),
  );
}

function describeIssue(schema: Schema, issue: Issue, root: string): string[] {
  if (issue.code !== "unrecognized_keys") {
    return [`${formatPath(root, issue.path) || "the config"}: ${plainMessage(issue)}`];
  }
  const known = knownKeysAt(schema, issue.path);
  return issue.keys.map((key) => {
    const path = formatPath(root, [...issue.path, key]);
    // Of a union: another of its alternatives has it.
    if (known.includes(key)) return `${path}: does not go with the other keys here; remove one`;
    const nearest = nearestOf(key, known);
    const mend = nearest
      ? `did you mean "${nearest}"?`
      : known.length > 0
        ? `known are ${known.join(", ")}`
        : "remove it";
    return `${path}: unknown key; ${mend}`;
  });
}

const kinds: Record<string, string> = {
  string: "a text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list in [ ]",
  object: "an object in { }",
  record: "an object in { }",
  tuple: "a list in [ ]",
};

/** Our own messages stay as they are; of zod's, those that owners meet are put in plain words. */
function plainMessage(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type": {
      const expected = kinds[issue.expected] ?? issue.expected;
      if (issue.input === undefined) return `is missing; write ${expected}`;
      return `must be ${expected}, and is ${kindOf(issue.input)}`;
    }
    case "too_small":
    case "too_big": {
      const limit = issue.code === "too_small" ? issue.minimum : issue.maximum;
      const bound = issue.inclusive === false ? boundWords.open : boundWords.closed;
      return issue.origin === "string" && issue.code === "too_small" && Number(limit) === 1
        ? "must not be empty"
        : `must ${sizeWords[issue.origin] ?? "be"} ${bound[issue.code]} ${String(limit)}`;
    }
    case "invalid_value": {
      const values = issue.values.map((value) => JSON.stringify(value)).join(", ");
      return issue.values.length === 1 ? `must be ${values}` : `must be one of ${values}`;
    }
    case "invalid_key":
      return `the name ${issue.issues.map(plainMessage).join("; ")}`;
    case "invalid_format":
      return issue.format === "url"
        ? `${JSON.stringify(issue.input)} is not an address such as "https://example.com/"`
        : issue.message;
    default:
      return issue.message;
  }
}

const boundWords = {
  closed: { too_small: "at least", too_big: "at most" },
  open: { too_small: "more than", too_big: "less than" },
} as const;
const sizeWords: Record<string, string> = {
  string: "have a length of",
  array: "have a length of",
  set: "have a length of",
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return "a text";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : typeof value;
}

const plainKey = /^[A-Za-z_$][\w$]*$/;

/** `skills["./skills/backups"].targets[0].name` */
export function formatPath(root: string, path: readonly PropertyKey[]): string {
  let text = root;
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!plainKey.test(String(part))) text += `[${JSON.stringify(String(part))}]`;
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

const definitionOf = (schema: Schema): Definition => schema._zod.def;

/**
 * The known word that is nearest, when it is near enough to be what was meant; before all others one
 * of which it is the beginning.
 */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  const wanted = word.slice(0, longestWord).toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const begun = ranked.find(({ candidate }) => candidate.toLowerCase().startsWith(wanted));
  if (begun && wanted.length >= leastBeginning) return begun.candidate;
  const [best] = ranked;
  const enough = Math.max(2, Math.floor(wanted.length / 3));
  // A word of two letters is two edits away from any other.
  return best && best.distance <= enough && best.distance < wanted.length
    ? best.candidate
    : undefined;
}

const longestWord = 100;
const leastBeginning = 3;

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
