import { ToolError } from "watchkeeper";
import type { CalendarSource } from "./calendar-source.ts";
import type { CalendarWriter, EventReference } from "./calendar-writer.ts";
import type { OpenSource } from "./sources.ts";

/** How tools name an event: `SOURCE/EVENT` or, for one occurrence, `SOURCE/EVENT/TIME`. */
export const referenceText = (
  source: string,
  { id, recurrenceId }: { id: string; recurrenceId: string },
): string => [source, id, ...(recurrenceId ? [recurrenceId] : [])].join("/");

const pattern =
  /^([A-Za-z0-9][A-Za-z0-9_-]{0,39})\/([\w.@+-]{1,100}|#[\w-]{22})(?:\/(\d{8}(?:T\d{6})?))?$/;

export const isReference = (text: string): boolean => pattern.test(text);

export interface Writable {
  readonly name: string;
  readonly writer: CalendarWriter;
}

/**
 * Finds what a tool's `id` means.
 * @throws ToolError when there is no such calendar, or it cannot be written
 */
export function resolveReference(
  text: string,
  sources: readonly OpenSource[],
): Writable & { readonly reference: EventReference } {
  const match = pattern.exec(text);
  if (!match) {
    throw new ToolError("CALENDAR_NO_SUCH_EVENT", "that is not the id of an event", {
      hint: "Use an id as it stands in a finding or in calendar_list",
    });
  }
  const [, name = "", id = "", recurrenceId = ""] = match;
  return { ...writable(pick(name, sources).source), reference: { id, recurrenceId } };
}

/** @throws ToolError when there is no calendar of that name */
export function pick(name: string, sources: readonly OpenSource[]): OpenSource {
  const found = sources.find(({ source }) => source.name === name);
  if (found) return found;
  throw new ToolError("CALENDAR_UNKNOWN_SOURCE", "there is no calendar of that name", {
    hint: `The calendars are: ${sources.map(({ source }) => source.name).join(", ")}`,
  });
}

/** @throws ToolError when the calendar can only be read */
export function writable({ name, writer }: CalendarSource): Writable {
  if (writer) return { name, writer };
  throw new ToolError("CALENDAR_READ_ONLY", `calendar "${name}" can only be read`, {
    hint: "It is an iCalendar file or address; only caldav and google calendars can be changed",
  });
}

/** The calendar that a new event goes into. @throws ToolError when it is not clear which */
export function writableFor(name: string | undefined, sources: readonly OpenSource[]): Writable {
  if (name !== undefined) return writable(pick(name, sources).source);
  const [first, ...others] = sources.filter(({ source }) => source.writer);
  if (!first) {
    const [any] = sources;
    if (any) return writable(any.source);
  }
  if (first && others.length === 0) return writable(first.source);
  throw new ToolError("CALENDAR_UNKNOWN_SOURCE", "it is not clear which calendar is meant", {
    hint: `Name one in calendar: ${[first, ...others].map((one) => one?.source.name).join(", ")}`,
  });
}
