import type { ImapFlow } from "imapflow";
import { ToolError } from "watchkeeper";
import type { ImapServer } from "./servers.ts";
import { openFolder, withClient } from "./imap-connection.ts";
import { identifyMessage } from "./identity.ts";
import { demandDone, mayKeep, specialFolder, unlessRefused } from "./imap-changes.ts";
import { findInFolder } from "./imap-find.ts";
import { fetchMessage, searchUids, type SearchQuery } from "./imap-folder.ts";
import type {
  ChangeContext,
  FoundMessage,
  MailContext,
  MailQuery,
  MailStore,
  Mark,
} from "./mail-store.ts";

interface Dependencies {
  readonly server: ImapServer;
  /** The watched folders, in the order in which they are searched. */
  readonly folders: readonly string[];
  readonly baseDir: string;
}

const draftOf = ({ stored, folder }: FoundMessage) => ({
  id: identifyMessage(stored.source, stored.size).key,
  folder,
});

/** A message in a folder that is open on the connection. */
interface Located extends FoundMessage {
  readonly uid: string;
}

/** The folders of an IMAP account. Each call has a connection of its own. */
export function imapStore({ server, folders, baseDir }: Dependencies): MailStore {
  const within = <Result>(
    { signal }: MailContext,
    work: (client: ImapFlow) => Promise<Result>,
  ): Promise<Result> => withClient(server, { baseDir, signal }, work);

  /** Opens one folder after the other until one has the message; that one stays open. */
  const locate = async (
    client: ImapFlow,
    id: string,
    now: Date,
    { readOnly, paths }: { readOnly: boolean; paths?: readonly string[] },
  ): Promise<Located | undefined> => {
    for (const path of paths ?? (await searchedFolders(client, folders))) {
      const folder = await openFolder(client, path, readOnly);
      const stored = await findInFolder({ client, folder }, id, now);
      if (stored === undefined || !("uid" in stored.place)) continue;
      return { stored, folder: path, uid: String(stored.place.uid) };
    }
    return undefined;
  };

  return {
    find: (id, context) =>
      within(context, (client) => locate(client, id, context.now, { readOnly: true })),
    search: (query, context) =>
      within(context, async (client) => {
        const found: FoundMessage[] = [];
        for (const path of await searchedFolders(client, folders)) {
          found.push(...(await searchFolder(client, path, query, context.now)));
        }
        return newestFirst(found).slice(0, query.limit);
      }),
    mark: (id, mark, on, context) =>
      within(context, async (client) => {
        const found = await locate(client, id, context.now, { readOnly: false });
        if (found === undefined) return undefined;
        const { folder, uid } = found;
        if ((await hasMark(client, uid, mark)) === on) return { folder, changed: false };
        await setMark(client, uid, mark, on, context);
        return { folder, changed: true };
      }),
    isMarked: (id, mark, context) =>
      within(context, async (client) => {
        const found = await locate(client, id, context.now, { readOnly: true });
        if (found === undefined) return undefined;
        return { folder: found.folder, marked: await hasMark(client, found.uid, mark) };
      }),
    archive: (id, context) =>
      within(context, async (client) => {
        const found = await locate(client, id, context.now, { readOnly: false });
        if (found === undefined) return undefined;
        const to = await archiveFolder(client, context);
        if (found.folder === to) return { from: to, to };
        await move(client, found.uid, to, context);
        return { from: found.folder, to };
      }),
    moveBack: (id, { from, to }, context) =>
      within(context, async (client) => {
        const paths = [to];
        const found = await locate(client, id, context.now, { readOnly: false, paths });
        if (found === undefined) return false;
        await move(client, found.uid, from, context);
        return true;
      }),
    addDraft: (raw, context) =>
      within(context, async (client) => {
        const path = await specialFolder(client, ["\\Drafts"]);
        context.onBegin();
        const folder = path ?? (await createFolder(client, "Drafts"));
        const flags = ["\\Draft", "\\Seen"];
        const taking = client.append(folder, raw, flags, context.now);
        const taken = await unlessRefused(client, taking, `take the draft into ${folder}`);
        demandDone(client, taken !== false, `take the draft into ${folder}`);
        return folder;
      }),
    findDraft: (id, context) =>
      within(context, async (client) => {
        const path = await specialFolder(client, ["\\Drafts"]);
        if (path === undefined) return undefined;
        const paths = [path];
        const found = await locate(client, id, context.now, { readOnly: true, paths });
        return found && draftOf(found);
      }),
    removeDraft: (key, context) =>
      within(context, async (client) => {
        const path = await specialFolder(client, ["\\Drafts"]);
        if (path === undefined) return false;
        const paths = [path];
        const found = await locate(client, key, context.now, { readOnly: false, paths });
        if (found === undefined) return false;
        demandUidPlus(client);
        context.onBegin();
        const deleted = await client.messageDelete(found.uid, { uid: true });
        demandDone(client, deleted, "delete the draft");
        return true;
      }),
  };
}

