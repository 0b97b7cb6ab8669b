import type { FetchMessageObject, ImapFlow } from "imapflow";
import { AdapterError } from "watchkeeper";
import { headerBytes } from "./identity.ts";
import { uidSet } from "./imap-plan.ts";
import { sourceLimit, type StoredMessage } from "./mailbox.ts";

/** The questions put to an open IMAP folder. None of them changes it: the client fetches with PEEK. */

export type SearchQuery = Parameters<ImapFlow["search"]>[0];

const uidsPerFetch = 1_000;

/** UIDs that match, in no certain order. */
export async function searchUids(client: ImapFlow, query: SearchQuery): Promise<number[]> {
  const found = await client.search(query, { uid: true });
  // The client answers false when the server refuses: taken for an empty result, it would hide mail.
  if (Array.isArray(found)) return found;
  throw new AdapterError("IMAP_COMMAND_REFUSED", "the server refused to search the folder");
}

/** Those of `uids` that arrived at `since` or later, ascending. */
export async function arrivedSince(
  client: ImapFlow,
  uids: readonly number[],
  since: number,
): Promise<number[]> {
  const ascending = uids.toSorted((a, b) => a - b);
  const late: number[] = [];
  for (let start = 0; start < ascending.length; start += uidsPerFetch) {
    const set = uidSet(ascending.slice(start, start + uidsPerFetch));
    for await (const row of client.fetch(set, { uid: true, internalDate: true }, { uid: true })) {
      if (arrivalOf(row, since) >= since) late.push(row.uid);
    }
  }
  return late.sort((a, b) => a - b);
}

/** Of the `count` newest messages, the UIDs of those that arrived at `since` or later. */
export async function newestSince(
  client: ImapFlow,
  exists: number,
  count: number,
  since: number,
): Promise<number[]> {
  const late: number[] = [];
  const range = `${Math.max(1, exists - count + 1)}:*`;
  for await (const row of client.fetch(range, { uid: true, internalDate: true })) {
    if (arrivalOf(row, 0) >= since) late.push(row.uid);
  }
  return late.sort((a, b) => a - b);
}

/** The first bytes of each message: its headers, or most of them. */
export async function fetchHeads(client: ImapFlow, uids: readonly number[]): Promise<Buffer[]> {
  if (uids.length === 0) return [];
  const heads: Buffer[] = [];
  const query = { uid: true, source: { start: 0, maxLength: headerBytes } };
  for await (const row of client.fetch(uidSet(uids), query, { uid: true })) {
    if (row.source !== undefined) heads.push(row.source);
  }
  return heads;
}

/**
 * One message, its source capped whatever its size.
 * @returns undefined when it is gone; `"withheld"` when the server has it and does not hand it out
 */
export async function fetchMessage(
  client: ImapFlow,
  uid: number,
  uidValidity: string,
  now: Date,
): Promise<StoredMessage | "withheld" | undefined> {
  const query = {
    uid: true,
    internalDate: true,
    size: true,
    source: { start: 0, maxLength: sourceLimit },
  };
  const row = await client.fetchOne(String(uid), query, { uid: true });
  if (row === false) return undefined;
  const { source } = row;
  if (source === undefined) return "withheld";
  // Some servers count sizes their own way: only a source that was cut is part of something bigger.
  const size = source.length < sourceLimit ? source.length : Math.max(row.size ?? 0, source.length);
  return { source, size, arrivedAt: arrivalOf(row, now.getTime()), place: { uid, uidValidity } };
}

function arrivalOf(row: FetchMessageObject, fallback: number): number {
  const ms = row.internalDate === undefined ? Number.NaN : new Date(row.internalDate).getTime();
  return Number.isNaN(ms) ? fallback : ms;
}
