import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "watchkeeper";
import type { Elsewhere } from "./compare.ts";
import { writePrivately } from "./mirror.ts";
import { instanceShape, shortHash } from "./snapshot.ts";

/** What a look at one calendar leaves for the looks at the calendars after it in the config. */
const view = z.object({
  version: z.literal(1),
  identity: z.string(),
  /** When the look was. */
  at: z.number(),
  /** Of all events that can still occur, as short hashes. */
  ids: z.array(z.string()),
  instances: z.array(instanceShape),
  /** Events that it found cancelled, as short hashes, and until when that matters. */
  cancelled: z.array(z.object({ id: z.string(), until: z.number() })),
});

export type View = z.output<typeof view>;

export interface BoardSource {
  readonly name: string;
  readonly identity: string;
}

/**
 * One meeting in several calendars is one: the first calendar of the config that holds it tells it,
 * and the later ones keep quiet. Only that way round: a look whose findings are lost in a crash is
 * made again from its cursor, and nobody has kept quiet for its sake who would have told.
 */
export interface Board {
  /** Says that a look at a calendar goes on; call what comes back when it has ended. */
  begin(name: string): () => void;
  /** What the calendars before `name` hold; waits a moment for looks at them that go on. */
  before(name: string, now: number, signal: AbortSignal): Promise<Elsewhere>;
  last(source: BoardSource): Promise<View | undefined>;
  publish(source: BoardSource, view: Omit<View, "version" | "identity">): Promise<void>;
}

const longestWaitMs = 3_000;

/**
 * @param freshMs a calendar that was not seen for longer tells nothing, and so keeps nobody quiet
 */
export function createBoard(
  sources: readonly BoardSource[],
  { stateDir, freshMs }: { stateDir: string | undefined; freshMs: number },
): Board {
  const kept = new Map<string, View>();
  const going = new Map<string, Promise<void>>();
  const fileOf = (name: string): string | undefined =>
    stateDir && join(stateDir, `${name}.view.json`);

  async function last({ name, identity }: BoardSource): Promise<View | undefined> {
    const file = fileOf(name);
    if (file === undefined) return kept.get(name);
    const text = await readFile(file, "utf8").catch(() => undefined);
    try {
      const found = view.safeParse(JSON.parse(text ?? "null")).data;
      return found?.identity === identity ? found : undefined;
    } catch {
      return undefined;
    }
  }

  return {
    last,
    begin(name) {
      const { promise, resolve } = Promise.withResolvers<void>();
      going.set(name, promise);
      return () => {
        if (going.get(name) === promise) going.delete(name);
        resolve();
      };
    },
    async before(name, now, signal) {
      const earlier = sources.slice(
        0,
        Math.max(
          0,
          sources.findIndex((one) => one.name === name),
        ),
      );
      await settled(
        earlier.flatMap((one) => going.get(one.name) ?? []),
        signal,
      );
      const found = await Promise.all(earlier.map(last));
      const views = found.filter(
        (one): one is View => one !== undefined && one.at <= now && one.at >= now - freshMs,
      );
      const ids = new Set(views.flatMap((one) => one.ids));
      const cancelled = new Set(
        views.flatMap((one) =>
          one.cancelled.filter(({ until }) => until > now).map(({ id }) => id),
        ),
      );
      const seen = new Set<string>();
      const instances = views
        .flatMap((one) => one.instances)
        // The same meeting in two of them.
        .filter(({ id, recurrenceId }) => {
          const key = `${id}:${recurrenceId}`;
          return seen.has(key) ? false : seen.add(key);
        });
      return {
        has: (id) => ids.has(shortHash(id)),
        tellsCancelled: (id) => cancelled.has(shortHash(id)),
        instances,
      };
    },
    async publish({ name, identity }, content) {
      const next: View = { version: 1, identity, ...content };
      const file = fileOf(name);
      if (file === undefined) kept.set(name, next);
      else await writePrivately(file, JSON.stringify(next));
    },
  };
}

/** A look that hangs must not hold up the others. */
async function settled(looks: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  if (looks.length === 0) return;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(longestWaitMs)]);
  const { promise, resolve } = Promise.withResolvers<void>();
  patience.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([Promise.all(looks), promise]);
}
