import type { ObservationInput } from "watchkeeper";
import { findChanges } from "./changes.ts";
import type { Change } from "./changes.ts";
import type { Instance } from "./expand.ts";
import {
  changeObservation,
  overlapObservation,
  restObservation,
  soonKey,
  soonObservation,
} from "./observations.ts";
import { findOverlaps, overlapOf } from "./overlaps.ts";
import { findStanding, type StandingRules } from "./standing.ts";
import { compareInstances, keyOf } from "./reading.ts";
import type { Reading } from "./reading.ts";
import { fitInstances, fitKnown, shortHash } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";
import type { TimeWords } from "./time-words.ts";
import type { Zone } from "./zones.ts";
import { dayMs } from "./zones.ts";

export interface CompareInput {
  /** What the last look left, or null at the first. */
  readonly previous: Snapshot | null;
  /** What the calendar says now, or null when it is unchanged; then `previous` is there. */
  readonly reading: Reading | null;
  readonly now: number;
  /** How long before its start an event is told. */
  readonly leadMs: number;
  readonly zone: Zone;
  readonly times: TimeWords;
  readonly rules?: StandingRules;
  /** What the calendars before this one in the config hold: they tell it. */
  readonly elsewhere?: Elsewhere;
}

/** Other calendars, as far as this one must know of them. */
export interface Elsewhere {
  has(id: string): boolean;
  /** Whether one of them told, or will tell, that the event was cancelled. */
  tellsCancelled(id: string): boolean;
  readonly instances: readonly Instance[];
}

export interface Comparison {
  readonly observations: ObservationInput[];
  readonly gone: string[];
  readonly notes: string[];
  readonly next: Omit<
    Snapshot,
    "version" | "source" | "timezone" | "validators" | "briefs" | "addresses"
  >;
  /** Ids of events that were found cancelled, each with when it would have been over. */
  readonly cancelled: { readonly id: string; readonly until: number }[];
}

const overlapDays = 7;
const mostPerKind = 50;
const mostRemembered = 200;

/** Turns two looks at a calendar into what the owner should know. Decides alone, asks nobody. */
export function compare(input: CompareInput): Comparison {
  const { previous, reading, now } = input;
  const state = currentState(previous, reading, now);
  const active = state.instances.filter(
    (instance) => isGoingAhead(instance) && !input.elsewhere?.has(instance.id),
  );
  const changes = previous && reading ? changesSince(previous, reading, state, input) : [];
  const soon = tellSoon(active, input);
  const overlaps = tellOverlaps(active, input);
  const standing = tellStanding(active, input);
  const told = tellChanges(changes.filter(isOurs(input)), standing.keys, input);
  const cancelled = changes.filter((change) => change.kind === "cancelled");
  return {
    observations: [
      ...soon.observations,
      ...told,
      ...standing.observations,
      ...overlaps.observations,
    ],
    gone: [...soon.gone, ...overlaps.gone, ...standing.gone, ...changes.flatMap(settledBy)],
    notes: [...(reading?.notes ?? []), ...overlaps.notes, ...standing.notes],
    cancelled: cancelled.map(({ instance }) => ({ id: instance.id, until: instance.end })),
    next: {
      at: now,
      until: state.until,
      instances: state.instances,
      ...knownAfter(previous, reading, changes),
      soon: soon.remembered,
      overlaps: overlaps.remembered,
      standing: standing.remembered,
    },
  };
}

/** What the owner has declined is as good as not there, until it changes. */
const isGoingAhead = (instance: Instance): boolean =>
  !instance.cancelled && instance.people?.answer !== "declined";

const isOurs =
  ({ elsewhere }: CompareInput) =>
  (change: Change): boolean => {
    const { id } = "to" in change ? change.to : change.instance;
    if (elsewhere === undefined) return true;
    return !elsewhere.has(id) && !(change.kind === "cancelled" && elsewhere.tellsCancelled(id));
  };

interface State {
  readonly instances: Instance[];
  readonly until: number;
}

function currentState(previous: Snapshot | null, reading: Reading | null, now: number): State {
  if (!reading) {
    const instances = (previous?.instances ?? []).filter((instance) => instance.end > now);
    return { instances, until: previous?.until ?? now };
  }
  // What was set aside this time is taken to be as it was.
  const carried = (previous?.instances ?? []).filter((one) => reading.unreadable.has(one.id));
  const all = [...reading.instances, ...carried].sort(compareInstances);
  const { kept, until } = fitInstances(all, now);
  return { instances: kept, until: until ?? reading.window.to };
}

function changesSince(
  previous: Snapshot,
  reading: Reading,
  state: State,
  { zone, now }: CompareInput,
): Change[] {
  const known = new Set(previous.known);
  return findChanges(
    { ...previous, isKnown: (id) => known.has(shortHash(id)) },
    { ...state, outside: reading.outside, unreadable: reading.unreadable },
    zone,
    now,
  );
}

function tellSoon(active: readonly Instance[], input: CompareInput) {
  const { previous, now, leadMs, times } = input;
  const before = new Set(previous?.soon.map(({ key }) => key));
  const isSoon = (one: Instance): boolean => one.start > now && one.start <= now + leadMs;
  // Begun between two looks without having been told: an event put in late, or a laptop asleep.
  const wasMissed = (one: Instance): boolean =>
    previous !== null &&
    one.start <= now &&
    one.start > previous.at &&
    one.end > now &&
    !before.has(soonKey(one));
  const due = active.filter((one) => !one.allDay && (isSoon(one) || wasMissed(one)));
  const keys = new Set(due.map(soonKey));
  return {
    observations: due
      .slice(0, mostRemembered)
      .map((instance) => soonObservation(instance, times, now)),
    gone: (previous?.soon ?? [])
      .filter(({ key, start }) => start > now && !keys.has(key))
      .map(({ key }) => key),
    remembered: [
      ...due.map((instance) => ({ key: soonKey(instance), start: instance.start })),
      ...(previous?.soon ?? []).filter(
        ({ key, start }) => start <= now && start > now - dayMs && !keys.has(key),
      ),
    ].slice(0, mostRemembered),
  };
}

