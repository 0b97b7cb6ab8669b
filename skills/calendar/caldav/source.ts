import type { CalendarSource } from "../calendar-source.ts";
import { emptyMirror, hashOfMirror, mirrorPath, openMirror, type Mirror } from "../mirror.ts";
import { shortHash } from "../snapshot.ts";
import type { HttpLimits } from "../bounded-fetch.ts";
import { openDav, type DavLogin, type DavSession } from "./dav.ts";
import { findCollections, type DavCollection } from "./discovery.ts";
import { syncCollection } from "./sync.ts";
import { davWriter } from "./writer.ts";

export interface CaldavSourceOptions {
  readonly name: string;
  readonly login: DavLogin;
  /** The one calendar of the user that is meant. */
  readonly calendar: string | undefined;
  /** Of the owner, in lower case. */
  readonly addresses: readonly string[];
  readonly timezone: string;
  readonly stateDir: string | undefined;
  readonly limits?: HttpLimits;
}

/** What a look at the server brings: everything it holds, and where that stands. */
export interface DavLook {
  readonly dav: DavSession;
  readonly collections: readonly DavCollection[];
  readonly mirror: Mirror;
}

/** A calendar, or all calendars of a user, on a CalDAV server. */
export function caldavSource(options: CaldavSourceOptions): CalendarSource {
  const { name, login, calendar, stateDir, limits } = options;
  const identity = shortHash(JSON.stringify([login.url, login.user, calendar]));
  const file = openMirror(stateDir && mirrorPath(stateDir, name), identity);
  // Found once for the life of the process; a look that fails looks for them again.
  let found: readonly DavCollection[] | undefined;

  async function sync(signal: AbortSignal, now: Date): Promise<DavLook> {
    const dav = await openDav(login, { signal, now, ...(limits ? { limits } : {}) });
    try {
      found ??= await findCollections(dav, login, calendar);
      const known = await file.load();
      const next = emptyMirror(identity);
      for (const { url } of found) {
        const collection = known.collections[url];
        next.collections[url] = await syncCollection(dav, url, collection, now.getTime());
      }
      if (JSON.stringify(next) !== JSON.stringify(known)) await file.save(next);
      return { dav, collections: found, mirror: next };
    } catch (error) {
      found = undefined;
      throw error;
    }
  }

  return {
    name,
    identity,
    async read({ validators, signal, now }) {
      const { mirror } = await sync(signal, now);
      const bodyHash = hashOfMirror(mirror);
      if (validators?.bodyHash === bodyHash) return { kind: "unchanged" };
      const items = Object.values(mirror.collections).flatMap((one) => Object.values(one.items));
      return { kind: "changed", texts: items.map(({ ics }) => ics), validators: { bodyHash } };
    },
    writer: davWriter({ ...options, sync }),
  };
}