/** The watched folders, and where mail is archived; what is not there is left out. */
async function searchedFolders(client: ImapFlow, watched: readonly string[]): Promise<string[]> {
  const there = new Set((await client.list()).map(({ path }) => path.toUpperCase()));
  const archive = await specialFolder(client, ["\\Archive", "\\All"]);
  const wanted = [...watched, ...(archive === undefined ? [] : [archive])];
  return [...new Set(wanted)].filter((path) => there.has(path.toUpperCase()));
}

async function searchFolder(
  client: ImapFlow,
  path: string,
  { query, from, to, since, limit }: MailQuery,
  now: Date,
): Promise<FoundMessage[]> {
  const { uidValidity, exists } = await openFolder(client, path);
  if (exists === 0) return [];
  const terms: SearchQuery = {
    ...(query !== undefined && { text: query }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { or: [{ to }, { cc: to }] }),
    // SEARCH SINCE knows only days, in the server's zone: ask a day more, then compare moments.
    ...(since !== undefined && { since: new Date(since.getTime() - 86_400_000) }),
  };
  const uids = await searchUids(client, Object.keys(terms).length === 0 ? { all: true } : terms);
  const found: FoundMessage[] = [];
  for (const uid of uids.sort((a, b) => b - a)) {
    if (found.length >= limit) break;
    const stored = await fetchMessage(client, uid, uidValidity, now);
    if (stored === undefined || stored === "withheld") continue;
    if (since !== undefined && stored.arrivedAt < since.getTime()) continue;
    found.push({ stored, folder: path });
  }
  return found;
}

const newestFirst = (found: readonly FoundMessage[]) =>
  found.toSorted((a, b) => b.stored.arrivedAt - a.stored.arrivedAt);

const flagOf = (mark: Mark): string =>
  mark.kind === "label" ? mark.label : { seen: "\\Seen", answered: "\\Answered" }[mark.kind];

/** Gmail's labels are no IMAP keywords. */
const usesLabels = (client: ImapFlow, mark: Mark): boolean =>
  mark.kind === "label" && client.capabilities.has("X-GM-EXT-1");

async function hasMark(client: ImapFlow, uid: string, mark: Mark): Promise<boolean> {
  const useLabels = usesLabels(client, mark);
  const row = await client.fetchOne(
    uid,
    { uid: true, flags: true, ...(useLabels && { labels: true }) },
    { uid: true },
  );
  if (row === false) return false;
  const marks = [...((useLabels ? row.labels : row.flags) ?? [])];
  const wanted = flagOf(mark).toLowerCase();
  return marks.some((each) => each.toLowerCase() === wanted);
}

async function setMark(
  client: ImapFlow,
  uid: string,
  mark: Mark,
  on: boolean,
  { onBegin }: ChangeContext,
): Promise<void> {
  const flag = flagOf(mark);
  const useLabels = usesLabels(client, mark);
  if (on && !useLabels && !mayKeep(client, flag)) {
    throw new ToolError("INBOX_LABEL_REFUSED", `the server keeps no label "${flag}"`, {
      hint: "Nothing was done; this folder of the server takes no labels of one's own",
    });
  }
  onBegin();
  const options = { uid: true, ...(useLabels && { useLabels }) };
  const done = on
    ? await client.messageFlagsAdd(uid, [flag], options)
    : await client.messageFlagsRemove(uid, [flag], options);
  demandDone(client, done, on ? `set ${flag}` : `take ${flag} away`);
}

async function archiveFolder(client: ImapFlow, { onBegin }: ChangeContext): Promise<string> {
  const path = await specialFolder(client, ["\\Archive", "\\All"]);
  if (path !== undefined) return path;
  onBegin();
  return createFolder(client, "Archive");
}

async function createFolder(client: ImapFlow, name: string): Promise<string> {
  return (await unlessRefused(client, client.mailboxCreate(name), `make the folder ${name}`)).path;
}

async function move(
  client: ImapFlow,
  uid: string,
  to: string,
  { onBegin }: ChangeContext,
): Promise<void> {
  if (!client.capabilities.has("MOVE")) demandUidPlus(client);
  onBegin();
  const moved = await client.messageMove(uid, to, { uid: true });
  demandDone(client, Boolean(moved), `move the message to ${to}`);
}

/** Without UIDPLUS, to remove one message is to remove whatever else is marked as deleted. */
function demandUidPlus(client: ImapFlow): void {
  if (client.capabilities.has("UIDPLUS") || client.capabilities.has("IMAP4rev2")) return;
  throw new ToolError("INBOX_MOVE_UNSUPPORTED", "the server cannot take away a single message", {
    hint: "Nothing was done; it has neither MOVE nor UIDPLUS",
  });
}
