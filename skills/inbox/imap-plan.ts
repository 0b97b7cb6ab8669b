import { z } from "watchkeeper";

/**
 * Which messages a look at an IMAP folder takes: decided here, from the cursor and the folder's
 * counters, without a server.
 */

/** Where the last look stopped. */
export const imapCursor = z.object({
  version: z.literal(1),
  uidValidity: z.string(),
  /** The lowest UID that no look has dealt with. */
  nextUid: z.number().int().min(1),
  /** Every message that arrived before this moment has been dealt with. */
  seenUntil: z.number(),
  /** Messages that arrived before this moment were there before us and are left alone for good. */
  floor: z.number(),
  /** Messages around the floor that were left alone, by the digest of their headers. */
  leftAlone: z.array(z.string()),
  /** Of the UIDs below `untilUid`, only messages that arrived at `since` or later are taken. */
  backlog: z.object({ untilUid: z.number().int(), since: z.number() }).nullable(),
});
export type ImapCursor = z.output<typeof imapCursor>;

/** The folder's counters at one moment (the client's own object goes on changing). */
export interface FolderState {
  readonly uidValidity: string;
  /** The UID that the next message to arrive will get. */
  readonly uidNext: number;
  readonly exists: number;
}

export type LookPlan =
  /** Nothing has arrived: no question to the server. */
  | { readonly kind: "nothing"; readonly cursor: ImapCursor }
  /** The first look, and everything that is there is left alone. */
  | { readonly kind: "leave-all"; readonly cursor: ImapCursor }
  /** There may be something to take from `cursor.nextUid` on. */
  | {
      readonly kind: "take";
      readonly reason: "first" | "new" | "renumbered";
      readonly cursor: ImapCursor;
    };

const dayMs = 86_400_000;

/** How far the server's clock and ours may differ around the floor. */
export const clockSkewMs = 2 * 60_000;

export function planLook(
  cursor: ImapCursor | null,
  folder: FolderState,
  nowMs: number,
  firstSightMs: number,
): LookPlan {
  const { uidValidity, uidNext } = folder;
  if (cursor === null) {
    const floor = nowMs - firstSightMs;
    const fresh = { version: 1, uidValidity, seenUntil: floor, floor, leftAlone: [] } as const;
    if (firstSightMs === 0 || folder.exists === 0) {
      const seen = { ...fresh, leftAlone: [], nextUid: uidNext, seenUntil: nowMs, backlog: null };
      return { kind: "leave-all", cursor: seen };
    }
    const backlog = { untilUid: uidNext, since: floor };
    return {
      kind: "take",
      reason: "first",
      cursor: { ...fresh, leftAlone: [], nextUid: 1, backlog },
    };
  }
  // UIDs never go back while UIDVALIDITY stays: a server that counts lower was restored or rebuilt.
  if (cursor.uidValidity !== uidValidity || uidNext < cursor.nextUid) {
    // A day of overlap, for mail on the way during the change: known keys do not make findings.
    const since = Math.max(cursor.floor, cursor.seenUntil - dayMs);
    const backlog = { untilUid: uidNext, since };
    return {
      kind: "take",
      reason: "renumbered",
      cursor: { ...cursor, uidValidity, nextUid: 1, backlog },
    };
  }
  if (uidNext === cursor.nextUid)
    return { kind: "nothing", cursor: completed(cursor, uidNext, nowMs) };
  return { kind: "take", reason: "new", cursor };
}

/** The cursor once everything below `uidNext` has been dealt with. */
export function completed(cursor: ImapCursor, uidNext: number, nowMs: number): ImapCursor {
  const seenUntil = Math.max(cursor.seenUntil, nowMs);
  // Two days on, no rescan reaches back to the floor.
  const leftAlone = seenUntil - cursor.floor > 2 * dayMs ? [] : cursor.leftAlone;
  return { ...cursor, nextUid: uidNext, seenUntil, leftAlone, backlog: null };
}

/** UIDs in ascending order as an IMAP set, `1:3,7`. */
export function uidSet(uids: readonly number[]): string {
  const parts: string[] = [];
  let start = 0;
  for (let index = 1; index <= uids.length; index += 1) {
    const previous = uids[index - 1] ?? 0;
    if (index < uids.length && uids[index] === previous + 1) continue;
    const first = uids[start] ?? 0;
    parts.push(first === previous ? `${first}` : `${first}:${previous}`);
    start = index;
  }
  return parts.join(",");
}
