import { stripVTControlCharacters, styleText } from "node:util";
import { formatDateTime, formatTimeOfDay, startOf } from "../domain/zoned-time.ts";
import type { FindingState, Severity, Verdict } from "../domain/finding.ts";
import { oneLine } from "../domain/plain-text.ts";
import type { Terminal } from "./context.ts";

/** Text for a person at a terminal of 80 columns. */

export type Style = Parameters<typeof styleText>[0];

export interface Painter {
  (style: Style, text: string): string;
}

/** Colours only on a terminal that wants them. */
export function painterFor(
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): Painter {
  const coloured = terminal.isTTY && !environment.NO_COLOR && environment.TERM !== "dumb";
  return (style, text) => (coloured ? styleText(style, text, { validateStream: false }) : text);
}

export const severityStyle: Record<Severity, Style> = {
  info: "dim",
  notice: "cyan",
  warning: "yellow",
  critical: ["red", "bold"],
};

/** Colours the words `critical opened` in a line that names a finding: what is over is no alarm. */
export function paintState(
  line: string,
  { severity, state }: { readonly severity: Severity; readonly state: FindingState },
  paint: Painter,
): string {
  if (state !== "resolved") return line.replace(severity, paint(severityStyle[severity], severity));
  return line.replace(`${severity} ${state}`, `${severity} ${paint("green", state)}`);
}

/** What a verdict means for the owner. */
export const verdictWords: Record<Verdict, string> = {
  notify: "told now",
  digest: "in the digest",
  ignore: "only logged",
};

/** A size such as `4.2 MB`. */
export function bytes(count: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const shown = count / 1_000 ** power;
  return `${power > 0 && shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${units[power]}`;
}

export interface Column {
  readonly title: string;
  /** `fill` takes what is left of the line and is cut to it. */
  readonly width?: "fill";
  /** Longer cells are cut. */
  readonly atMost?: number;
  readonly align?: "right";
}

const gap = "  ";
const leastFill = 8;

/** Rows under titles; the `fill` column is cut so that lines fit. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  lineLength: number,
): string {
  const widths = columns.map(({ title, atMost = Infinity }, index) => {
    const cells = rows.map((row) => displayWidth(row[index] ?? ""));
    return Math.max(displayWidth(title), Math.min(atMost, Math.max(0, ...cells)));
  });
  const fill = columns.findIndex(({ width }) => width === "fill");
  if (fill >= 0) {
    const others = widths.reduce((sum, width, index) => sum + (index === fill ? 0 : width), 0);
    const left = lineLength - others - gap.length * (columns.length - 1);
    widths[fill] = Math.max(leastFill, Math.min(widths[fill] ?? 0, left));
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        const cell = cutTo(cells[index] ?? "", width);
        const padding = " ".repeat(Math.max(0, width - displayWidth(cell)));
        return align === "right" ? padding + cell : cell + padding;
      })
      .join(gap)
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].join("\n");
}

/** Cuts plain text to columns of a terminal; text with colours is never longer than its column. */
export function cutTo(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let cut = "";
  let used = 0;
  for (const character of text) {
    used += displayWidth(character);
    if (used >= width) break;
    cut += character;
  }
  return `${cut}…`;
}

/**
 * Breaks text at spaces, and words that are longer than a line within. What the text begins with
 * stays; lines after the first are indented.
 */
export function wrap(text: string, lineLength: number, indent = ""): string {
  const lead = /^ */.exec(text)?.[0] ?? "";
  const room = Math.max(8, lineLength - Math.max(lead.length, indent.length));
  const lines: string[] = [];
  let line = "";
  for (const word of text
    .slice(lead.length)
    .split(" ")
    .flatMap((long) => pieces(long, room))) {
    const next = line ? `${line} ${word}` : word;
    if (line && displayWidth(next) > room) {
      lines.push(line);
      line = word;
    } else line = next;
  }
  lines.push(line);
  return lines.map((part, index) => ((index > 0 ? indent : lead) + part).trimEnd()).join("\n");
}

function pieces(word: string, room: number): string[] {
  if (displayWidth(word) <= room) return [word];
  const parts = [""];
  let used = 0;
  for (const character of word) {
    const width = displayWidth(character);
    used += width;
    if (used > room) {
      parts.push("");
      used = width;
    }
    parts[parts.length - 1] += character;
  }
  return parts;
}

// East Asian wide and fullwidth forms, and emoji: two columns each.
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u;
const unseen = /[\p{Mn}\p{Me}\p{Cf}]/u;
const onlyNarrow = /^[\x20-\x7E]*$/;

/** Columns that the text takes on a terminal, colours not counted. */
export function displayWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (onlyNarrow.test(plain)) return plain.length;
  let width = 0;
  for (const character of plain) width += unseen.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/** `14:03` today, `22 Nov 23:30` this year, else `17 Aug 2025`. */
export function shortTime(at: number | null, now: number, timezone: string): string {
  if (at === null) return "never";
  const sameDay = startOf("day", at, timezone) === startOf("day", now, timezone);
  if (sameDay) return formatTimeOfDay(at, timezone);
  const [, day, month, year, time] = formatDateTime(at, timezone).split(" ");
  const sameYear = formatDateTime(now, timezone).split(" ")[3] === year;
  return `${day} ${month} ${sameYear ? time : year}`;
}

export const dollars = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Words of a server or a skill on one line, without anything that a terminal would obey. */
export const quoted = (text: string): string => oneLine(stripVTControlCharacters(text), 1_000);

/** `1.2M`, `34k`: tokens at a glance. */
export const compact = (count: number): string =>
  new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
    .format(count)
    .toLowerCase();

/** `#2 to #5, #8`: ids that a person can look up, in their order. */
export function idRanges(ids: readonly number[]): string {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const id of sorted) {
    const last = ranges.at(-1);
    if (last && id === last[1] + 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges
    .map(([from, to]) =>
      from === to ? `#${from}` : `#${from}${to === from + 1 ? "," : " to"} #${to}`,
    )
    .join(", ");
}

/** {@link wrap} for text of several lines; an indented line keeps its indent. */
export const wrapLines = (text: string, lineLength: number, indent: string): string =>
  text
    .split("\n")
    .map((line) => wrap(line, lineLength, indent))
    .join("\n");
