import type { ImapFlow } from "imapflow";
import type { Account } from "./config.ts";
import type { ImapServer } from "./servers.ts";
import { imapMailbox } from "./imap-mailbox.ts";
import type { LookInput } from "./mailbox.ts";
import { specialFolder } from "./imap-changes.ts";
import { openFolder, withClient } from "./imap-connection.ts";
import { findInFolder } from "./imap-find.ts";
import { notKept, type SentCopy, type SentFolder } from "./sent-folder.ts";

/** The folder that an IMAP server, or its name, says is for sent mail. */
export function imapSent(server: ImapServer, baseDir: string): SentFolder {
  return {
    find: (ids, { signal, now }) =>
      withClient(server, { baseDir, signal }, async (client) => {
        const path = await specialFolder(client, ["\\Sent"]);
        return path === undefined ? undefined : findIn(client, path, ids, now);
      }),
    keep: ({ messageId, raw }: SentCopy, { signal, now }) =>
      withClient(server, { baseDir, signal }, async (client) => {
        const path = await specialFolder(client, ["\\Sent"]);
        if (path === undefined) return false;
        if ((await findIn(client, path, [messageId], now)).size > 0) return true;
        const appended = await client.append(path, raw, ["\\Seen"], now);
        if (appended === false) throw notKept(`the server did not take it into ${path}`);
        return true;
      }),
  };
}

/** The same folder as one that is looked at; its look gives undefined when there is none. */
export function imapSentMailbox(account: Account, server: ImapServer, baseDir: string) {
  let path: string | undefined;
  return {
    look: async (input: LookInput) => {
      const { signal } = input;
      path ??= await withClient(server, { baseDir, signal }, (client) =>
        specialFolder(client, ["\\Sent"]),
      );
      if (path === undefined) return undefined;
      try {
        return await imapMailbox({ account, server, folder: path, baseDir }).look(input);
      } catch (error) {
        // It may have been renamed: the server is asked again.
        path = undefined;
        throw error;
      }
    },
  };
}

async function findIn(
  client: ImapFlow,
  path: string,
  ids: readonly string[],
  now: Date,
): Promise<Set<string>> {
  const folder = await openFolder(client, path);
  const found = new Set<string>();
  for (const id of ids) {
    if ((await findInFolder({ client, folder }, id, now)) !== undefined) found.add(id);
  }
  return found;
}