function tellOverlaps(own: readonly Instance[], input: CompareInput) {
  const { previous, now, times } = input;
  const active = withOthers(own, input);
  const ownKeys = new Set(own.map(keyOf));
  const { overlaps, total } = findOverlaps(
    active,
    { now, to: now + overlapDays * dayMs },
    mostPerKind,
    (one, other) => ownKeys.has(keyOf(one)) || ownKeys.has(keyOf(other)),
  );
  const byKey = new Map(active.map((instance) => [keyOf(instance), instance]));
  const told = new Set(overlaps.map(({ key }) => key));
  const earlier = (previous?.overlaps ?? []).filter(
    ({ key, until }) => until > now && !told.has(key),
  );
  const holds = ({ one, other }: { one: string; other: string }): boolean => {
    const [first, second] = [byKey.get(one), byKey.get(other)];
    return first !== undefined && second !== undefined && overlapOf(first, second) !== undefined;
  };
  return {
    observations: overlaps.map((overlap) => overlapObservation(overlap, times, now)),
    gone: earlier.filter((overlap) => !holds(overlap)).map(({ key }) => key),
    notes:
      total > overlaps.length
        ? [`${total} pairs of events overlap; the first ${overlaps.length} are told`]
        : [],
    remembered: [
      ...overlaps.map(({ key, one, other, end }) => ({
        key,
        one: keyOf(one),
        other: keyOf(other),
        until: end,
      })),
      ...earlier.filter(holds),
    ].slice(0, mostRemembered),
  };
}

/** Own events and those of the other calendars, by start. */
function withOthers(own: readonly Instance[], { elsewhere, now }: CompareInput): Instance[] {
  const others = (elsewhere?.instances ?? []).filter((one) => isGoingAhead(one) && one.end > now);
  if (others.length === 0) return [...own];
  return [...own, ...others].sort((one, other) => one.start - other.start);
}

function tellStanding(own: readonly Instance[], input: CompareInput) {
  const { previous, reading, now, times, elsewhere } = input;
  const outside = (reading?.outside ?? []).filter(
    (one) => isGoingAhead(one) && !elsewhere?.has(one.id),
  );
  const found = findStanding({
    own,
    outside,
    all: withOthers(own, input),
    rules: input.rules ?? {},
    now,
    zone: input.zone,
    times,
  });
  const keys = new Set(found.map(({ key }) => key));
  const earlier = (previous?.standing ?? []).filter(
    ({ key, until }) => until > now && !keys.has(key),
  );
  // Beyond the days that are remembered an unchanged calendar says nothing, and so all holds there.
  const isKept = ({ until }: { until: number }): boolean =>
    reading === null && until > (previous?.until ?? 0);
  const told = (["invite", "hours", "way"] as const).flatMap((kind) =>
    found.filter((one) => one.kind === kind).slice(0, mostPerKind),
  );
  return {
    keys: new Set(told.map(({ key }) => key)),
    observations: told.map(({ observation }) => observation()),
    gone: earlier.filter((one) => !isKept(one)).map(({ key }) => key),
    notes:
      told.length < found.length
        ? [`${found.length - told.length} more invitations, odd hours or tight ways are not told`]
        : [],
    remembered: [
      ...told.map(({ key, until }) => ({ key, until })),
      ...earlier.filter(isKept),
    ].slice(0, mostRemembered),
  };
}

function tellChanges(
  changes: readonly Change[],
  standing: ReadonlySet<string>,
  { times, now }: CompareInput,
): ObservationInput[] {
  return (["moved", "relocated", "cancelled", "new"] as const).flatMap((kind) => {
    const ofKind = changes
      .filter((change) => change.kind === kind)
      // An invitation says itself that it is new.
      .filter((change) => change.kind !== "new" || !standing.has(`invite:${change.instance.id}`))
      .sort((one, other) => startOf(one) - startOf(other));
    const rest = ofKind.slice(mostPerKind);
    return [
      ...ofKind.slice(0, mostPerKind).map((change) => changeObservation(change, times, now)),
      ...(rest.length > 0 ? [restObservation(kind, rest, now)] : []),
    ];
  });
}

const startOf = (change: Change): number =>
  change.kind === "moved" || change.kind === "relocated"
    ? Math.min(change.to.start, change.from?.start ?? change.to.start)
    : change.instance.start;

/** Earlier findings that a change makes untrue. */
function settledBy(change: Change): string[] {
  if (change.kind !== "cancelled") return [`cancelled:${change.key}`];
  return ["new", "moved", "relocated"].map((kind) => `${kind}:${change.key}`);
}

/** An event none of whose occurrences was in sight yet stays unknown until it is told. */
function knownAfter(
  previous: Snapshot | null,
  reading: Reading | null,
  changes: readonly Change[],
): { known: string[]; knowsAll: boolean } {
  if (!reading) return { known: previous?.known ?? [], knowsAll: previous?.knowsAll ?? true };
  if (!previous) return fitKnown(reading.ids);
  const before = new Set(previous.known);
  const seen = new Set([
    ...previous.instances.map((instance) => instance.id),
    ...changes.map((change) => ("to" in change ? change.to.id : change.instance.id)),
  ]);
  const isKnown = (id: string): boolean =>
    !previous.knowsAll || seen.has(id) || before.has(shortHash(id));
  return fitKnown([...reading.ids].filter(isKnown));
}
