import { resolve } from "node:path";
import type { Account } from "./config.ts";
import { identifyMessage, headerBytes, parseMessageKey } from "./identity.ts";
import {
  hashName,
  maildirCursor,
  type MaildirCursor,
  mostKnown,
  packKnown,
  unpackKnown,
} from "./maildir-cursor.ts";
import {
  dateEntries,
  type DatedEntry,
  isDenied,
  listMaildir,
  type MaildirEntry,
  readEntry,
  stampOf,
  unreadable,
} from "./maildir-files.ts";
import {
  lookBudgetMs,
  type LookInput,
  type LookResult,
  type Mailbox,
  type StoredMessage,
} from "./mailbox.ts";

/** Messages that a search by id opens at most, newest first. */
const mostSearched = 5_000;

/**
 * A directory's modification time moves in ticks of a few milliseconds: only one that is clearly in
 * the past proves that nothing was added after it was read.
 */
const settlingMs = 2_000;

/** An account whose mail is in a Maildir on this machine. */
export function maildirMailbox({
  account,
  path,
  baseDir,
}: {
  account: Account;
  path: string;
  baseDir: string;
}): Mailbox {
  const maildir = resolve(baseDir, path);
  return {
    look: (input) => look(maildir, account.firstSight, input),
    find: async (id, { signal }) => (await findInMaildir(maildir, id, signal))?.stored,
  };
}

async function look(maildir: string, firstSightMs: number, input: LookInput): Promise<LookResult> {
  const saved = maildirCursor.safeParse(input.cursor);
  const cursor = saved.data;
  const { stamp, changedAt } = await stampOf(maildir);
  if (cursor?.settled === stamp) return { cursor: undefined, notes: [] };
  // The file system's clock is the machine's, whatever clock the caller goes by.
  const isPast = changedAt < Date.now() - settlingMs;

  const entries = (await listMaildir(maildir)).map((entry) => ({
    ...entry,
    hash: hashName(entry.base),
  }));
  const known = unpackKnown(cursor?.known ?? "");
  const notes: string[] = [];
  if (input.cursor !== null && !saved.success)
    notes.push("the saved bookmark is not usable: starting afresh");

  const unknown = entries.filter((entry) => !known.has(entry.hash));
  const dated = await dateEntries(maildir, unknown, input.signal);
  const from = cursor === undefined ? input.now.getTime() - firstSightMs : cursor.horizon;
  const takesAny = cursor !== undefined || firstSightMs > 0;
  const isNew = ({ arrivedAt }: DatedEntry) =>
    takesAny && (cursor === undefined ? arrivedAt >= from : arrivedAt > from);
  const candidates = dated.filter(isNew).sort(oldestFirst);
  const leftAlone = dated.filter((entry) => !isNew(entry));
  if (cursor === undefined && leftAlone.length > 0) {
    const which =
      firstSightMs === 0
        ? 'already there left alone (firstSight "now")'
        : "older than firstSight left alone";
    notes.push(`first look: ${countOf(leftAlone.length)} ${which}`);
  }
  // Later on, what is left alone lies below the horizon, which is all there is to know of it.
  if (cursor === undefined) for (const { base } of leftAlone) known.add(hashName(base));

  const left = await takeEntries(maildir, candidates, input, (entry) =>
    known.add(hashName(entry.base)),
  );
  if (left > 0) notes.push(`${countOf(left)} more to come with the next look`);

  const present = entries.filter(({ hash }) => known.has(hash));
  const packed = packKnown(
    await withArrivals(maildir, present, input.signal),
    cursor?.horizon ?? 0,
  );
  const next: MaildirCursor = {
    version: 1,
    ...packed,
    settled: isPast && left === 0 ? stamp : null,
  };
  const changed =
    cursor === undefined || next.known !== cursor.known || next.settled !== cursor.settled;
  return { cursor: changed ? next : undefined, notes };
}

