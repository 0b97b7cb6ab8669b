import { oneLine } from "../domain/plain-text.ts";
import type { LogDestination } from "./log.ts";
import { readLogLine, type LineLevel, type LogLine } from "./log-line.ts";

const longestText = 4_000;

/** How text looks on a terminal; the same text where there are no colours. */
export type LogPaint = (style: "red" | "yellow" | "dim", text: string) => string;

const marks: Record<LineLevel, "red" | "yellow" | "dim" | undefined> = {
  debug: "dim",
  info: undefined,
  warn: "yellow",
  error: "red",
};

export interface ReadableOptions {
  readonly timeOf: (at: number) => string;
  readonly paint?: LogPaint;
}

/** A line of the log for a person: one line, and nothing in it that a terminal would obey. */
export function readableLine(
  { level, time, message, fields }: LogLine,
  { timeOf, paint = (_style, text) => text }: ReadableOptions,
): string {
  const style = marks[level];
  const mark = style === undefined ? "" : `${paint(style, `${level}:`)} `;
  const said = oneLine(message, longestText);
  const rest = oneLine(Object.entries(fields).map(wordsOf).join(" "), longestText);
  return `${timeOf(time)}    ${mark}${said}${rest ? ` ${paint("dim", rest)}` : ""}\n`;
}

const wordsOf = ([name, value]: [string, unknown]): string =>
  `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`;

/** Makes lines for a person of the JSON that the log writes; what is something else stays as it is. */
export function readableLog(
  write: (text: string) => void,
  options: ReadableOptions,
): LogDestination {
  return {
    write(text) {
      const line = readLogLine(text);
      write(line ? readableLine(line, options) : text);
    },
  };
}
