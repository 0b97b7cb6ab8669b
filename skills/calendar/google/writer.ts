import { createHash } from "node:crypto";
import { AdapterError } from "watchkeeper";
import type {
  Answer,
  CalendarWriter,
  EditedEvent,
  EventEdit,
  EventReference,
  EventTimes,
  WriteRequest,
  WrittenEvent,
} from "../calendar-writer.ts";
import { noSuchEvent, notInvited, notYours, othersInvited, wholeSeries } from "../edit-refusals.ts";
import { idOfUid } from "../events.ts";
import { idsIn } from "../ical-edit.ts";
import {
  beforeWriting,
  cannotTakeBack,
  changedMeanwhile,
  whileWriting,
  writeRefused,
} from "../write-errors.ts";
import { explainGoogle, type GoogleEvents, type GoogleRequest, refusalOf } from "./client.ts";
import type { GoogleLook } from "./source.ts";
import type { GoogleEvent } from "./to-ics.ts";

export interface GoogleWriterOptions {
  readonly calendarId: string;
  readonly timezone: string;
  readonly sync: (request: GoogleRequest) => Promise<GoogleLook>;
}

interface Stored {
  readonly events: GoogleEvents;
  readonly event: GoogleEvent;
  readonly eventId: string;
}

/** Google's own names of what an edit may change. */
type EditedFields = Pick<GoogleEvent, "summary" | "location" | "description" | "start" | "end">;

/** Writes to a Google calendar; each write is bound to the version that was read. */
export function googleWriter({ calendarId, timezone, sync }: GoogleWriterOptions): CalendarWriter {
  async function get(
    events: GoogleEvents,
    eventId: string,
    request: GoogleRequest,
  ): Promise<Stored | undefined> {
    try {
      const { data: event } = await events.get({ calendarId, eventId });
      // What was deleted is still there to be asked for.
      return event.status === "cancelled" ? undefined : { events, event, eventId };
    } catch (error) {
      const status = refusalOf(error)?.status;
      if (status === 404 || status === 410) return undefined;
      throw explainGoogle(error, request);
    }
  }

  /** An occurrence of a series has the id of the series and its original time. */
  async function find(
    { id, recurrenceId }: EventReference,
    request: WriteRequest,
  ): Promise<Stored | undefined> {
    const { events, mirror } = await sync(request);
    for (const [eventId, { ics, series }] of itemsOf(mirror)) {
      if (series !== undefined || !(await idsIn(ics, request.signal)).includes(id)) continue;
      if (recurrenceId === "") return get(events, eventId, request);
      const suffix = recurrenceId.includes("T") ? `${recurrenceId}Z` : recurrenceId;
      return get(events, `${eventId}_${suffix}`, request);
    }
    return undefined;
  }

  async function need(reference: EventReference, request: WriteRequest): Promise<Stored> {
    const stored = await beforeWriting(() => find(reference, request));
    if (!stored) throw noSuchEvent();
    return stored;
  }

  async function current(written: WrittenEvent, request: WriteRequest): Promise<Stored> {
    const { events } = await beforeWriting(() => sync(request));
    const stored = await beforeWriting(() => get(events, written.at, request));
    if (!stored) throw noSuchEvent();
    if (stored.event.etag !== written.etag) throw changedMeanwhile();
    return stored;
  }

  async function patch(
    { events, event, eventId }: Stored,
    change: GoogleEvent,
    tellOthers: boolean,
    request: WriteRequest,
  ): Promise<GoogleEvent> {
    return writing(request, async () => {
      const { data } = await events.patch(
        { calendarId, eventId, sendUpdates: tellOthers ? "all" : "none", requestBody: change },
        { headers: { "If-Match": event.etag ?? "" } },
      );
      return data;
    });
  }

  async function remove(stored: Stored, tellOthers: boolean, request: WriteRequest): Promise<void> {
    const { events, event, eventId } = stored;
    await writing(request, () =>
      events.delete(
        { calendarId, eventId, sendUpdates: tellOthers ? "all" : "none" },
        { headers: { "If-Match": event.etag ?? "" } },
      ),
    );
  }

  return {
    async create(draft, request) {
      const { events } = await beforeWriting(() => sync(request));
      const { title, place, about, attendees } = draft;
      const eventId = idOfKey(request.key);
      const requestBody: GoogleEvent = {
        id: eventId,
        summary: title,
        ...timesOf(draft, timezone),
        ...(place ? { location: place } : {}),
        ...(about ? { description: about } : {}),
        ...(attendees.length > 0 ? { attendees: attendees.map((email) => ({ email })) } : {}),
        ...marked(request),
      };
      const sendUpdates = attendees.length > 0 ? "all" : "none";
      const event = await writing(request, async () => {
        const { data } = await events.insert({ calendarId, sendUpdates, requestBody });
        return data;
      });
      return writtenOf(event, eventId);
    },
    async findCreated(request) {
      const { events } = await sync(request);
      const stored = await get(events, idOfKey(request.key), request);
      return stored && writtenOf(stored.event, stored.eventId);
    },
    async removeCreated(written, request) {
      await remove(await current(written, request), false, request);
    },
    async edit(reference, edit, request) {
      const stored = await need(reference, request);
      const { event } = stored;
      refuseOthers(event, request.tellOthers);
      if (edit.times && event.recurrence) throw wholeSeries();
      const fields = fieldsOf(edit, timezone);
      const before: Record<string, unknown> = {};
      for (const name of Object.keys(fields) as (keyof EditedFields)[]) {
        before[name] = event[name] ?? null;
      }
      const next = await patch(
        stored,
        { ...fields, ...marked(request) },
        request.tellOthers,
        request,
      );
      return { ...reference, ...writtenOf(next, stored.eventId), id: reference.id, before };
    },
    async findEdited(reference, request): Promise<EditedEvent | undefined> {
      const stored = await find(reference, request);
      if (stored?.event.extendedProperties?.private?.["watchkeeper"] !== request.key) {
        return undefined;
      }
      return { ...reference, at: stored.eventId, etag: stored.event.etag ?? "" };
    },
    async takeBackEdit(edited, request) {
      if (edited.before === undefined) throw cannotTakeBack();
      const stored = await current(edited, request);
      await patch(stored, edited.before as EditedFields, false, request);
    },
    async respond(reference, answer, request) {
      const stored = await need(reference, request);
      const attendees = stored.event.attendees ?? [];
      if (!attendees.some(({ self }) => self === true)) throw notInvited([""]);
      const answered = attendees.map((one) =>
        one.self === true ? { ...one, responseStatus: answer } : one,
      );
      await patch(stored, { attendees: answered }, true, request);
    },
    async answerOf(reference, request) {
      const stored = await find(reference, request);
      const own = stored?.event.attendees?.find(({ self }) => self === true);
      const status = own?.responseStatus;
      return status && status !== "needsAction" ? (status as Answer) : undefined;
    },
    async remove(reference, request) {
      const stored = await need(reference, request);
      await remove(stored, true, request);
    },
    async exists(reference, request) {
      return (await find(reference, request)) !== undefined;
    },
  };
}

