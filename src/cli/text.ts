import { stripVTControlCharacters, styleText } from "node:util";
import { formatDateTime, formatTimeOfDay, startOf } from "../domain/zoned-time.ts";
import type { Severity } from "../domain/finding.ts";
import type { Terminal } from "./context.ts";

/** Text for a person at a terminal of 80 columns. */

export type Style = Parameters<typeof styleText>[0];

export interface Painter {
  (style: Style, text: string): string;
}

/** Colours only on a terminal that wants them. */
export function painterFor(terminal: Terminal, environment: Readonly<Record<string, string | undefined>>): Painter {
  const coloured = terminal.isTTY && !environment.NO_COLOR && environment.TERM !== "dumb";
  return (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text);
}

export const severityStyle: Record<Severity, Style> = {
  info: "dim",
  notice: "cyan",
  warning: "yellow",
  critical: ["red", "bold"],
};

export interface Column {
  readonly title: string;
  /** `fill` takes what is left of the line and is cut to it. */
  readonly width?: "fill";
  readonly align?: "right";
}

const gap = "  ";
const lengthOf = (text: string): number => stripVTControlCharacters(text).length;

/** Rows under titles; the `fill` column is cut so that lines fit. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  lineLength: number,
): string {
  const widths = columns.map((column, index) =>
    Math.max(lengthOf(column.title), ...rows.map((row) => lengthOf(row[index] ?? ""))),
  );
  const fill = columns.findIndex(({ width }) => width === "fill");
  if (fill >= 0) {
    const others = widths.reduce((sum, width, index) => sum + (index === fill ? 0 : width), 0);
    const left = lineLength - others - gap.length * (columns.length - 1);
    widths[fill] = Math.max(12, Math.min(widths[fill] ?? 0, left));
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        const cell = cutTo(cells[index] ?? "", width);
        const padding = " ".repeat(Math.max(0, width - lengthOf(cell)));
        return align === "right" ? padding + cell : cell + padding;
      })
      .join(gap)
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].join("\n");
}

/** Cuts plain text; text with colours is never longer than its column. */
export const cutTo = (text: string, width: number): string =>
  lengthOf(text) <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** Breaks a line at spaces; lines after the first are indented. */
export function wrap(text: string, lineLength: number, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const next = line ? `${line} ${word}` : word;
    if (next.length > lineLength - (lines.length > 0 ? indent.length : 0) && line) {
      lines.push(line);
      line = word;
    } else line = next;
  }
  lines.push(line);
  return lines.map((part, index) => (index > 0 ? indent + part : part)).join("\n");
}

/** `14:03` today, else with the day. */
export function shortTime(at: number | null, now: number, timezone: string): string {
  if (at === null) return "never";
  const sameDay = startOf("day", at, timezone) === startOf("day", now, timezone);
  if (sameDay) return formatTimeOfDay(at, timezone);
  return formatDateTime(at, timezone).replace(/^\w+ /, "");
}

export const dollars = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export const hostTimezone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
