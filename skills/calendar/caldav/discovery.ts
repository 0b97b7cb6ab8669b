import { AdapterError } from "watchkeeper";
import { badRedirect, isDowngrade } from "../bounded-fetch.ts";
import { type DavEntry, type DavLogin, type DavSession, textOf } from "./dav.ts";

/** A calendar on a server. */
export interface DavCollection {
  readonly url: string;
  readonly title: string;
}

const mostCollections = 20;
const wantedProps = {
  "d:resourcetype": {},
  "d:displayname": {},
  "c:supported-calendar-component-set": {},
};

/**
 * Finds the calendars that a login is about: the address may be a calendar's own, or anything from
 * which its server leads to the user's calendars.
 * @param wanted the one calendar that is meant, by its title or the last part of its address
 * @throws AdapterError with a code that begins with CALDAV_ or CALENDAR_
 */
export async function findCollections(
  dav: DavSession,
  login: DavLogin,
  wanted: string | undefined,
): Promise<DavCollection[]> {
  const at = withSlash(login.url);
  const { host } = new URL(at);
  const own = await dav.propfind(at, wantedProps, "0");
  const direct = own.entries.filter(isCalendar).map(collectionOf);
  if (direct.length > 0) return direct.slice(0, 1);
  const all = await homeCollections(dav, at);
  const chosen = wanted === undefined ? all : all.filter((one) => isNamed(one, wanted));
  if (chosen.length > 0) return chosen.slice(0, mostCollections);
  const known = all.map(({ title }) => `"${title}"`).join(", ");
  throw new AdapterError(
    "CALDAV_NO_CALENDAR",
    wanted === undefined
      ? `${host} has no calendar for this user`
      : `${host} has no calendar "${wanted}"`,
    {
      hint: known
        ? `It has: ${known}; name one in caldav.calendar`
        : "Use the address that the server's help gives for CalDAV",
    },
  );
}

async function homeCollections(dav: DavSession, at: string): Promise<DavCollection[]> {
  const { library, fetch, headers } = dav;
  const account = { accountType: "caldav" as const, serverUrl: at };
  const { host } = new URL(at);
  const attempts = [at, await library.serviceDiscovery({ account, headers, fetch })];
  for (const rootUrl of new Set(attempts)) {
    if (isDowngrade(new URL(at), new URL(rootUrl))) throw badRedirect(host);
    const homeUrl = await findHome(dav, { ...account, rootUrl });
    if (homeUrl === undefined) continue;
    if (isDowngrade(new URL(at), new URL(homeUrl))) throw badRedirect(host);
    const listed = await dav.propfind(withSlash(homeUrl), wantedProps, "1");
    return listed.entries
      .filter(isCalendar)
      .filter((entry) => new URL(entry.url).origin === new URL(homeUrl).origin)
      .map(collectionOf);
  }
  throw new AdapterError("CALDAV_NOT_FOUND", `${host} leads to no calendars at this address`, {
    hint: "Use the address that the server's help gives for CalDAV, or that of the calendar itself",
  });
}

/** The library throws a plain error where a server does not lead on; ours go on. */
async function findHome(
  { library, fetch, headers }: DavSession,
  account: { accountType: "caldav"; serverUrl: string; rootUrl: string },
): Promise<string | undefined> {
  try {
    const principalUrl = await library.fetchPrincipalUrl({ account, headers, fetch });
    return await library.fetchHomeUrl({ account: { ...account, principalUrl }, headers, fetch });
  } catch (error) {
    if (error instanceof AdapterError || (error instanceof Error && error.name !== "Error")) {
      throw error;
    }
    return undefined;
  }
}

const withSlash = (url: string): string => (url.endsWith("/") ? url : `${url}/`);

function isCalendar({ props }: DavEntry): boolean {
  const type = props["resourcetype"];
  if (typeof type !== "object" || type === null || !("calendar" in type)) return false;
  const set = props["supportedCalendarComponentSet"];
  const text = set === undefined ? "" : JSON.stringify(set);
  // A list of tasks is a calendar too.
  return !text.includes('"name"') || text.includes('"VEVENT"');
}

const collectionOf = ({ url, props }: DavEntry): DavCollection => ({
  url,
  title: textOf(props["displayname"]) ?? lastPart(url),
});

const lastPart = (url: string): string =>
  decodeURIComponent(new URL(url).pathname.split("/").filter(Boolean).at(-1) ?? "");

const isNamed = (one: DavCollection, wanted: string): boolean =>
  [one.title.toLowerCase(), lastPart(one.url).toLowerCase()].includes(wanted.toLowerCase());
