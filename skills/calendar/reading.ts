import { AdapterError } from "watchkeeper";
import { readBlocks } from "./blocks.ts";
import type { Block, CalendarBlocks } from "./blocks.ts";
import { idOfBlock, idOfUid, readEvent } from "./events.ts";
import type { CalendarEvent } from "./events.ts";
import { createGroupExpander, groupEvents } from "./expand.ts";
import type { Instance, Window } from "./expand.ts";
import type { Pacer } from "./pacer.ts";
import { plainLine } from "./plain-text.ts";
import { createWorkBudget, WorkLimitError } from "./recurrence.ts";
import type { IcalLibrary, WorkBudget } from "./recurrence.ts";
import { tzidOf, zoneOfBlock } from "./vtimezone.ts";
import { createZoneFinder, dayMs, rememberedZones } from "./zones.ts";
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
  /** Of the owner, in lower case: whose answer to an invitation is the owner's. */
  readonly addresses?: readonly string[];
}

// About four seconds of rules, with turns for the other checks in between.
const workPerCalendar = 150_000;
const mostNotes = 10;

/**
 * Reads a calendar: one text, or one for each object of a server. An event that makes no sense is set
 * aside and named in the notes, and the rest goes on; so is an object among others.
 * @throws AdapterError ICS_NOT_A_CALENDAR, ICS_CUT_SHORT of a single text; the signal's reason when
 * aborted.
 */
export async function readCalendar(
  text: string | readonly string[],
  options: ReadOptions,
): Promise<Reading> {
  const { window, owner, pacer, addresses = [] } = options;
  const { default: library } = await import("ical.js");
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

  const database = rememberedZones();
  const readable = (blocks: CalendarBlocks) => ({
    blocks,
    zones: createZoneFinder({
      owner,
      database,
      own: ownZones(library, blocks.zones, window, work, (tzid, error) => {
        const why = error instanceof Error ? error.message : String(error);
        notes.push(`time zone "${plainLine(tzid, 60)}" cannot be read: ${plainLine(why, 160)}`);
      }),
    }),
  });
  const events: CalendarEvent[] = [];
  const readEvents = async ({ blocks, zones }: ReturnType<typeof readable>): Promise<void> => {
    const context = { zones, addresses, missingZone: (tzid: string) => missingZones.add(tzid) };
    for (const block of blocks.events) {
      await pacer.rest();
      try {
        events.push(readEvent(library, block, context));
      } catch (error) {
        setAside(idOfBlock(block), `the event at line ${block.line}`, error);
      }
    }
  };
  if (typeof text === "string") await readEvents(readable(await readBlocks(text, pacer)));
  else {
    for (const one of text) {
      await pacer.rest();
      let blocks: CalendarBlocks;
      try {
        blocks = await readBlocks(one, pacer);
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error;
        setAside(idOfText(one), "an object of the server", error);
        continue;
      }
      await readEvents(readable(blocks));
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
  instances.sort(compareInstances);
  return { window, instances, outside, ids, unreadable, notes: capped(notes) };
}

/** The id of a text that cannot be read otherwise. */
const idOfText = (text: string): string =>
  idOfUid(/^UID(?:;[^:\r\n]*)?:(.*)$/im.exec(text.slice(0, 20_000))?.[1]?.trim() ?? "") ??
  idOfBlock({ name: "", line: 0, properties: [{ name: "", text }], blocks: [] });

/** Names one occurrence within its calendar. */
export const keyOf = (instance: { id: string; recurrenceId: string }): string =>
  instance.recurrenceId ? `${instance.id}:${instance.recurrenceId}` : instance.id;

/** In code points, the same on every machine. */
export const compareText = (one: string, other: string): number =>
  one < other ? -1 : one > other ? 1 : 0;

/** By start; without making a key for each of many comparisons. */
export const compareInstances = (one: Instance, other: Instance): number =>
  one.start - other.start ||
  compareText(one.id, other.id) ||
  compareText(one.recurrenceId, other.recurrenceId);

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
