import type { Instance } from "./expand.ts";
import { keyOf } from "./reading.ts";
import type { Zone } from "./zones.ts";
import { dayMs, wallOf } from "./zones.ts";

/** What happened to an event between two looks; one change may stand for many of a series. */
export type Change =
  | {
      readonly kind: "new";
      readonly key: string;
      readonly instance: Instance;
      readonly more: number;
    }
  | {
      readonly kind: "moved";
      readonly key: string;
      /** Undefined when it came from outside the days that were looked at. */
      readonly from: Instance | undefined;
      readonly to: Instance;
      readonly more: number;
    }
  | {
      /** The same time, another place. */
      readonly kind: "relocated";
      readonly key: string;
      readonly from: Instance;
      readonly to: Instance;
      readonly more: number;
    }
  | {
      readonly kind: "cancelled";
      readonly key: string;
      readonly instance: Instance;
      readonly more: number;
      /** The calendar still has it, marked as cancelled. */
      readonly marked: boolean;
    };

export interface EarlierLook {
  readonly until: number;
  readonly instances: readonly Instance[];
  readonly isKnown: (id: string) => boolean;
  /** False when not all events of that look could be remembered. */
  readonly knowsAll: boolean;
}

export interface LaterLook {
  readonly until: number;
  readonly instances: readonly Instance[];
  readonly outside: readonly Instance[];
  readonly unreadable: ReadonlySet<string>;
}

/**
 * Compares two looks at a calendar. An occurrence that only came into sight because time went on is
 * no change, nor is one that cannot be compared: set aside, over, or beyond what either look covers.
 */
export function findChanges(
  earlier: EarlierLook,
  later: LaterLook,
  zone: Zone,
  now: number,
): Change[] {
  const changes: Change[] = [];
  const known = new Map(earlier.instances.map((instance) => [keyOf(instance), instance]));
  const hadInstances = new Set(earlier.instances.map((instance) => instance.id));
  const present = new Map(later.outside.map((instance) => [keyOf(instance), instance]));
  for (const instance of later.instances) present.set(keyOf(instance), instance);

  const vanished: Instance[] = [];
  const relocated: { from: Instance; to: Instance }[] = [];
  const horizon = Math.min(earlier.until, later.until);
  for (const [key, from] of known) {
    const to = present.get(key);
    if (from.cancelled || from.start >= horizon || later.unreadable.has(from.id)) continue;
    if (!to || to.cancelled) {
      if (from.end > now) vanished.push(from);
    } else if (differs(from, to) && Math.max(from.end, to.end) > now) {
      changes.push({ kind: "moved", key, from, to, more: 0 });
    } else if (from.place !== to.place && to.end > now) {
      relocated.push({ from, to });
    }
  }

  changes.push(...relocations(relocated));

  const unseen: Instance[] = [];
  const appeared: Instance[] = [];
  for (const instance of later.instances) {
    const before = known.get(keyOf(instance));
    if (instance.cancelled || instance.end <= now || (before && !before.cancelled)) continue;
    if (!hadInstances.has(instance.id) && !earlier.isKnown(instance.id)) {
      if (earlier.knowsAll || instance.start < earlier.until) unseen.push(instance);
    } else if (instance.start < earlier.until) appeared.push(instance);
  }
  const inSight = new Set(unseen.map((instance) => instance.id));
  for (const instance of later.outside) {
    const isUnseen = !hadInstances.has(instance.id) && !earlier.isKnown(instance.id);
    if (!isUnseen || !earlier.knowsAll || instance.cancelled) continue;
    if (!inSight.has(instance.id)) unseen.push(instance);
  }

  for (const [id, group] of byId(unseen)) {
    changes.push({ kind: "new", key: id, instance: group[0], more: group.length - 1 });
  }
  const appearedById = byId(appeared);
  const vanishedById = byId(vanished);
  for (const id of new Set([...vanishedById.keys(), ...appearedById.keys()])) {
    const gone = vanishedById.get(id) ?? [];
    const come = appearedById.get(id) ?? [];
    changes.push(...matchSeries(id, gone, come, { earlier, later, known, present, zone }));
  }
  return changes;
}

interface Surroundings {
  readonly earlier: EarlierLook;
  readonly later: LaterLook;
  readonly known: ReadonlyMap<string, Instance>;
  readonly present: ReadonlyMap<string, Instance>;
  readonly zone: Zone;
}

/**
 * A series that is moved as a whole gets new recurrence ids: what went and what came are matched by
 * day, then in order, so that it is told as one move and not as many cancelled and new meetings.
 */
