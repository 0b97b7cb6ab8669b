import { createHash } from "node:crypto";
import { ToolError } from "watchkeeper";
import type {
  CalendarWriter,
  EditedEvent,
  EventReference,
  WriteRequest,
  WrittenEvent,
} from "../calendar-writer.ts";
import { noSuchEvent } from "../edit-refusals.ts";
import {
  answerEvent,
  bearsKey,
  type Before,
  composeEvent,
  editEvent,
  type EditContext,
  idsIn,
  occurs,
  readAnswer,
  removeOccurrence,
  restoreEvent,
} from "../ical-edit.ts";
import {
  beforeWriting,
  cannotTakeBack,
  changedMeanwhile,
  whileWriting,
  writeRefused,
} from "../write-errors.ts";
import { databaseZone, utcZone } from "../zones.ts";
import type { DavAnswer, DavSession } from "./dav.ts";
import type { DavLook } from "./source.ts";

export interface DavWriterOptions {
  readonly addresses: readonly string[];
  readonly timezone: string;
  readonly sync: (signal: AbortSignal, now: Date) => Promise<DavLook>;
}

/** One calendar object as it stands at this moment. */
interface Stored {
  readonly dav: DavSession;
  readonly url: string;
  readonly etag: string;
  readonly text: string;
}

/** Writes to the calendars of a CalDAV server; each write is bound to the version that was read. */
export function davWriter({ addresses, timezone, sync }: DavWriterOptions): CalendarWriter {
  const contextOf = async (request: WriteRequest): Promise<EditContext> => ({
    library: (await import("ical.js")).default,
    owner: databaseZone(timezone) ?? utcZone,
    addresses,
    ...request,
  });

  /** Finds the object of an event: the mirror says where, the server what. */
  async function find(
    reference: EventReference,
    request: WriteRequest,
  ): Promise<Stored | undefined> {
    const { dav, mirror } = await sync(request.signal, request.now);
    for (const { items } of Object.values(mirror.collections)) {
      for (const [url, { ics }] of Object.entries(items)) {
        if ((await idsIn(ics, request.signal)).includes(reference.id)) return get(dav, url);
      }
    }
    return undefined;
  }

  async function need(reference: EventReference, request: WriteRequest): Promise<Stored> {
    const stored = await beforeWriting(() => find(reference, request));
    if (!stored) throw noSuchEvent();
    return stored;
  }

  /** The new object's address follows from the key: a second attempt finds the first. */
  async function placeFor({ key, signal, now }: WriteRequest) {
    const { dav, collections } = await sync(signal, now);
    const [first] = collections;
    if (!first) throw noSuchEvent();
    const uid = `watchkeeper-${createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
    return { dav, uid, url: new URL(`${uid}.ics`, first.url).href };
  }

  async function current(written: WrittenEvent, request: WriteRequest): Promise<Stored> {
    return beforeWriting(async () => {
      const { dav } = await sync(request.signal, request.now);
      const stored = await get(dav, written.at);
      if (!stored) throw noSuchEvent();
      if (written.etag === "" || stored.etag !== written.etag) throw changedMeanwhile();
      return stored;
    });
  }

  return {
    async create(draft, request) {
      const { dav, uid, url } = await beforeWriting(() => placeFor(request));
      const context = await contextOf(request);
      const organizer = addresses[0];
      const text = composeEvent(context, { uid, draft, organizer });
      const etag = await put(dav, url, text, { "if-none-match": "*" });
      return { id: uid, at: url, etag };
    },
    async findCreated(request) {
      const { dav, uid, url } = await placeFor(request);
      const stored = await get(dav, url);
      return stored && { id: uid, at: url, etag: stored.etag };
    },
    async removeCreated(written, request) {
      await remove(await current(written, request));
    },
    async edit(reference, edit, request) {
      const stored = await need(reference, request);
      const context = { ...(await contextOf(request)), tellOthers: request.tellOthers };
      const { text, before } = await editEvent(stored.text, reference, edit, context);
      const etag = await replace(stored, text);
      return { ...reference, at: stored.url, etag, before };
    },
    async findEdited(reference, request): Promise<EditedEvent | undefined> {
      const stored = await find(reference, request);
      const context = await contextOf(request);
      if (!stored || !(await bearsKey(stored.text, reference, context))) return undefined;
      return { ...reference, at: stored.url, etag: stored.etag };
    },
    async takeBackEdit(edited, request) {
      if (edited.before === undefined) throw cannotTakeBack();
      const stored = await current(edited, request);
      const context = await contextOf(request);
      await replace(
        stored,
        await restoreEvent(stored.text, edited, edited.before as Before, context),
      );
    },
    async respond(reference, answer, request) {
      const stored = await need(reference, request);
      const context = await contextOf(request);
      await replace(stored, await answerEvent(stored.text, reference, answer, context));
    },
    async answerOf(reference, request) {
      const stored = await find(reference, request);
      const answer = stored && (await readAnswer(stored.text, reference, await contextOf(request)));
      return answer === "accepted" || answer === "declined" || answer === "tentative"
        ? answer
        : undefined;
    },
    async remove(reference, request) {
      const stored = await need(reference, request);
      if (reference.recurrenceId === "") return remove(stored);
      const context = await contextOf(request);
      await replace(stored, await removeOccurrence(stored.text, reference, context));
    },
    async exists(reference, request) {
      const stored = await find(reference, request);
      return (
        stored !== undefined && (await occurs(stored.text, reference, await contextOf(request)))
      );
    },
  };
}

async function get(dav: DavSession, url: string): Promise<Stored | undefined> {
  const { status, etag, text } = await dav.object("GET", url);
  if (status === 404 || status === 410) return undefined;
  if (status !== 200) throw writeRefused(new URL(url).host, status);
  if (etag === undefined) {
    const { host } = new URL(url);
    throw new ToolError("CALENDAR_NO_VERSION", `${host} does not tell versions of events apart`, {
      hint: "Nothing was written: a change of somebody else could be overwritten",
    });
  }
  return { dav, url, etag, text };
}

const replace = async ({ dav, url, etag }: Stored, text: string): Promise<string> =>
  put(dav, url, text, { "if-match": etag });

/** @returns the etag of what was written, empty when the server does not say. */
async function put(
  dav: DavSession,
  url: string,
  text: string,
  condition: Record<string, string>,
): Promise<string> {
  const headers = { "content-type": "text/calendar; charset=utf-8", ...condition };
  const answer = await whileWriting(
    () => dav.object("PUT", url, { headers, body: text }),
    ["CALDAV_LOGIN_REFUSED"],
  );
  refuseUnlessDone(url, answer);
  if (answer.etag !== undefined) return answer.etag;
  // Some servers change what they are given and so name no version: ask for it.
  return (await get(dav, url).catch(() => undefined))?.etag ?? "";
}

async function remove({ dav, url, etag }: Stored): Promise<void> {
  const headers = { "if-match": etag };
  const answer = await whileWriting(
    () => dav.object("DELETE", url, { headers }),
    ["CALDAV_LOGIN_REFUSED"],
  );
  refuseUnlessDone(url, answer);
}

function refuseUnlessDone(url: string, { status }: DavAnswer): void {
  if (status >= 200 && status < 300) return;
  if (status === 412) throw changedMeanwhile();
  if (status === 404 || status === 410) throw noSuchEvent();
  throw writeRefused(new URL(url).host, status);
}
