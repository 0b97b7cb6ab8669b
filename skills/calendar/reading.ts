import { readBlocks } from "./blocks.ts";
import type { Block } from "./blocks.ts";
import { idOfBlock, readEvent } from "./events.ts";
import type { CalendarEvent } from "./events.ts";
import { createGroupExpander, groupEvents } from "./expand.ts";
import type { Instance, Window } from "./expand.ts";
import type { Pacer } from "./pacer.ts";
import { plainLine } from "./plain-text.ts";
import { createWorkBudget, WorkLimitError } from "./recurrence.ts";
import type { IcalLibrary, WorkBudget } from "./recurrence.ts";
import { tzidOf, zoneOfBlock } from "./vtimezone.ts";
import { createZoneFinder, dayMs } from "./zones.ts";
import type { Zone } from "./zones.ts";

/** What a calendar says about a window of time. */
export interface Reading {
  readonly window: Window;
  /** Occurrences that touch the window, cancelled ones included, by start. */
  readonly instances: readonly Instance[];
  /** Single events, changed occurrences and first ones of a series that come after the window. */
  readonly outside: readonly Instance[];
  /** Every event that can still occur: series, those not over, and those that were set aside. */
  readonly ids: ReadonlySet<string>;
  /** Events that were set aside: nothing is known of them at this look. */
  readonly unreadable: ReadonlySet<string>;
  readonly notes: readonly string[];
}

export interface ReadOptions {
  readonly window: Window;
  readonly owner: Zone;
  readonly pacer: Pacer;
}

// About four seconds of rules, with turns for the other checks in between.
const workPerCalendar = 150_000;
const mostNotes = 10;

/**
 * Reads a calendar. An event that makes no sense is set aside and named in the notes, and the rest
 * goes on.
 * @throws AdapterError ICS_NOT_A_CALENDAR, ICS_CUT_SHORT; the signal's reason when aborted.
 */
export async function readCalendar(text: string, options: ReadOptions): Promise<Reading> {
  const { window, owner, pacer } = options;
  const { default: library } = await import("ical.js");
  const blocks = await readBlocks(text, pacer);
  const work = createWorkBudget(workPerCalendar);
  const notes: string[] = [];
  const ids = new Set<string>();
  const unreadable = new Set<string>();
  const missingZones = new Set<string>();
  const setAside = (id: string, what: string, error: unknown): void => {
    unreadable.add(id);
    ids.add(id);
    const why = error instanceof Error ? error.message : String(error);
    notes.push(`set aside ${what}: ${plainLine(why, 160)}`);
  };

  const zones = createZoneFinder({
    owner,
    own: ownZones(library, blocks.zones, window, work, (tzid, error) => {
      const why = error instanceof Error ? error.message : String(error);
      notes.push(`time zone "${plainLine(tzid, 60)}" cannot be read: ${plainLine(why, 160)}`);
    }),
  });

  const events: CalendarEvent[] = [];
  for (const block of blocks.events) {
    await pacer.rest();
    try {
      events.push(readEvent(library, block, zones, (tzid) => missingZones.add(tzid)));
    } catch (error) {
      setAside(idOfBlock(block), `the event at line ${block.line}`, error);
    }
  }

  const expandGroup = createGroupExpander(library, work);
  const instances: Instance[] = [];
  const outside: Instance[] = [];
  for (const group of groupEvents(events)) {
    await pacer.rest();
    if (unreadable.has(group.id)) continue;
    try {
      const found = expandGroup(group, window);
      const isSeries = group.master?.rules.length || group.master?.extraDates.length;
      if (isSeries || found.inside.length > 0) ids.add(group.id);
      for (const instance of found.inside) instances.push(instance);
      for (const instance of found.outside) {
        if (instance.start < window.from) continue;
        ids.add(group.id);
        outside.push(instance);
      }
    } catch (error) {
      const title = group.master?.title ?? group.changed[0]?.title ?? group.id;
      setAside(group.id, `"${title}"`, error);
    }
  }
  for (const tzid of missingZones) {
    notes.push(
      `time zone "${plainLine(tzid, 60)}" is unknown: its times are read as ${owner.name}`,
    );
  }
  instances.sort((one, other) => one.start - other.start || compareText(keyOf(one), keyOf(other)));
  return { window, instances, outside, ids, unreadable, notes: capped(notes) };
}

/** Names one occurrence within its calendar. */
export const keyOf = (instance: { id: string; recurrenceId: string }): string =>
  instance.recurrenceId ? `${instance.id}:${instance.recurrenceId}` : instance.id;

/** In code points, the same on every machine. */
export const compareText = (one: string, other: string): number =>
  one < other ? -1 : one > other ? 1 : 0;

function ownZones(
  library: IcalLibrary,
  blocks: readonly Block[],
  window: Window,
  work: WorkBudget,
  failed: (tzid: string, error: unknown) => void,
): (tzid: string) => Zone | undefined {
  const byName = new Map(blocks.map((block) => [tzidOf(block) ?? "", block]));
  const span = { from: window.from - 400 * dayMs, to: window.to + 400 * dayMs };
  return (tzid) => {
    const block = byName.get(tzid.trim());
    if (!block) return undefined;
    try {
      return zoneOfBlock(library, block, span, work);
    } catch (error) {
      failed(tzid, error instanceof WorkLimitError ? new Error("its rule never ends") : error);
      return undefined;
    }
  };
}

function capped(notes: readonly string[]): string[] {
  if (notes.length <= mostNotes) return [...notes];
  return [...notes.slice(0, mostNotes), `and ${notes.length - mostNotes} more that were set aside`];
}