/** Hands out messages one by one; returns how many were left for the next look. */
async function takeEntries(
  maildir: string,
  candidates: readonly DatedEntry[],
  input: LookInput,
  markKnown: (entry: MaildirEntry) => void,
): Promise<number> {
  const started = performance.now();
  const batch = candidates.slice(0, input.most);
  const denied: { entry: DatedEntry; error: unknown }[] = [];
  const setAside = (entry: DatedEntry, reason: string) => {
    markKnown(entry);
    input.onUnreadable({ place: { file: entry.base }, arrivedAt: entry.arrivedAt, reason });
  };
  let done = 0;
  for (const entry of batch) {
    if (performance.now() - started > lookBudgetMs) break;
    input.signal.throwIfAborted();
    done += 1;
    if (!entry.isFile) {
      setAside(entry, "it is not a regular file");
      continue;
    }
    try {
      const content =
        (await readEntry(maildir, entry.path)) ?? (await readMoved(maildir, entry.base));
      // Gone: deleted, or not to be found just now. Not marked as known, it is looked for again.
      if (content === undefined) continue;
      markKnown(entry);
      await input.onMessage({
        ...content,
        arrivedAt: entry.arrivedAt,
        place: { file: entry.base },
      });
    } catch (error) {
      if (isDenied(error)) denied.push({ entry, error });
      else setAside(entry, reasonOf(error));
    }
  }
  // One file that may not be read is that file's fault; all of them, the set-up's.
  const [first] = denied;
  if (first !== undefined && denied.length === done) throw unreadable(maildir, first.error);
  for (const { entry, error } of denied) setAside(entry, reasonOf(error));
  return candidates.length - done;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A mail program that shows a message renames it: look for it under its new name. */
async function readMoved(maildir: string, base: string) {
  const moved = (await listMaildir(maildir)).find((entry) => entry.base === base);
  return moved && (await readEntry(maildir, moved.path));
}

/** Arrival times matter only when there are more names than the cursor remembers. */
async function withArrivals(
  maildir: string,
  present: readonly (MaildirEntry & { hash: string })[],
  signal: AbortSignal,
): Promise<{ hash: string; arrivedAt: number }[]> {
  if (present.length <= mostKnown) return present.map(({ hash }) => ({ hash, arrivedAt: 0 }));
  const dated = await dateEntries(maildir, present, signal);
  return dated.map(({ base, arrivedAt }) => ({ hash: hashName(base), arrivedAt }));
}

/** Finds a message by its key or Message-ID in one folder of a Maildir; of several, the newest. */
export async function findInMaildir(
  maildir: string,
  id: string,
  signal: AbortSignal,
): Promise<{ stored: StoredMessage; entry: MaildirEntry } | undefined> {
  const wanted = parseMessageKey(id);
  if (wanted.messageId === "" && wanted.digest === undefined) return undefined;
  await stampOf(maildir);
  const dated = await dateEntries(maildir, await listMaildir(maildir), signal);
  const newestFirst = dated
    .filter(({ isFile }) => isFile)
    .sort(oldestFirst)
    .reverse();
  for (const entry of newestFirst.slice(0, mostSearched)) {
    signal.throwIfAborted();
    const stored = await readIfMatching(maildir, entry, wanted).catch(() => undefined);
    if (stored) return { stored, entry };
  }
  return undefined;
}

async function readIfMatching(
  maildir: string,
  entry: DatedEntry,
  wanted: { messageId: string; digest: string | undefined },
): Promise<StoredMessage | undefined> {
  const head = await readEntry(maildir, entry.path, headerBytes);
  if (head === undefined || identifyMessage(head.source).messageId !== wanted.messageId)
    return undefined;
  const content = await readEntry(maildir, entry.path);
  if (content === undefined) return undefined;
  const { digest } = identifyMessage(content.source, content.size);
  if (wanted.digest !== undefined && wanted.digest !== digest) return undefined;
  return { ...content, arrivedAt: entry.arrivedAt, place: { file: entry.base } };
}

function oldestFirst(a: DatedEntry, b: DatedEntry): number {
  return a.arrivedAt - b.arrivedAt || (a.base < b.base ? -1 : 1);
}

function countOf(messages: number): string {
  return messages === 1 ? "1 message" : `${messages} messages`;
}