const itemsOf = ({ collections }: GoogleLook["mirror"]) =>
  Object.values(collections).flatMap(({ items }) => Object.entries(items));

/** Ids at Google are of the letters a to v and digits; a hash in hex is. */
const idOfKey = (key: string): string =>
  createHash("sha256").update(`watchkeeper ${key}`).digest("hex").slice(0, 40);

const marked = ({ key }: WriteRequest): GoogleEvent => ({
  extendedProperties: { private: { watchkeeper: key } },
});

const writtenOf = (event: GoogleEvent, eventId: string): WrittenEvent => ({
  id: idOfUid(event.iCalUID ?? eventId) ?? eventId,
  at: eventId,
  etag: event.etag ?? "",
});

/** Clearing what is not there does no harm: a series of days may have had times. */
function timesOf({ start, end, days }: EventTimes, timeZone: string): EditedFields {
  if (days) {
    const none = { dateTime: null, timeZone: null };
    return { start: { ...none, date: days.first }, end: { ...none, date: days.after } };
  }
  const time = (at: number) => ({ date: null, dateTime: new Date(at).toISOString(), timeZone });
  return { start: time(start), end: time(end) };
}

const fieldsOf = (edit: EventEdit, timezone: string): EditedFields => ({
  ...(edit.title === undefined ? {} : { summary: edit.title }),
  ...(edit.place === undefined ? {} : { location: edit.place }),
  ...(edit.about === undefined ? {} : { description: edit.about }),
  ...(edit.times ? timesOf(edit.times, timezone) : {}),
});

function refuseOthers(event: GoogleEvent, tellOthers: boolean): void {
  const others = (event.attendees ?? []).filter(({ self, resource }) => !self && !resource);
  if (others.length === 0) return;
  if (event.organizer && !event.organizer.self && !event.guestsCanModify) throw notYours();
  if (!tellOthers) throw othersInvited();
}

/** @throws ToolError when certainly nothing was written, AdapterError when nobody knows. */
async function writing<Value>(request: GoogleRequest, work: () => Promise<Value>): Promise<Value> {
  return whileWriting(async () => {
    try {
      return await work();
    } catch (error) {
      const status = refusalOf(error)?.status ?? 0;
      if (status === 412) throw changedMeanwhile();
      if (status === 404 || status === 410) throw noSuchEvent();
      const explained = explainGoogle(error, request);
      const isPlain = explained instanceof AdapterError && explained.code === "GOOGLE_REFUSED";
      throw isPlain ? writeRefused("Google", status) : explained;
    }
  }, ["GOOGLE_LOGIN_REVOKED", "GOOGLE_LOGIN_MISSING"]);
}
