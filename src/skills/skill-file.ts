import { parse } from "yaml";
import { describeError, SkillError } from "../domain/errors.ts";
import { oneLine } from "../domain/plain-text.ts";

/**
 * `SKILL.md` in the Agent Skills format: YAML frontmatter, then instructions for the agent. It is read
 * leniently: what other agents accept is accepted here, and each liberty taken is a note for the owner.
 */
export interface SkillFile {
  readonly name: string | undefined;
  readonly description: string;
  readonly instructions: string;
  /** The frontmatter's `metadata.version`, or `version`. */
  readonly version: string | undefined;
  readonly license: string | undefined;
  readonly compatibility: string | undefined;
  /** What was read otherwise than the format says, one line each with its mend. */
  readonly notes: readonly string[];
}

const longestFile = 256 * 1024;
const longestDescription = 1_024;
const longestField = 500;
const knownFields = new Set([
  "name",
  "description",
  "license",
  "compatibility",
  "metadata",
  "allowed-tools",
  "version",
]);

const frontmatterPattern = /^---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?---[ \t]*(?:\r?\n|$)/;

/** @throws SkillError when the file says nothing, never ends its frontmatter, or is huge. */
export function parseSkillFile(source: string, file: string): SkillFile {
  const invalid = (message: string, hint: string) =>
    new SkillError("SKILL_FILE_INVALID", `${file} ${message}`, { hint });
  if (source.length > longestFile) {
    throw invalid("is larger than 256 KB", "Put details into files beside it, such as references/");
  }
  const text = source.replace(/^\uFEFF/, "");
  const match = frontmatterPattern.exec(text);
  if (!match && /^---[ \t]*\r?\n/.test(text)) {
    throw invalid("begins frontmatter that never ends", "End it with a line `---`");
  }
  const notes: string[] = [];
  if (!match) notes.push("it has no frontmatter; begin it with `---`, `description: …`, `---`");
  const fields = match ? readFields(match[1] ?? "", notes) : {};
  const instructions = text.slice(match?.[0].length ?? 0).trim();
  const description = readDescription(fields, instructions, notes);
  if (!description) {
    throw invalid("says nothing", "Say in its description what the skill watches and why");
  }
  for (const field of Object.keys(fields)) {
    if (!knownFields.has(field)) notes.push(`its field ${oneLine(field, 60)} is ignored`);
  }
  if (fields["allowed-tools"] !== undefined) {
    notes.push("its allowed-tools allow nothing here: policy and your grants decide");
  }
  return {
    name: textOf(fields.name),
    description,
    instructions,
    version: textOf(asRecord(fields.metadata).version) ?? textOf(fields.version),
    license: textOf(fields.license),
    compatibility: textOf(fields.compatibility),
    notes,
  };
}

function readFields(yaml: string, notes: string[]): Record<string, unknown> {
  try {
    return asRecord(parse(yaml, { maxAliasCount: 0, logLevel: "error" }));
  } catch (error) {
    // Mostly a colon in an unquoted description; other agents read such files too.
    notes.push(
      `its frontmatter is not YAML (${oneLine(describeError(error), 120)}); quote its texts`,
    );
    return readLines(yaml);
  }
}

/** `key: text` lines as they stand; indented lines go on with the text before. */
function readLines(yaml: string): Record<string, unknown> {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of yaml.split(/\r?\n/)) {
    const [, key, value] = /^([A-Za-z][\w-]{0,60}):[ \t]*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      last = fields.has(key) ? undefined : key;
      if (last) fields.set(last, value.replace(/^(["'])(.*)\1$/, "$2"));
    } else if (last && /^[ \t]+\S/.test(line)) {
      fields.set(last, `${fields.get(last) ?? ""} ${line.trim()}`.trim());
    }
  }
  return Object.fromEntries(fields);
}

function readDescription(
  fields: Record<string, unknown>,
  instructions: string,
  notes: string[],
): string {
  const given = typeof fields.description === "string" ? fields.description.trim() : "";
  if (given.length > longestDescription) {
    notes.push("its description is cut at 1,024 characters; details belong below the frontmatter");
  }
  if (given) return cut(given, longestDescription);
  const firstLine = instructions.split("\n").find((line) => /\w/.test(line)) ?? "";
  const standIn = oneLine(firstLine.replace(/^#+ */, ""), 200);
  if (standIn) notes.push("it has no description; its first line stands in");
  return standIn;
}

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text;

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return (typeof value === "string" && oneLine(value, longestField)) || undefined;
}
