import { createHash } from "node:crypto";
import { formatDuration, looksLikeDuration, parseDuration } from "./duration.ts";
import { oneLine } from "./plain-text.ts";

/** The items of the owner's standing orders that begin with an interval: `- every 2h: look whether …`. */

/** In the place of a skill's name, for their checks and findings. */
export const ordersSkill = "standing-orders";

/** Under this name stands the finding that says which items are not understood. */
export const ordersCheck = "watchkeeper/standing-orders";

export interface TimedOrder {
  /** Names its check. Made of its own words alone, so that no edit of another item renames it. */
  readonly slug: string;
  /** All that stands after the interval, with its lines. */
  readonly text: string;
  readonly everyMs: number;
}

export interface ParsedOrders {
  readonly orders: readonly TimedOrder[];
  /** What was meant to be one and cannot be used, one line each, with its mend. */
  readonly problems: readonly string[];
}

const mostOrders = 50;
const mostProblems = 10;
const shortestMs = 60_000;
const longestSlug = 48;
const longestQuote = 40;

/** A list item as it stands, from its marker to what is indented below it. */
interface Item {
  readonly line: number;
  readonly indent: number;
  readonly lines: string[];
}

/**
 * @param options `isCut`: the text goes on, unread; an item that reaches the end may be half of one
 */
export function parseStandingOrders(
  text: string,
  { isCut = false }: { readonly isCut?: boolean } = {},
): ParsedOrders {
  if (text.includes("\0")) return { orders: [], problems: ["it is not a text file"] };
  const items = itemsOf(text, isCut);
  const orders: TimedOrder[] = [];
  const problems: string[] = [];
  const known = new Map<string, { readonly words: string; readonly line: number }>();
  for (const item of items) {
    const read = readItem(item);
    if (read === undefined) continue;
    if ("problem" in read) {
      problems.push(`line ${item.line}: ${read.problem}`);
      continue;
    }
    const words = wordsOf(read.text);
    const wanted = slugOf(words);
    const taken = known.get(wanted);
    const slug = taken && taken.words !== words ? withDigest(wanted, words) : wanted;
    const same = known.get(slug);
    if (same) {
      problems.push(`line ${item.line}: the order of line ${same.line} once more; that one counts`);
      continue;
    }
    if (orders.length === mostOrders) {
      problems.push(`line ${item.line}: only the first ${mostOrders} timed orders are looked at`);
      break;
    }
    known.set(slug, { words, line: item.line });
    orders.push({ ...read, slug });
  }
  if (isCut) problems.push("it is longer than 8 KB; what comes after that is not read");
  const more = problems.length - mostProblems;
  if (more > 0) problems.splice(mostProblems, more, `and ${more} more like these`);
  return { orders, problems };
}

const marker = /^([ \t]*)(?:[-*+]|\d{1,9}[.)])([ \t]+)(.*)$/;
const fenceMark = /^[ \t]*(`{3}|~{3})/;

/** List items with their indented lines; examples in fences and comments are not orders. */
function itemsOf(text: string, isCut: boolean): Item[] {
  const items: Item[] = [];
  let open: Item | undefined;
  let fence: string | undefined;
  let isComment = false;
  for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
    if (isComment) {
      isComment = !line.includes("-->");
      continue;
    }
    const mark = fenceMark.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark === fence) fence = undefined;
      continue;
    }
    const indent = indentOf(line);
    const isWithin = open !== undefined && indent > open.indent;
    const found = marker.exec(line);
    if (found && !(isWithin && !opensTimed(found[3] ?? ""))) {
      open = { line: index + 1, indent, lines: [found[3] ?? ""] };
      items.push(open);
    } else if (line.trim() === "") {
      open?.lines.push("");
    } else if (isWithin) {
      open?.lines.push(line.trim());
    } else {
      open = undefined;
      fence = mark;
      isComment = line.trimStart().startsWith("<!--") && !line.includes("-->");
    }
  }
  if (isCut && open) items.pop();
  return items;
}

const indentOf = (line: string): number =>
  (/^[ \t]*/.exec(line)?.[0] ?? "").replaceAll("\t", "    ").length;

const emphasis = "[*_`]*";
/** The word after `every`, and what follows it. */
const opening = new RegExp(
  `^(?:\\[ \\][ \\t]+)?${emphasis}every[ \\t]+([^\\s:,*_\`]{1,40})${emphasis}[ \\t]*[:,–—-]?${emphasis}[ \\t]*`,
  "i",
);

const opensTimed = (text: string): boolean => opening.test(text);

type ReadItem = Omit<TimedOrder, "slug"> | { readonly problem: string };

/** @returns undefined for prose */
function readItem({ lines }: Item): ReadItem | undefined {
  const [first = "", ...rest] = lines;
  const opened = opening.exec(first);
  if (!opened) return undefined;
  const word = opened[1] ?? "";
  const everyMs = parseDuration(word);
  const quote = `"${oneLine(first, longestQuote)}"`;
  if (everyMs === undefined) {
    if (!isMeantAsTime(first)) return undefined;
    return looksLikeDuration(word)
      ? { problem: `${quote} must be between every 1m and every 3660d` }
      : {
          problem: `${quote} does not begin with an interval; write one such as "every 30m:", "every 2h:" or "every 1d:"`,
        };
  }
  if (everyMs < shortestMs) {
    return {
      problem: `${quote} is too often; a standing order is due every ${formatDuration(shortestMs)} or less often`,
    };
  }
  const text = [first.slice(opened[0].length), ...rest].join("\n").trim();
  return text === "" ? { problem: `${quote} says nothing to look for` } : { text, everyMs };
}

const unit =
  "(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|months?|years?)";
const time =
  "(?:minute|hour|day|morning|noon|afternoon|evening|night|week|weekday|weekend|month|year|(?:mon|tues|wednes|thurs|fri|satur|sun)day)";
/** `every 2x:`, `every 2 hours …`, `every other day:`, `every Monday at 9:`; not `every invoice: …`. */
const meantAsTime = [
  /^\d[\d.,]{0,10}\s?\S{0,12}\s?:/,
  new RegExp(`^\\d[\\d.,]{0,10}\\s?${unit}\\b`, "i"),
  new RegExp(
    `^(?:(?:other|few|second|third|\\d{1,3}(?:st|nd|rd|th))\\s)?${time}s?(?:\\sat\\s[\\d:.apm]{1,8})?\\s?:`,
    "i",
  ),
];

function isMeantAsTime(item: string): boolean {
  const rest = item.replace(/^\[ \]\s+/, "").replace(/^[*_`]*every\s+/i, "");
  const plain = rest.slice(0, longestQuote).replace(/[*_`]/g, "").replace(/\s+/g, " ");
  return meantAsTime.some((pattern) => pattern.test(plain));
}

const wordsOf = (text: string): string => text.replace(/\s+/g, " ").trim();

/** The order's words where they are short and plain, else their beginning with a digest of all. */
function slugOf(words: string): string {
  const letters = words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const whole = (letters.match(/[a-z0-9]+/g) ?? []).join("-");
  const isWhole = whole.length <= longestSlug && !/[^\P{L}a-z]|[^\P{N}0-9]/u.test(letters);
  return whole !== "" && isWhole ? whole : withDigest(whole, words);
}

function withDigest(slug: string, words: string): string {
  const digest = createHash("sha256").update(words).digest("hex").slice(0, 6);
  const start =
    slug.length <= longestSlug ? slug : slug.slice(0, slug.lastIndexOf("-", longestSlug));
  return [start.slice(0, longestSlug).replace(/-$/, "") || "order", digest].join("-");
}
