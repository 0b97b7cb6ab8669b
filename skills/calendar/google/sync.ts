import { AdapterError, z } from "watchkeeper";
import { type MirrorCollection, mirrorLimits } from "../mirror.ts";
import type { IcalLibrary } from "../recurrence.ts";
import { dayMs } from "../zones.ts";
import { explainGoogle, type GoogleEvents, type GoogleRequest, refusalOf } from "./client.ts";
import { type GoogleEvent, icsOfGoogleEvent } from "./to-ics.ts";

const daysBack = 2;
/** After that everything is listed anew, so that what is over goes. */
const listAgainMs = 7 * dayMs;
const mostPages = 200;

/** As much of a page as is built upon; the events are read with care one by one. */
const page = z.object({
  items: z.array(z.looseObject({ id: z.string() })).default([]),
  nextPageToken: z.string().optional(),
  nextSyncToken: z.string().optional(),
});

/**
 * Brings what is known of a Google calendar up to date by its sync token; one that has expired is
 * answered by listing everything.
 * @throws AdapterError with a code that begins with GOOGLE_ or CALENDAR_
 */
export async function syncGoogle(
  events: GoogleEvents,
  calendarId: string,
  known: MirrorCollection | undefined,
  request: GoogleRequest,
): Promise<MirrorCollection> {
  const { default: library } = await import("ical.js");
  const at = request.now.getTime();
  const isFresh = known?.token !== undefined && at - known.listedAt < listAgainMs;
  if (isFresh && known.listedAt <= at) {
    const next = await pages(events, { calendarId, syncToken: known.token ?? "" }, request);
    if (next) return { ...known, ...apply(library, known, next.items), token: next.token };
  }
  const timeMin = new Date(at - daysBack * dayMs).toISOString();
  const all = await pages(events, { calendarId, timeMin }, request);
  if (!all) throw badAnswer("it refuses a full listing");
  const empty = { listedAt: at, items: {} };
  return { ...empty, ...apply(library, empty, all.items), token: all.token };
}

/** @returns undefined when the sync token has expired. */
async function pages(
  events: GoogleEvents,
  query: { calendarId: string; syncToken?: string; timeMin?: string },
  request: GoogleRequest,
): Promise<{ items: GoogleEvent[]; token: string } | undefined> {
  const items: GoogleEvent[] = [];
  let pageToken: string | undefined;
  for (let count = 0; count < mostPages; count += 1) {
    const asked = { ...query, maxResults: 250, ...(pageToken ? { pageToken } : {}) };
    let data: unknown;
    try {
      ({ data } = await events.list(asked));
    } catch (error) {
      if (query.syncToken !== undefined && refusalOf(error)?.status === 410) return undefined;
      throw explainGoogle(error, request);
    }
    const parsed = page.safeParse(data);
    if (!parsed.success) throw badAnswer("what it sends is no list of events");
    for (const one of parsed.data.items) items.push(one);
    if (items.length > mirrorLimits.items) throw tooMany();
    if (parsed.data.nextSyncToken !== undefined) return { items, token: parsed.data.nextSyncToken };
    pageToken = parsed.data.nextPageToken;
    if (pageToken === undefined) throw badAnswer("its list has no end");
  }
  throw tooMany();
}

function apply(
  library: IcalLibrary,
  known: Pick<MirrorCollection, "items" | "addresses">,
  changed: readonly GoogleEvent[],
): Pick<MirrorCollection, "items" | "addresses"> {
  const items = { ...known.items };
  const addresses = new Set(known.addresses);
  // Series first: cancelled occurrences say nothing but whose they are.
  const inOrder = [...changed].sort(
    (one, other) => Number(Boolean(one.recurringEventId)) - Number(Boolean(other.recurringEventId)),
  );
  const uidOfSeries = new Map<string, string>();
  for (const event of inOrder) {
    const id = event.id ?? "";
    for (const { self, email } of [...(event.attendees ?? []), event.organizer ?? {}]) {
      if (self === true && email && addresses.size < 10) addresses.add(email.toLowerCase());
    }
    if (event.iCalUID) uidOfSeries.set(id, event.iCalUID);
    const series = event.recurringEventId ?? undefined;
    if (event.status === "cancelled" && series === undefined) {
      for (const [other, item] of Object.entries(items))
        if (item.series === id) delete items[other];
      delete items[id];
      continue;
    }
    const uid =
      series === undefined ? undefined : (uidOfSeries.get(series) ?? uidIn(items[series]?.ics));
    const ics = written(library, event, uid);
    if (ics === undefined) delete items[id];
    else items[id] = { etag: event.etag ?? "", ics, ...(series === undefined ? {} : { series }) };
  }
  return { items, ...(addresses.size > 0 ? { addresses: [...addresses] } : {}) };
}

/** An event that makes no sense is left out; the rest goes on. */
function written(
  library: IcalLibrary,
  event: GoogleEvent,
  uid: string | undefined,
): string | undefined {
  try {
    return icsOfGoogleEvent(library, event, uid);
  } catch {
    return undefined;
  }
}

const uidIn = (ics: string | undefined): string | undefined =>
  /^UID:(.*(?:\r?\n[ \t].*)*)/m
    .exec(ics ?? "")?.[1]
    ?.replace(/\r?\n[ \t]/g, "")
    .trim();

const badAnswer = (why: string): AdapterError =>
  new AdapterError("GOOGLE_BAD_ANSWER", `Google cannot be understood: ${why}`, {
    hint: "It is tried again later; is rootUrl right?",
  });

const tooMany = (): AdapterError =>
  new AdapterError("CALENDAR_TOO_LARGE", "the Google calendar has more than can be read", {
    hint: `At most ${mirrorLimits.items} events are read; move old events to another calendar`,
  });
