import { createHash } from "node:crypto";
import { z } from "watchkeeper";
import type { Instance } from "./expand.ts";

/** What one look leaves for the next: the check's cursor. Bounded well below the 1 MB of a cursor. */
export const instanceShape = z.object({
  id: z.string(),
  recurrenceId: z.string(),
  start: z.number(),
  end: z.number(),
  allDay: z.boolean(),
  busy: z.boolean(),
  cancelled: z.boolean(),
  repeats: z.boolean(),
  title: z.string(),
  place: z.string(),
  organizer: z.string(),
  about: z.string(),
  people: z
    .object({
      others: z.array(z.string()).readonly(),
      count: z.number(),
      answer: z.string().optional(),
    })
    .optional(),
  position: z.tuple([z.number(), z.number()]).readonly().optional(),
});

const snapshot = z.object({
  version: z.literal(1),
  /** Of which calendar, as a hash: addresses are often secrets. */
  source: z.string(),
  timezone: z.string(),
  validators: z.object({
    etag: z.string().optional(),
    lastModified: z.string().optional(),
    bodyHash: z.string(),
  }),
  /** When the look was. */
  at: z.number(),
  /** Up to when `instances` is all there is. */
  until: z.number(),
  instances: z.array(instanceShape),
  /** Events that are not new, as short hashes. */
  known: z.array(z.string()),
  /** False when there were more than could be kept. */
  knowsAll: z.boolean(),
  soon: z.array(z.object({ key: z.string(), start: z.number() })),
  overlaps: z.array(
    z.object({ key: z.string(), one: z.string(), other: z.string(), until: z.number() }),
  ),
  /** What was told as holding until it is over: invitations, odd hours, tight ways. */
  standing: z.array(z.object({ key: z.string(), until: z.number() })).default([]),
  /** The owner's, as the server knows them. */
  addresses: z.array(z.string()).default([]),
  /** Of the addresses in the config, as a hash: whose answers `instances` hold. */
  owner: z.string().optional(),
  /** Meetings that were prepared for. */
  briefs: z.array(z.object({ key: z.string(), start: z.number() })).default([]),
});

export type Snapshot = z.output<typeof snapshot>;

/** @returns null when there is none, or one that an older version wrote in another shape. */
export function readSnapshot(cursor: unknown): Snapshot | null {
  const parsed = snapshot.safeParse(cursor);
  return parsed.success ? parsed.data : null;
}

export const shortHash = (text: string): string =>
  createHash("sha256").update(text).digest("base64url").slice(0, 12);

const mostInstances = 2_000;
const mostBytes = 550_000;
const bytesWithWords = 300_000;
const mostKnown = 20_000;

/**
 * Keeps as many instances as fit, the nearest first; the far ones lose their description before any
 * is left out.
 * @param instances by start
 * @returns `until`: the start of the first one left out, or undefined when all fit.
 */
export function fitInstances(
  instances: readonly Instance[],
  now: number,
): { kept: Instance[]; until: number | undefined } {
  const kept: Instance[] = [];
  let bytes = 0;
  for (const full of instances) {
    if (full.end <= now && full.start < now) continue;
    const entry = bytes < bytesWithWords ? full : { ...full, about: "" };
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (kept.length >= mostInstances || bytes > mostBytes) {
      // Others of the same start are left out with it: what is kept must be all up to `until`.
      while (kept.at(-1)?.start === full.start) kept.pop();
      return { kept, until: full.start };
    }
    kept.push(entry);
  }
  return { kept, until: undefined };
}

/** The hashes of the events that are not new at the next look. */
export function fitKnown(ids: Iterable<string>): { known: string[]; knowsAll: boolean } {
  const known = [...new Set([...ids].map(shortHash))].sort();
  return { known: known.slice(0, mostKnown), knowsAll: known.length <= mostKnown };
}
