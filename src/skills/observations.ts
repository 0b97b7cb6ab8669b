import { createHash } from "node:crypto";
import { z } from "zod";
import { SkillError } from "../domain/errors.ts";
import { severities, trusts, type Observation } from "../domain/finding.ts";
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

const resultSchema = z.object({
  observations: z.array(z.unknown()).max(limits.observations),
  cursor: z.unknown().optional(),
  complete: z.literal(true).optional(),
  gone: z.array(z.string()).optional(),
  notes: z.array(z.string()).optional(),
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
}

/**
 * Accepts what a check's `observe` returned. One bad observation is set aside with a note; the rest
 * goes on.
 * @throws SkillError when the result as a whole is not one.
 */
export function acceptLook(result: unknown): AcceptedLook {
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") || "the result";
    throw new SkillError("LOOK_INVALID", `the check returned something else than a look: ${where}: ${issue?.message ?? ""}`, {
      hint: "Return { observations: [...], cursor } from observe",
    });
  }
  const { cursor, gone = [], notes = [] } = parsed.data;
  if (cursor !== undefined && sizeOf(cursor) > limits.cursorBytes) {
    throw new SkillError("CURSOR_TOO_LARGE", "the check's cursor is larger than 1 MB", {
      hint: "Keep only what the next look needs",
    });
  }
  const setAside: string[] = [];
  const observations = parsed.data.observations.flatMap((value, index) => {
    const accepted = acceptObservation(value);
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
    gone,
    cursor,
    notes: [...notes, ...setAside]
      .slice(0, limits.notes)
      .map((note) => oneLine(note, limits.noteLength)),
  };
}

function acceptObservation(value: unknown): { observation: Observation } | { problem: string } {
  const parsed = observationSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}` };
  }
  const { key, severity, trust, closesAt, since } = parsed.data;
  const data = parsed.data.data ?? null;
  let dataBytes: number;
  try {
    dataBytes = sizeOf(data);
  } catch {
    return { problem: "data: is not JSON" };
  }
  if (dataBytes > limits.dataBytes) return { problem: "data: is larger than 64 KB" };
  const title = oneLine(parsed.data.title, limits.titleLength);
  const text = parsed.data.text ? plainText(parsed.data.text, limits.textLength) : null;
  return {
    observation: {
      key,
      severity,
      title,
      text,
      data,
      trust,
      fingerprint: parsed.data.fingerprint ?? fingerprintOf([severity, title, text, data]),
      closesAt: closesAt?.getTime() ?? null,
      since: since?.getTime() ?? null,
    },
  };
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");

const fingerprintOf = (parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 22);
