import { z } from "zod";
import { logLevels } from "./log.ts";

/** One line of the log as it was written, read again. */

export type LineLevel = Exclude<(typeof logLevels)[number], "silent">;

export interface LogLine {
  readonly level: LineLevel;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const lineSchema = z.looseObject({
  level: z.enum(["debug", "info", "warn", "error"]),
  time: z.iso.datetime(),
  msg: z.string(),
});

/** @returns undefined for what is no line of ours: half a line, words of another program, rubbish */
export function readLogLine(text: string): LogLine | undefined {
  if (!text.startsWith("{")) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { level, time, msg: message, ...fields } = parsed.data;
  return { level, time: Date.parse(time), message, fields };
}

/** Of a line as the log has just made it. */
export const levelOf = (line: string): string | undefined => /^\{"level":"(\w+)"/.exec(line)?.[1];

export interface LineChoice {
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly leastLevel: LineLevel;
}

export const isChosen = ({ time, level }: LogLine, { since, leastLevel }: LineChoice): boolean =>
  (since === undefined || time >= since) &&
  logLevels.indexOf(level) >= logLevels.indexOf(leastLevel);
