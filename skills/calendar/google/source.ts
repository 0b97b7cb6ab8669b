import type { CalendarSource } from "../calendar-source.ts";
import { emptyMirror, hashOfMirror, type Mirror, mirrorPath, openMirror } from "../mirror.ts";
import { shortHash } from "../snapshot.ts";
import {
  createGoogleClient,
  explainGoogle,
  type GoogleClientOptions,
  type GoogleEvents,
  type GoogleRequest,
} from "./client.ts";
import { syncGoogle } from "./sync.ts";
import { googleWriter } from "./writer.ts";

export interface GoogleSourceOptions extends GoogleClientOptions {
  readonly timezone: string;
}

export interface GoogleLook {
  readonly events: GoogleEvents;
  readonly mirror: Mirror;
}

/** One calendar at Google. */
export function googleSource(options: GoogleSourceOptions): CalendarSource {
  const { name, login, stateDir, timezone } = options;
  const { calendarId } = login;
  const identity = shortHash(JSON.stringify([login.rootUrl, login.clientId, calendarId]));
  const file = openMirror(stateDir && mirrorPath(stateDir, name), identity);
  const open = createGoogleClient(options);

  async function sync(request: GoogleRequest): Promise<GoogleLook> {
    const known = await file.load();
    const mirror = emptyMirror(identity);
    try {
      const events = await open(request);
      const collection = known.collections[calendarId];
      mirror.collections[calendarId] = await syncGoogle(events, calendarId, collection, request);
      if (JSON.stringify(mirror) !== JSON.stringify(known)) await file.save(mirror);
      return { events, mirror };
    } catch (error) {
      throw explainGoogle(error, request);
    }
  }

  return {
    name,
    identity,
    async read({ validators, signal, now }) {
      const { mirror } = await sync({ signal, now });
      const bodyHash = hashOfMirror(mirror);
      if (validators?.bodyHash === bodyHash) return { kind: "unchanged" };
      const collections = Object.values(mirror.collections);
      return {
        kind: "changed",
        texts: collections.flatMap(({ items }) => Object.values(items).map(({ ics }) => ics)),
        validators: { bodyHash },
        addresses: collections.flatMap(({ addresses }) => addresses ?? []),
      };
    },
    writer: googleWriter({ calendarId, timezone, sync }),
  };
}
