import { hash } from "node:crypto";
import { z } from "watchkeeper";

/** The bookmark in a Maildir: which messages are known, by their base names. */
export const maildirCursor = z.object({
  version: z.literal(1),
  /** Hashes of the base names of known messages, joined. */
  known: z.string(),
  /** In a directory too big to remember every name, what arrived up to here is known; else 0. */
  horizon: z.number(),
  /** Modification times of new/ and cur/ when nothing was left to take; null while they may hide news. */
  settled: z.string().nullable(),
});
export type MaildirCursor = z.output<typeof maildirCursor>;

const hashLength = 8;

/**
 * How many names a cursor remembers: 200 KB. In bigger directories the newest are remembered and the
 * rest known by arrival time; some room is left, so that not every new message makes it forget again.
 */
export const mostKnown = 25_000;
export const keptKnown = 20_000;

/** Names one message whatever directory it is in and whatever flags it has. */
export function baseName(fileName: string): string {
  return fileName.replace(/[:;!]2,[^:;!]*$/, "");
}

export function hashName(base: string): string {
  return hash("sha1", base, "base64url").slice(0, hashLength);
}

export function unpackKnown(packed: string): Set<string> {
  const known = new Set<string>();
  for (let at = 0; at + hashLength <= packed.length; at += hashLength)
    known.add(packed.slice(at, at + hashLength));
  return known;
}

/**
 * The names to remember: all of them, or of too many the newest, with the moment up to which the
 * forgotten ones arrived.
 */
export function packKnown(
  known: readonly { readonly hash: string; readonly arrivedAt: number }[],
  horizon: number,
): Pick<MaildirCursor, "known" | "horizon"> {
  if (known.length <= mostKnown)
    return { known: known.map((entry) => entry.hash).join(""), horizon };
  const newestFirst = known.toSorted((a, b) => b.arrivedAt - a.arrivedAt);
  const forgotten = newestFirst[keptKnown]?.arrivedAt ?? 0;
  return {
    known: newestFirst
      .slice(0, keptKnown)
      .map((entry) => entry.hash)
      .join(""),
    horizon: Math.max(horizon, forgotten),
  };
}
