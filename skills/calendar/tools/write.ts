import { type AnyTool, defineTool, ToolError, type ToolRunContext, z } from "watchkeeper";
import type { EditedEvent, EventTimes, WriteRequest, WrittenEvent } from "../calendar-writer.ts";
import {
  referenceText,
  resolveReference,
  writable,
  writableFor,
  pick,
  type Writable,
} from "../event-reference.ts";
import * as field from "../tool-input.ts";
import { createTimeWords } from "../time-words.ts";
import { databaseZone, utcZone } from "../zones.ts";
import type { CalendarToolOptions } from "./list.ts";

/** What comes back of a write; `undo` reads it from the journal. */
interface Created {
  readonly id: string;
  readonly calendar: string;
  readonly start: string;
  readonly end: string;
  readonly note?: string;
  readonly written: WrittenEvent;
}

interface Updated {
  readonly id: string;
  readonly calendar: string;
  readonly written: EditedEvent;
}

const timeout = "45s";
const undoMs = 30_000;

const requestOf = ({ signal, now, idempotencyKey }: ToolRunContext): WriteRequest => ({
  signal,
  now,
  key: idempotencyKey,
});

/** Taking back has no call of its own to go with: it is bounded here. */
const undoRequest = (key: string): WriteRequest => ({
  signal: AbortSignal.timeout(undoMs),
  now: new Date(),
  key: `undo ${key}`,
});

/** The tools that change calendars. */
export function writeTools({ sources, timezone }: CalendarToolOptions): Record<string, AnyTool> {
  const zone = databaseZone(timezone) ?? utcZone;
  const named = (name: string): Writable => writable(pick(name, sources).source);
  /** Which calendar it is about: the owner's own word, so a grant may name it. */
  const aboutSource = (id: string): Record<string, string> => ({
    calendar: resolveReference(id, sources).name,
  });
  return {
    create: defineTool({
      description: "Put an event into the owner's calendar. Attendees are invited.",
      effect: ({ attendees }) => ((attendees?.length ?? 0) > 0 ? "send" : "write"),
      timeout,
      input: z.strictObject({
        calendar: field.calendarName(),
        title: field.title(),
        start: field.time().describe(field.timeHelp),
        end: field.time().optional().describe("Default one hour; for dates the last day"),
        place: field.place().optional(),
        about: field.about().optional(),
        attendees: field.attendees().optional(),
      }),
      async run(input, context): Promise<Created> {
        const { name, writer } = writableFor(input.calendar, sources);
        const times = field.readTimes(input.start, input.end, zone);
        const { title, place, about, attendees = [] } = input;
        const draft = { ...times, title, place, about, attendees };
        const written = await writer.create(draft, requestOf(context));
        return created(name, written, times);
      },
      async undo({ calendar, written }: Created) {
        await named(calendar).writer.removeCreated(written, undoRequest(written.id));
      },
      async reconcile(input, context) {
        const { name, writer } = writableFor(input.calendar, sources);
        const written = await writer.findCreated(requestOf(context));
        if (!written) return "not-done";
        return { result: created(name, written, field.readTimes(input.start, input.end, zone)) };
      },
      async subject({ calendar }) {
        return { calendar: writableFor(calendar, sources).name };
      },
    }),
    update: defineTool({
      description:
        "Change what is given of an event or of one occurrence; an empty place or about takes it away.",
      effect: ({ tellOthers }) => (tellOthers ? "send" : "write"),
      timeout,
      input: z.strictObject({
        id: field.reference(),
        title: field.title().optional(),
        start: field.time().optional(),
        end: field.time().optional(),
        place: field.place().optional(),
        about: field.about().optional(),
        tellOthers: z.boolean().default(false).describe("Needed when others are invited"),
      }),
      async run({ id, tellOthers, start, end, ...texts }, context): Promise<Updated> {
        const { name, writer, reference } = resolveReference(id, sources);
        if (start === undefined && end !== undefined) {
          throw new ToolError("CALENDAR_BAD_TIMES", "end is given without start", {
            hint: "Give start and end together",
          });
        }
        const times = start === undefined ? undefined : field.readTimes(start, end, zone);
        if (!times && Object.values(texts).every((text) => text === undefined)) {
          throw new ToolError("CALENDAR_NOTHING_TO_CHANGE", "nothing is to be changed", {
            hint: "Give title, start and end, place or about",
          });
        }
        const written = await writer.edit(
          reference,
          { ...texts, times },
          { ...requestOf(context), tellOthers },
        );
        return updated(name, written);
      },
      async undo({ calendar, written }: Updated) {
        await named(calendar).writer.takeBackEdit(written, undoRequest(written.id));
      },
      async reconcile({ id }, context) {
        const { name, writer, reference } = resolveReference(id, sources);
        const written = await writer.findEdited(reference, requestOf(context));
        // Somebody else may have changed it after us: that there is no mark proves nothing.
        return written && { result: updated(name, written) };
      },
      async subject({ id }) {
        return aboutSource(id);
      },
    }),
    respond: defineTool({
      description: "Answer an invitation to the owner.",
      effect: "send",
      timeout,
      input: z.strictObject({
        id: field.reference(),
        answer: z.enum(["accepted", "declined", "tentative"]),
      }),
      async run({ id, answer }, context) {
        const { writer, reference } = resolveReference(id, sources);
        await writer.respond(reference, answer, requestOf(context));
        return { id, answer };
      },
      async reconcile({ id, answer }, context) {
        const { writer, reference } = resolveReference(id, sources);
        const there = await writer.answerOf(reference, requestOf(context));
        return there === answer ? { result: { id, answer } } : "not-done";
      },
      async subject({ id }) {
        return aboutSource(id);
      },
    }),
    delete: defineTool({
      description: "Delete an event, a whole series, or one occurrence.",
      effect: "destroy",
      timeout,
      input: z.strictObject({ id: field.reference() }),
      async run({ id }, context) {
        const { writer, reference } = resolveReference(id, sources);
        await writer.remove(reference, requestOf(context));
        return { id, deleted: true };
      },
      async reconcile({ id }, context) {
        const { writer, reference } = resolveReference(id, sources);
        const isThere = await writer.exists(reference, requestOf(context));
        return isThere ? "not-done" : { result: { id, deleted: true } };
      },
      async subject({ id }) {
        return aboutSource(id);
      },
    }),
  };

  function created(calendar: string, written: WrittenEvent, times: EventTimes): Created {
    const words = createTimeWords(timezone);
    const isDate = times.days !== undefined;
    return {
      id: referenceText(calendar, { id: written.id, recurrenceId: "" }),
      calendar,
      start: words.iso(times.start, isDate),
      end: words.iso(times.end, isDate),
      written,
    };
  }
}

const updated = (calendar: string, written: EditedEvent): Updated => ({
  id: referenceText(calendar, written),
  calendar,
  written,
});
