import { AdapterError } from "watchkeeper";
import type { Pacer } from "./pacer.ts";

/** One BEGIN…END component of a calendar: its unfolded lines by property, not yet interpreted. */
export interface Block {
  readonly name: string;
  /** Where it begins in the file, from 1. */
  readonly line: number;
  readonly properties: { readonly name: string; readonly text: string }[];
  readonly blocks: Block[];
}

export interface CalendarBlocks {
  readonly events: Block[];
  readonly zones: Block[];
}

// Only what is read is kept: attachments and alarms can be most of a file.
const eventProperties = new Set(
  "UID DTSTART DTEND DURATION RRULE RDATE EXDATE EXRULE RECURRENCE-ID SUMMARY LOCATION DESCRIPTION ORGANIZER ATTENDEE GEO STATUS TRANSP SEQUENCE".split(
    " ",
  ),
);
const zoneProperties = new Set("TZID DTSTART TZOFFSETFROM TZOFFSETTO RRULE RDATE".split(" "));
const wanted: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["VEVENT", eventProperties],
  ["VTIMEZONE", zoneProperties],
  ["STANDARD", zoneProperties],
  ["DAYLIGHT", zoneProperties],
]);
const longestLine = 200_000;
const deepest = 20;

/**
 * Splits a calendar into its events and zones and unfolds their lines.
 * @throws AdapterError ICS_NOT_A_CALENDAR, or ICS_CUT_SHORT when the end is missing: a file that is
 * just being written must not look like a calendar whose meetings were cancelled.
 */
export async function readBlocks(text: string, pacer: Pacer): Promise<CalendarBlocks> {
  const start = text.search(/\S/);
  if (start < 0 || !/^BEGIN:VCALENDAR\s/i.test(text.slice(start, start + 20))) {
    throw notACalendar(text.slice(Math.max(0, start), start + 200));
  }
  const result: CalendarBlocks = { events: [], zones: [] };
  const open: Block[] = [];
  const finish = (block: Block): void => {
    const parent = open.at(-1);
    if (block.name === "VEVENT") result.events.push(block);
    else if (block.name === "VTIMEZONE") result.zones.push(block);
    else if (parent && (block.name === "STANDARD" || block.name === "DAYLIGHT")) {
      parent.blocks.push(block);
    }
  };
  let count = 0;
  for (const { line, text: content } of logicalLines(text)) {
    if (++count % 500 === 0) await pacer.rest();
    const name = propertyName(content);
    if (name === "BEGIN") {
      if (open.length >= deepest) throw cutShort("its parts are nested too deeply");
      open.push({ name: valueOf(content), line, properties: [], blocks: [] });
    } else if (name === "END") {
      const value = valueOf(content);
      // A stray END is left alone; a missing one closes with its parent.
      if (!open.some((block) => block.name === value)) continue;
      for (let block = open.pop(); block; block = open.pop()) {
        finish(block);
        if (block.name === value) break;
      }
    } else {
      const block = open.at(-1);
      if (block && wanted.get(block.name)?.has(name)) {
        block.properties.push({ name, text: content });
      }
    }
  }
  if (open.length > 0) throw cutShort("its end is missing");
  return result;
}

function* logicalLines(text: string): Generator<{ line: number; text: string }> {
  let number = 0;
  let current = "";
  let startedAt = 1;
  let position = 0;
  while (position < text.length) {
    let end = text.indexOf("\n", position);
    if (end < 0) end = text.length;
    const stop = end > position && text[end - 1] === "\r" ? end - 1 : end;
    const first = text[position];
    number += 1;
    if (first === " " || first === "\t") {
      if (current.length < longestLine) {
        current += text.slice(position + 1, Math.min(stop, position + longestLine));
      }
    } else {
      if (current) yield { line: startedAt, text: current };
      current = text.slice(position, Math.min(stop, position + longestLine));
      startedAt = number;
    }
    position = end + 1;
  }
  if (current) yield { line: startedAt, text: current };
}

function propertyName(content: string): string {
  const end = content.search(/[:;]/);
  return end < 0 || end > 40 ? "" : content.slice(0, end).toUpperCase();
}

const valueOf = (content: string): string =>
  content
    .slice(content.indexOf(":") + 1)
    .trim()
    .slice(0, 60)
    .toUpperCase();

function notACalendar(beginning: string): AdapterError {
  if (beginning.trim() === "") {
    return new AdapterError("ICS_NOT_A_CALENDAR", "the calendar is empty", {
      hint: "Is it being written just now, or is it the wrong file?",
    });
  }
  const isPage = /^\s*(?:<!doctype|<html|<head|<\?xml|<!--|<script)/i.test(beginning);
  return new AdapterError(
    "ICS_NOT_A_CALENDAR",
    isPage ? "what came back is a web page, not a calendar" : "this is not an ICS calendar",
    {
      hint: isPage
        ? "Perhaps a login or share page? Use the calendar's ics (iCal) address"
        : "An ICS calendar begins with BEGIN:VCALENDAR",
    },
  );
}

function cutShort(why: string): AdapterError {
  return new AdapterError("ICS_CUT_SHORT", `the calendar is not whole: ${why}`, {
    hint: "It may be in the middle of being written or sent; it is read again at the next look",
  });
}
