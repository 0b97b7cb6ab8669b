import { ToolError } from "watchkeeper";
import type { Instance, Window } from "./expand.ts";
import { createPacer } from "./pacer.ts";
import { plainLine } from "./plain-text.ts";
import { compareText, keyOf, readCalendar } from "./reading.ts";
import type { OpenSource } from "./sources.ts";
import type { Zone } from "./zones.ts";

export interface Upcoming {
  /** By start; what stands in several calendars is there once, of the first of them. */
  readonly events: readonly { readonly source: string; readonly instance: Instance }[];
  readonly failures: readonly { readonly source: string; readonly error: string }[];
}

/**
 * Reads calendars anew, side by side.
 * @throws ToolError when none of them could be read; the signal's reason when aborted
 */
export async function readUpcoming(
  sources: readonly OpenSource[],
  request: {
    readonly window: Window;
    readonly owner: Zone;
    readonly addresses: readonly string[];
    readonly signal: AbortSignal;
    readonly now: Date;
  },
): Promise<Upcoming> {
  const { window, owner, addresses, signal, now } = request;
  const looks = await Promise.allSettled(
    sources.map(async ({ source }) => {
      const found = await source.read({ signal, now });
      if (found.kind === "unchanged") return [];
      const [first] = found.texts;
      const reading = await readCalendar(source.writer ? found.texts : (first ?? ""), {
        window,
        owner,
        pacer: createPacer(signal),
        addresses: [...addresses, ...(found.addresses ?? [])],
      });
      return reading.instances.map((instance) => ({ source: source.name, instance }));
    }),
  );
  signal.throwIfAborted();
  const failures = looks.flatMap((look, index) =>
    look.status === "rejected"
      ? [{ source: sources[index]?.source.name ?? "", error: wordsOf(look.reason) }]
      : [],
  );
  if (failures.length === looks.length) {
    throw new ToolError("CALENDAR_UNREADABLE", failures.map((one) => one.error).join("; "), {
      hint: "The owner can see the cause with: watchkeeper status",
    });
  }
  const seen = new Set<string>();
  const events = looks
    .flatMap((look) => (look.status === "fulfilled" ? look.value : []))
    .filter(({ instance }) => {
      const key = keyOf(instance);
      return seen.has(key) ? false : seen.add(key);
    })
    .sort(
      (one, other) =>
        one.instance.start - other.instance.start || compareText(one.source, other.source),
    );
  return { events, failures };
}

const wordsOf = (error: unknown): string =>
  plainLine(error instanceof Error ? error.message : String(error), 200);
