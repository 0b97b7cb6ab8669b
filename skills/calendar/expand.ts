import type { CalendarEvent, EventLength, EventPeople, EventTime, EventWords } from "./events.ts";
import { instantOfTime } from "./events.ts";
import { createRuleExpander, createWorkBudget, WorkLimitError } from "./recurrence.ts";
import type { IcalLibrary, WorkBudget } from "./recurrence.ts";
import { dayMs, instantOf, wallOf } from "./zones.ts";

/** One occurrence of an event. Times are milliseconds since the epoch. */
export interface Instance extends EventWords {
  readonly id: string;
  /** Which occurrence of a series, by its original time; empty for a single event. */
  readonly recurrenceId: string;
  readonly start: number;
  readonly end: number;
  readonly allDay: boolean;
  readonly busy: boolean;
  readonly cancelled: boolean;
  readonly repeats: boolean;
  readonly people?: EventPeople | undefined;
  readonly position?: readonly [latitude: number, longitude: number] | undefined;
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** A VEVENT series with its changed occurrences. */
export interface EventGroup {
  readonly id: string;
  readonly master: CalendarEvent | undefined;
  readonly changed: readonly CalendarEvent[];
}

const workPerEvent = 8_000;
const mostInstances = 500;

/** Puts VEVENTs of one UID together; of two for the same occurrence the later revision counts. */
export function groupEvents(events: readonly CalendarEvent[]): EventGroup[] {
  const groups = new Map<string, { master?: CalendarEvent; changed: Map<number, CalendarEvent> }>();
  const later = (known: CalendarEvent | undefined, event: CalendarEvent): CalendarEvent =>
    known && known.sequence > event.sequence ? known : event;
  for (const event of events) {
    let group = groups.get(event.id);
    if (!group) groups.set(event.id, (group = { changed: new Map() }));
    if (event.recurrenceId) {
      const at = instantOfTime(event.recurrenceId);
      group.changed.set(at, later(group.changed.get(at), event));
    } else {
      group.master = later(group.master, event);
    }
  }
  return [...groups].map(([id, group]) => ({
    id,
    master: group.master,
    changed: [...group.changed.values()],
  }));
}

/**
 * Makes the function that gives the occurrences of one event that touch the window (`inside`), and
 * of those outside the ones that are written down one by one: single events, changed occurrences
 * and the first of a series to come (`outside`).
 */
export function createGroupExpander(library: IcalLibrary, work: WorkBudget) {
  const expandRule = createRuleExpander(library);

  /** @throws WorkLimitError when it repeats too often. */
  return function expandGroup(
    group: EventGroup,
    window: Window,
  ): { inside: Instance[]; outside: Instance[] } {
    const { master } = group;
    const instances: Instance[] = [];
    const changedTimes = new Set<number>();
    const changedDates = new Set<number>();
    for (const event of group.changed) {
      const original = event.recurrenceId as EventTime;
      // A date names the occurrence of that day of a series with times.
      if (original.isDate && master && !master.start.isDate) changedDates.add(original.wall);
      else changedTimes.add(instantOfTime(original));
      const recurrenceId = recurrenceIdOf(original);
      instances.push(instanceOf(event, event.start, event.length, recurrenceId, true));
    }
    const written = new Set(instances);
    if (master) {
      const isExcept = exceptionsOf(master);
      const lasting = group.changed.filter((event) => event.andFuture);
      const budget = createWorkBudget(workPerEvent, work);
      const repeats = master.rules.length > 0 || master.extraDates.length > 0;
      const seen = new Set<number>();
      for (const { start, length } of startsOf(master, window, budget)) {
        const at = instantOfTime(start);
        if (seen.has(at) || changedTimes.has(at) || isExcept(start, at)) continue;
        if (changedDates.has(Math.floor(start.wall / dayMs) * dayMs)) continue;
        seen.add(at);
        const shifted = shiftedBy(lasting, start, at);
        instances.push(
          instanceOf(
            shifted?.event ?? master,
            shifted?.start ?? start,
            shifted?.event.length ?? length,
            repeats ? recurrenceIdOf(start) : "",
            repeats,
          ),
        );
      }
    }
    const touches = (instance: Instance): boolean =>
      instance.start < window.to && Math.max(instance.end, instance.start + 1) > window.from;
    const inside = instances.filter(touches);
    if (inside.length > mostInstances) {
      throw new WorkLimitError(
        `it repeats more than ${mostInstances} times within the days looked at`,
      );
    }
    const outside = instances.filter((instance) => !touches(instance));
    // Of a series nobody needs more than to know when it begins.
    const first = inside.length === 0 ? outside.find((one) => one.start >= window.to) : undefined;
    return { inside, outside: outside.filter((one) => written.has(one) || one === first) };
  };

  function* startsOf(
    master: CalendarEvent,
    window: Window,
    budget: WorkBudget,
  ): Generator<{ start: EventTime; length: EventLength }> {
    const { start, length } = master;
    const at = (wall: number): EventTime => ({ ...start, wall });
    // Wall times are up to a day off the instants; an event that began earlier may still go on.
    const from = window.from - (length.days + 2) * dayMs - length.ms;
    const to = window.to + 2 * dayMs;
    if (master.rules.length === 0 || start.wall > to) yield { start, length };
    for (const { rule, until } of master.rules) {
      for (const wall of expandRule(
        rule,
        { start: start.wall, isDate: start.isDate, from, to },
        budget,
      )) {
        if (until) {
          if (until.isDate && wall >= until.wall + dayMs) break;
          if (until.isUtc && start.isDate && wall > wallOf(start.zone, until.wall)) break;
          if (until.isUtc && !start.isDate && instantOf(start.zone, wall) > until.wall) break;
          if (!until.isDate && !until.isUtc && wall > until.wall) break;
        }
        yield { start: at(wall), length };
      }
    }
    for (const extra of master.extraDates) {
      if (extra.start.wall >= from && extra.start.wall <= to) {
        yield { start: extra.start, length: extra.length ?? length };
      }
    }
  }
}

function exceptionsOf(master: CalendarEvent): (start: EventTime, at: number) => boolean {
  const wholeDays = (time: EventTime): boolean => time.isDate && !master.start.isDate;
  const dates = new Set(master.exceptDates.filter(wholeDays).map((time) => time.wall));
  const times = new Set(
    master.exceptDates.filter((time) => !wholeDays(time)).map((time) => instantOfTime(time)),
  );
  return (start, at) => times.has(at) || dates.has(Math.floor(start.wall / dayMs) * dayMs);
}

/** What a change of "this and all later occurrences" makes of an occurrence. */
function shiftedBy(
  lasting: readonly CalendarEvent[],
  start: EventTime,
  at: number,
): { event: CalendarEvent; start: EventTime } | undefined {
  let latest: { event: CalendarEvent; from: number } | undefined;
  for (const event of lasting) {
    if (!event.recurrenceId) continue;
    const from = instantOfTime(event.recurrenceId);
    if (from <= at && (!latest || from > latest.from)) latest = { event, from };
  }
  if (!latest) return undefined;
  const { event, from } = latest;
  const shift = event.start.wall - wallOf(event.start.zone, from);
  const wall = start.isDate ? start.wall : wallOf(event.start.zone, at);
  return { event, start: { ...event.start, wall: wall + shift } };
}

export function recurrenceIdOf(time: EventTime): string {
  const text = new Date(time.isDate ? time.wall : instantOfTime(time)).toISOString();
  return text.slice(0, time.isDate ? 10 : 19).replace(/[-:]/g, "");
}

function instanceOf(
  event: CalendarEvent,
  start: EventTime,
  length: EventLength,
  recurrenceId: string,
  repeats: boolean,
): Instance {
  const { id, busy, cancelled, title, place, organizer, about, people, position } = event;
  return {
    id,
    recurrenceId,
    start: instantOfTime(start),
    end: instantOf(start.zone, start.wall + length.days * dayMs) + length.ms,
    allDay: start.isDate,
    busy,
    cancelled,
    repeats,
    title,
    place,
    organizer,
    about,
    ...(people ? { people } : {}),
    ...(position ? { position } : {}),
  };
}