function matchSeries(
  id: string,
  gone: readonly Instance[],
  come: readonly Instance[],
  { earlier, later, known, present, zone }: Surroundings,
): Change[] {
  const pairs: { from: Instance; to: Instance }[] = [];
  const left = { gone: [...gone], come: [...come] };
  const day = (instance: Instance): number => Math.floor(wallOf(zone, instance.start) / dayMs);
  const take = (same: (from: Instance, to: Instance) => boolean): void => {
    left.gone = left.gone.filter((from) => {
      const index = nearest(from, left.come, same);
      if (index < 0) return true;
      const [to] = left.come.splice(index, 1);
      if (to) pairs.push({ from, to });
      return false;
    });
  };
  take((from, to) => !differs(from, to));
  take((from, to) => day(from) === day(to));
  // Only a series that keeps no day was moved to other days.
  if (!pairs.some(({ from, to }) => differs(from, to))) take(() => true);

  const moves = pairs
    .filter(({ from, to }) => differs(from, to))
    .sort((one, other) => one.from.start - other.from.start);
  const changes: Change[] = [];
  const first = moves[0];
  if (first) {
    const key = moves.length > 1 ? `${id}:series` : keyOf(first.to);
    changes.push({ kind: "moved", key, ...first, more: moves.length - 1 });
  }
  // Moved over the edge of what the other look covers: neither cancelled nor new.
  const shift = first ? first.to.start - first.from.start : 0;
  const cancelled = left.gone.filter((from) => from.start + shift < later.until);
  const added = left.come.filter((to) => to.start - shift < earlier.until);
  if (cancelled[0]) {
    const key = cancelled.length > 1 ? `${id}:series` : keyOf(cancelled[0]);
    const marked = present.get(keyOf(cancelled[0]))?.cancelled === true;
    changes.push({
      kind: "cancelled",
      key,
      instance: cancelled[0],
      more: cancelled.length - 1,
      marked,
    });
  }
  const fresh: Instance[] = [];
  for (const to of added) {
    // One that was known to exist and not to be cancelled came in from outside.
    const fromOutside = !known.has(keyOf(to)) && originalStart(to) >= earlier.until;
    if (fromOutside) changes.push({ kind: "moved", key: keyOf(to), from: undefined, to, more: 0 });
    else fresh.push(to);
  }
  if (fresh[0]) {
    const key = fresh.length > 1 ? `${id}:series` : keyOf(fresh[0]);
    changes.push({ kind: "new", key, instance: fresh[0], more: fresh.length - 1 });
  }
  return changes;
}

/** A series that meets elsewhere from now on is one change. */
function relocations(pairs: readonly { from: Instance; to: Instance }[]): Change[] {
  const bySeries = new Map<string, { from: Instance; to: Instance }[]>();
  for (const pair of [...pairs].sort((one, other) => one.to.start - other.to.start)) {
    const name = JSON.stringify([pair.to.id, pair.from.place, pair.to.place]);
    bySeries.set(name, [...(bySeries.get(name) ?? []), pair]);
  }
  return [...bySeries.values()].flatMap(([first, ...rest]) =>
    first
      ? [
          {
            kind: "relocated" as const,
            key: rest.length > 0 ? `${first.to.id}:series` : keyOf(first.to),
            ...first,
            more: rest.length,
          },
        ]
      : [],
  );
}

function nearest(
  from: Instance,
  candidates: readonly Instance[],
  matches: (from: Instance, to: Instance) => boolean,
): number {
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const [index, to] of candidates.entries()) {
    const distance = Math.abs(to.start - from.start);
    if (distance >= bestDistance || !matches(from, to)) continue;
    best = index;
    bestDistance = distance;
  }
  return best;
}

/** When an occurrence was to be; a single event that was known was somewhere out of sight. */
function originalStart(instance: Instance): number {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?$/.exec(instance.recurrenceId);
  if (!match) return Number.POSITIVE_INFINITY;
  const [year, month, day, hour, minute, second] = match.slice(1).map((text) => Number(text ?? 0));
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

const differs = (one: Instance, other: Instance): boolean =>
  one.start !== other.start || one.end !== other.end;

function byId(instances: readonly Instance[]): Map<string, [Instance, ...Instance[]]> {
  const groups = new Map<string, [Instance, ...Instance[]]>();
  for (const instance of [...instances].sort((one, other) => one.start - other.start)) {
    const group = groups.get(instance.id);
    if (group) group.push(instance);
    else groups.set(instance.id, [instance]);
  }
  return groups;
}
