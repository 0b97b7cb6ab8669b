import { createHash } from "node:crypto";
import { z } from "zod";
import { describeError, SkillError } from "../domain/errors.ts";
import { severities, trusts, type Observation } from "../domain/finding.ts";
import type { Scrub } from "../domain/scrub.ts";
import { scrubData } from "../domain/scrub-data.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";

/** The border between a skill's code and ours: what a look returned is checked, capped and made plain. */

const limits = {
  observations: 10_000,
  keyLength: 500,
  titleLength: 300,
  textLength: 20_000,
  dataBytes: 64 * 1024,
  cursorBytes: 1024 * 1024,
  notes: 50,
  noteLength: 500,
} as const;

/** More than is kept, so that cutting comes last. */
const longestRaw = 4 * limits.textLength;

const resultSchema = z.object({
  observations: z.array(z.unknown()).max(limits.observations),
  cursor: z.unknown().optional(),
  complete: z.literal(true).optional(),
  gone: z.array(z.string()).optional(),
  notes: z.array(z.string()).optional(),
  actions: z.array(z.unknown()).optional(),
});

const observationSchema = z.object({
  key: z.string().min(1).max(limits.keyLength),
  severity: z.enum(severities),
  title: z.string().min(1),
  text: z.string().nullish(),
  data: z.unknown().optional(),
  trust: z.enum(trusts).default("untrusted"),
  fingerprint: z.string().max(limits.keyLength).optional(),
  closesAt: z.date().nullish(),
  since: z.date().nullish(),
});

export interface AcceptedLook {
  readonly observations: readonly Observation[];
  readonly complete: boolean;
  readonly gone: readonly string[];
  /** Undefined keeps the last cursor. */
  readonly cursor: unknown;
  readonly notes: readonly string[];
  /** As returned: they are validated against the skill's tools. */
  readonly actions: readonly unknown[];
}

/**
 * Accepts what a check's `observe` returned, without secrets. One bad observation is set aside with a note; the rest
 * goes on.
 * @throws SkillError when the result as a whole is not one.
 */
export function acceptLook(result: unknown, scrub: Scrub = (text) => text): AcceptedLook {
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") || "the result";
    throw new SkillError(
      "LOOK_INVALID",
      `the check returned something else than a look: ${where}: ${issue?.message ?? ""}`,
      {
        hint: "Return { observations: [...], cursor } from observe",
      },
    );
  }
  const { gone = [], notes = [], actions = [] } = parsed.data;
  if (parsed.data.cursor !== undefined) checkCursor(parsed.data.cursor);
  // As it is kept: what `toJSON` of a part says is what counts.
  const cursor = asJson(parsed.data.cursor);
  const cleanCursor = scrubData(cursor, scrub);
  const setAside: string[] = [];
  const observations = parsed.data.observations.flatMap((value, index) => {
    const accepted = acceptObservation(value, scrub);
    if ("problem" in accepted) {
      setAside.push(`observation ${index + 1} was set aside: ${accepted.problem}`);
      return [];
    }
    return accepted.observation;
  });
  return {
    observations,
    // What was set aside is not known to be over.
    complete: parsed.data.complete === true && setAside.length === 0,
    gone: gone.map((key) => cleanKey(key, scrub)),
    cursor: cleanCursor,
    actions,
    notes: cappedNotes(
      [...setAside, ...notes, ...(cleanCursor === cursor ? [] : [cursorNote])].map(scrub),
    ),
  };
}

const cursorNote = "its cursor held a secret, which was taken out of it";

const asJson = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

function checkCursor(cursor: unknown): void {
  const bytes = sizeOf(cursor);
  if (bytes === undefined) {
    throw new SkillError("CURSOR_INVALID", "the check's cursor is not JSON", {
      hint: "Return plain data: text, numbers, lists and objects",
    });
  }
  if (bytes > limits.cursorBytes) {
    throw new SkillError("CURSOR_TOO_LARGE", "the check's cursor is larger than 1 MB", {
      hint: "Keep only what the next look needs",
    });
  }
}

function cappedNotes(notes: readonly string[]): string[] {
  const kept = notes.length > limits.notes ? notes.slice(0, limits.notes - 1) : [...notes];
  const left = notes.length - kept.length;
  if (left > 0) kept.push(`and ${left} more notes like these`);
  return kept.map((note) => oneLine(note, limits.noteLength));
}

type Accepted = { readonly observation: Observation } | { readonly problem: string };

function acceptObservation(value: unknown, scrub: Scrub): Accepted {
  try {
    return readObservation(value, scrub);
  } catch (error) {
    // Reading a property may run the skill's code.
    return { problem: describeError(error) };
  }
}

function readObservation(value: unknown, scrub: Scrub): Accepted {
  const parsed = observationSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `${issue?.path.join(".") || "it"}: ${issue?.message ?? "invalid"}` };
  }
  const { key, severity, trust, closesAt, since } = parsed.data;
  const given = parsed.data.data ?? null;
  const dataBytes = sizeOf(given);
  if (dataBytes === undefined) return { problem: "data: is not JSON" };
  if (dataBytes > limits.dataBytes) return { problem: "data: is larger than 64 KB" };
  // Text by text: taken out of the JSON as a whole, a secret of digits would leave what is none.
  const data = scrubData(asJson(given), scrub);
  // Before and after: a cut would leave a half, and what is not seen may have stood within it.
  const title =
    oneLine(scrub(oneLine(scrub(parsed.data.title), longestRaw)), limits.titleLength) ||
    "(no title)";
  const text = plainText(
    scrub(plainText(scrub(parsed.data.text ?? ""), longestRaw)),
    limits.textLength,
  );
  const fingerprint =
    parsed.data.fingerprint ?? fingerprintOf([severity, title, text || null, data]);
  return {
    observation: {
      // The store keeps UTF-8: half a character would come back as another one, and be new each time.
      key: cleanKey(key, scrub),
      severity,
      title,
      text: text || null,
      data,
      trust,
      fingerprint: cleanKey(fingerprint, scrub),
      closesAt: closesAt?.getTime() ?? null,
      since: since?.getTime() ?? null,
    },
  };
}

/** Well-formed and without secrets; two that differ in their secrets stay two. */
function cleanKey(key: string, scrub: Scrub): string {
  const clean = scrub(key);
  if (clean === key) return key.toWellFormed();
  const digest = createHash("sha256").update(key).digest("base64url").slice(0, 8);
  return `${clean.toWellFormed()}#${digest}`;
}

/** @returns the bytes of the value as JSON, or undefined when it is none. */
function sizeOf(value: unknown): number | undefined {
  try {
    // Not always text: a function, for one, has no JSON.
    const json = JSON.stringify(value) as string | undefined;
    return json === undefined ? undefined : Buffer.byteLength(json);
  } catch {
    return undefined;
  }
}

/** The same data in another order of keys is the same data. */
const sortKeys = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const fingerprintOf = (parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts, sortKeys)).digest("base64url").slice(0, 22);
