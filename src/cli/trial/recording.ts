import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { describeIssues } from "../../config/issues.ts";
import { ConfigError, describeError, WatchkeeperError } from "../../domain/errors.ts";

/**
 * Recorded input of a skill's checks: when each look was, from which cursor, and what the servers
 * answered. Replayed, the check's own code runs on it again, look after look.
 */

/** One answer of a server to `fetch`. Short enough to be written by hand: only `url` is needed. */
const exchange = z.strictObject({
  method: z.string().default("GET"),
  url: z.string().min(1),
  status: z.int().min(200).max(599).default(200),
  headers: z.record(z.string(), z.string()).default({}),
  /** Text as it is, or JSON as the object that it stands for. */
  body: z.unknown().optional(),
  /** A body that is not text. */
  base64: z.string().optional(),
  /** Why there was no answer at all, such as `ECONNREFUSED`. */
  error: z.string().optional(),
});

const recordedLook = z.strictObject({
  /** Such as `alerts`, or in full `weather/alerts`. */
  check: z.string().min(1),
  now: z.iso.datetime({ offset: true }).optional(),
  /** Of the first look of a check; the others go on from what the one before returned. */
  cursor: z.unknown().optional(),
  fetches: z.array(exchange).default([]),
});

const recordingSchema = z.strictObject({
  skill: z.string().optional(),
  looks: z.array(recordedLook).min(1).max(1_000),
});

export type Exchange = z.output<typeof exchange>;
export type RecordedLook = z.output<typeof recordedLook>;
export type Recording = z.output<typeof recordingSchema>;

/** @throws ConfigError when the file cannot be read or is no recording. */
export function readRecording(file: string): Recording {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ConfigError("RECORDING_UNREADABLE", `cannot read the recording ${file}`, {
      cause,
      hint: "Make one with `skills test NAME --record FILE`",
    });
  }
  const parsed = recordingSchema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = describeIssues(recordingSchema, parsed.error.issues, "recording");
  throw new ConfigError("RECORDING_INVALID", `${file}: ${problems.slice(0, 5).join("; ")}`);
}

/** Only for the owner: what servers answer may be private. */
export function writeRecording(file: string, recording: Recording): void {
  try {
    writeFileSync(file, `${JSON.stringify(recording, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new WatchkeeperError("RECORDING_NOT_WRITTEN", `cannot write ${file}`, {
      cause: describeError(error),
      hint: "Name a file in a folder that you may write",
    });
  }
}
