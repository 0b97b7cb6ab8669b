import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "watchkeeper";

/** One object of a calendar server: the events of one UID, or one event where servers split them. */
const item = z.object({
  etag: z.string(),
  ics: z.string(),
  /** Where one object is one event of a series: the object of the series. */
  series: z.string().optional(),
});

const collection = z.object({
  /** The server's bookmark; without it the whole is listed again. */
  token: z.string().optional(),
  /** When the whole was last listed. */
  listedAt: z.number(),
  items: z.record(z.string(), item),
  /** The owner's addresses as the server knows them. */
  addresses: z.array(z.string()).optional(),
});

const mirror = z.object({
  version: z.literal(1),
  identity: z.string(),
  /** By address or id. */
  collections: z.record(z.string(), collection),
});

export type MirrorItem = z.output<typeof item>;
export type MirrorCollection = z.output<typeof collection>;
export type Mirror = z.output<typeof mirror>;

export const emptyMirror = (identity: string): Mirror => ({
  version: 1,
  identity,
  collections: {},
});

/** More than that is no calendar of a person. */
export const mirrorLimits = { items: 20_000, bytes: 20_000_000, itemBytes: 500_000 };

/**
 * What a calendar server is known to hold, so that only news need be fetched. It is a copy: without
 * it everything is fetched again, and nothing else is lost. Which look has told what stands in the
 * check's cursor, not here.
 */
export interface MirrorFile {
  load(): Promise<Mirror>;
  save(mirror: Mirror): Promise<void>;
}

/** @param file where it is kept; undefined keeps it for the life of this object */
export function openMirror(file: string | undefined, identity: string): MirrorFile {
  if (file === undefined) {
    let kept = emptyMirror(identity);
    return {
      load: async () => structuredClone(kept),
      save: async (next) => {
        kept = structuredClone(next);
      },
    };
  }
  return {
    load: async () => {
      const text = await readFile(file, "utf8").catch(() => undefined);
      const parsed = mirror.safeParse(parseJson(text));
      return parsed.success && parsed.data.identity === identity
        ? parsed.data
        : emptyMirror(identity);
    },
    save: (next) => writePrivately(file, JSON.stringify(next)),
  };
}

export const mirrorPath = (stateDir: string, name: string): string =>
  join(stateDir, `${name}.mirror.json`);

/** Writes beside and renames, for this user only: another process sees the old or the new, whole. */
export async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomUUID()}`;
  try {
    await writeFile(beside, text, { mode: 0o600 });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** The same as long as no object is added, changed or gone. */
export function hashOfMirror({ collections }: Mirror): string {
  const hash = createHash("sha256");
  for (const [address, { items }] of sorted(collections)) {
    hash.update(`${address}\n`);
    for (const [id, { etag }] of sorted(items)) hash.update(`${id}\t${etag}\n`);
  }
  return hash.digest("base64url");
}

const sorted = <Value>(record: Readonly<Record<string, Value>>): [string, Value][] =>
  Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
