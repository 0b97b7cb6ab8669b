import { identifyMessage, parseMessageKey } from "./identity.ts";
import type { OpenFolder } from "./imap-connection.ts";
import { fetchMessage, searchUids } from "./imap-folder.ts";
import type { StoredMessage } from "./mailbox.ts";

/** How far back recent mail goes, and how many messages are compared at most. */
const recentMs = 30 * 86_400_000;
const mostCompared = 200;

/** Finds a message by its key or Message-ID; of several, the newest. */
export async function findInFolder(
  { client, folder }: OpenFolder,
  id: string,
  now: Date,
): Promise<StoredMessage | undefined> {
  const wanted = parseMessageKey(id);
  if (wanted.messageId === "" && wanted.digest === undefined) return undefined;
  const since = new Date(now.getTime() - recentMs);
  const seen = new Set<number>();
  for (const query of queriesFor(wanted.messageId, since)) {
    const uids = (await searchUids(client, query)).filter((uid) => !seen.has(uid));
    for (const uid of uids.sort((a, b) => b - a).slice(0, mostCompared)) {
      seen.add(uid);
      const stored = await fetchMessage(client, uid, folder.uidValidity, now);
      if (stored === undefined || stored === "withheld") continue;
      // The server looks for a part of the header: compare the whole.
      const { messageId, digest } = identifyMessage(stored.source, stored.size);
      if (messageId === wanted.messageId && (wanted.digest ?? digest) === digest) return stored;
    }
  }
  return undefined;
}

// Recent mail first: for all of a big folder a server may have to open every message.
function queriesFor(messageId: string, since: Date) {
  if (messageId === "") return [{ not: { header: { "message-id": true } }, since }];
  const header = { "message-id": messageId };
  return [{ header, since }, { header }];
}
