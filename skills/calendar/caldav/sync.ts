import { AdapterError } from "watchkeeper";
import { type MirrorCollection, type MirrorItem, mirrorLimits } from "../mirror.ts";
import { dayMs } from "../zones.ts";
import { type DavAnswer, type DavEntry, type DavSession, reportBody, textOf } from "./dav.ts";

/** Events that ended earlier are not fetched. */
const daysBack = 2;
/** After that the whole is listed anew: what is over goes, and what a server forgot to say comes. */
const listAgainMs = dayMs;
const itemsPerRequest = 100;
const mostPages = 50;

/**
 * Brings what is known of one calendar up to date: by the server's sync token where that is good,
 * else by listing what is there and fetching what has changed.
 * @throws AdapterError; what is known stays as it was then.
 */
export async function syncCollection(
  dav: DavSession,
  url: string,
  known: MirrorCollection | undefined,
  now: number,
): Promise<MirrorCollection> {
  const isFresh = known?.token !== undefined && now - known.listedAt < listAgainMs;
  const news = isFresh && known.listedAt <= now ? await changesSince(dav, url, known) : undefined;
  if (news && known) {
    const items = { ...known.items };
    for (const gone of news.gone) delete items[gone];
    const wanted = [...news.changed].filter(([id, etag]) => items[id]?.etag !== etag);
    await fetchItems(
      dav,
      url,
      wanted.map(([id]) => id),
      items,
    );
    return { ...known, token: news.token, items };
  }
  return list(dav, url, known, now);
}

interface News {
  readonly token: string;
  readonly changed: ReadonlyMap<string, string | undefined>;
  readonly gone: ReadonlySet<string>;
}

/** @returns undefined when the server does not take the token. */
async function changesSince(
  dav: DavSession,
  url: string,
  known: MirrorCollection,
): Promise<News | undefined> {
  const changed = new Map<string, string | undefined>();
  const gone = new Set<string>();
  let token = known.token;
  for (let page = 0; page < mostPages && token !== undefined; page += 1) {
    const answer = await dav.report(
      url,
      reportBody("d:sync-collection", {
        "d:sync-token": token,
        "d:sync-level": 1,
        "d:prop": { "d:getetag": {} },
      }),
    );
    if (answer.status !== 207 || answer.syncToken === undefined) return undefined;
    const isCut = answer.entries.some((entry) => entry.status === 507);
    for (const entry of answer.entries) {
      if (entry.status === 507 || !isObjectOf(url, entry.url)) continue;
      if (entry.status === 404) {
        gone.add(entry.url);
        changed.delete(entry.url);
      } else {
        changed.set(entry.url, textOf(entry.props["getetag"]));
        gone.delete(entry.url);
      }
    }
    if (changed.size > mirrorLimits.items) throw tooMany(url);
    if (!isCut) return { token: answer.syncToken, changed, gone };
    // A server that gives the same bookmark again would never come to an end.
    if (answer.syncToken === token) return undefined;
    token = answer.syncToken;
  }
  return undefined;
}

async function list(
  dav: DavSession,
  url: string,
  known: MirrorCollection | undefined,
  now: number,
): Promise<MirrorCollection> {
  // The token comes first: what changes in between is then told again, not lost.
  const state = await dav.propfind(url, { "d:sync-token": {} }, "0");
  if (state.status !== 207) throw refused(url, state);
  const token = state.entries.map(({ props }) => textOf(props["syncToken"])).find(Boolean);
  const start = new Date(now - daysBack * dayMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const answer = await dav.report(
    url,
    reportBody("c:calendar-query", {
      "d:prop": { "d:getetag": {} },
      "c:filter": {
        "c:comp-filter": {
          _attributes: { name: "VCALENDAR" },
          "c:comp-filter": {
            _attributes: { name: "VEVENT" },
            "c:time-range": { _attributes: { start } },
          },
        },
      },
    }),
  );
  if (answer.status !== 207) throw refused(url, answer);
  const found = answer.entries.filter(
    (entry) => entry.status >= 200 && entry.status < 300 && isObjectOf(url, entry.url),
  );
  if (found.length > mirrorLimits.items) throw tooMany(url);
  const items: Record<string, MirrorItem> = {};
  const wanted: string[] = [];
  for (const { url: id, props } of found) {
    const etag = textOf(props["getetag"]);
    const before = known?.items[id];
    if (before && etag !== undefined && before.etag === etag) items[id] = before;
    else wanted.push(id);
  }
  await fetchItems(dav, url, wanted, items);
  return { ...(token === undefined ? {} : { token }), listedAt: now, items };
}

/** Fetches objects into `items`; what is gone by now is left out of them. */
async function fetchItems(
  dav: DavSession,
  url: string,
  ids: readonly string[],
  items: Record<string, MirrorItem>,
): Promise<void> {
  let bytes = Object.values(items).reduce((sum, { ics }) => sum + ics.length, 0);
  for (let from = 0; from < ids.length; from += itemsPerRequest) {
    const batch = ids.slice(from, from + itemsPerRequest);
    const answer = await dav.report(
      url,
      reportBody("c:calendar-multiget", {
        "d:prop": { "d:getetag": {}, "c:calendar-data": {} },
        "d:href": batch.map((id) => new URL(id).pathname),
      }),
    );
    if (answer.status !== 207) throw refused(url, answer);
    const asked = new Set(batch);
    for (const entry of answer.entries) {
      if (!asked.has(entry.url)) continue;
      const item = itemOf(entry);
      if (!item) {
        delete items[entry.url];
        continue;
      }
      items[entry.url] = item;
      bytes += item.ics.length;
    }
    if (bytes > mirrorLimits.bytes) throw tooMany(url);
  }
}

function itemOf({ status, props }: DavEntry): MirrorItem | undefined {
  const ics = textOf(props["calendarData"]);
  if (status >= 300 || ics === undefined) return undefined;
  return { etag: textOf(props["getetag"]) ?? "", ics: ics.slice(0, mirrorLimits.itemBytes) };
}

/** Only what stands right in the calendar: an answer may name anything. */
function isObjectOf(collection: string, url: string): boolean {
  return url.startsWith(collection) && url.length > collection.length && !url.endsWith("/");
}

const tooMany = (url: string): AdapterError =>
  new AdapterError("CALENDAR_TOO_LARGE", `${new URL(url).host} has more than can be read`, {
    hint: `At most ${mirrorLimits.items} events and ${mirrorLimits.bytes / 1_000_000} MB are read; move old events to another calendar`,
  });

function refused(url: string, { status }: DavAnswer): AdapterError {
  const { host } = new URL(url);
  if (status === 404 || status === 410) {
    return new AdapterError("CALDAV_NOT_FOUND", `${host} has no calendar there (${status})`, {
      hint: "Was it renamed or taken away? Correct caldav.url",
    });
  }
  if (status === 403) {
    return new AdapterError("CALDAV_LOGIN_REFUSED", `${host} refuses access (403)`, {
      hint: "See that this user may read the calendar",
    });
  }
  return new AdapterError(
    "CALDAV_BAD_ANSWER",
    `${host} does not answer as a CalDAV server (${status})`,
    { hint: "Is caldav.url the address of the calendar, or a login page?" },
  );
}
