import type { ObservationInput } from "watchkeeper";
import type { Change } from "./changes.ts";
import type { Instance } from "./expand.ts";
import type { Overlap } from "./overlaps.ts";
import { plainLine } from "./plain-text.ts";
import { keyOf } from "./reading.ts";
import { shortHash } from "./snapshot.ts";
import type { TimeWords } from "./time-words.ts";
import { dayMs } from "./zones.ts";

/** Within which a moved or cancelled event is a warning. */
const nearMs = dayMs;

export const soonKey = (instance: Instance): string =>
  `soon:${keyOf(instance)}:${new Date(instance.start).toISOString().slice(0, 16)}`;

/** An event that begins soon, or has begun since the last look. */
export function soonObservation(
  instance: Instance,
  times: TimeWords,
  now: number,
): ObservationInput {
  const began = instance.start <= now;
  return {
    key: soonKey(instance),
    severity: "notice",
    title: `${began ? "Has begun" : "Starting soon"}: ${instance.title}, ${times.start(instance, now)}`,
    text: describe(instance, times, now),
    data: dataOf(instance),
    fingerprint: fingerprintOf("soon", instance),
    closesAt: new Date(began ? instance.end : instance.start),
  };
}

export function overlapObservation(
  overlap: Overlap,
  times: TimeWords,
  now: number,
): ObservationInput {
  const { one, other, start, end } = overlap;
  const titles = [one, other].map((instance) => plainLine(instance.title, 80));
  return {
    key: overlap.key,
    severity: "notice",
    title: `Overlapping: ${titles.join(" and ")}, ${times.span({ start, end, allDay: false }, now)}`,
    text: [one, other]
      .map((instance) => `${instance.title}\n${describe({ ...instance, about: "" }, times, now)}`)
      .join("\n\n"),
    data: { one: dataOf(one), other: dataOf(other) },
    fingerprint: shortHash(`overlap ${start} ${end}`),
    closesAt: new Date(end),
  };
}

export function changeObservation(change: Change, times: TimeWords, now: number): ObservationInput {
  const series = change.more > 0 ? ` (and ${change.more} more of its series)` : "";
  if (change.kind === "moved") {
    const { from, to } = change;
    const last = to.end > now || !from ? to : from;
    const before = from ? `from ${times.start(from, now)} ` : "";
    // Two moments that read the same differ in when they end.
    const sameStart = from?.start === to.start;
    const when = sameStart
      ? `now until ${times.moment(to.end, now)}, was until ${times.moment(from.end, now)}`
      : `${before}to ${times.start(to, now)}`;
    return {
      key: `moved:${change.key}`,
      severity: isNear(to, now) || (from && isNear(from, now)) ? "warning" : "notice",
      title: `Moved: ${to.title}${series}, ${when}`,
      text: [...(from ? [`Was: ${times.span(from, now)}`] : []), describe(to, times, now)].join(
        "\n",
      ),
      data: { ...dataOf(to), ...(from ? { was: dataOf(from) } : {}), more: change.more },
      fingerprint: fingerprintOf(`moved ${from?.start} ${from?.end} ${change.more}`, to),
      closesAt: new Date(last.end),
    };
  }
  if (change.kind === "relocated") {
    const { from, to } = change;
    return {
      key: `relocated:${change.key}`,
      severity: isNear(to, now) ? "warning" : "notice",
      title: `Changed place: ${to.title}${series}, ${times.start(to, now)}, ${to.place ? `now at ${plainLine(to.place, 80)}` : "now without a place"}`,
      text: [`Was at: ${from.place || "no place"}`, describe(to, times, now)].join("\n"),
      data: { ...dataOf(to), place: to.place, was: from.place, more: change.more },
      fingerprint: fingerprintOf(`relocated ${from.place} ${change.more}`, to),
      closesAt: closing(to),
    };
  }
  const { instance } = change;
  if (change.kind === "new") {
    const isWholeSeries = instance.repeats && change.key === instance.id;
    const repeats = isWholeSeries ? " (repeats)" : series;
    return {
      key: `new:${change.key}`,
      severity: "notice",
      title: `New: ${instance.title}${repeats}, ${times.start(instance, now)}`,
      text: describe(instance, times, now),
      data: { ...dataOf(instance), more: change.more },
      fingerprint: fingerprintOf(`new ${change.more}`, instance),
      closesAt: closing(instance),
    };
  }
  const how = change.marked ? "It is marked as cancelled" : "It is no longer in the calendar";
  return {
    key: `cancelled:${change.key}`,
    severity: isNear(instance, now) ? "warning" : "notice",
    title: `Cancelled: ${instance.title}${series}, ${times.start(instance, now)}`,
    text: `${how}.\n${describe(instance, times, now)}`,
    data: { ...dataOf(instance), more: change.more },
    fingerprint: fingerprintOf(`cancelled ${change.more}`, instance),
    closesAt: closing(instance),
  };
}

/** Stands for changes beyond what is told one by one. */
export function restObservation(
  kind: Change["kind"],
  rest: readonly Change[],
  now: number,
): ObservationInput {
  const keys = rest.map((change) => change.key).sort();
  const did = {
    new: "are new",
    moved: "were moved",
    relocated: "changed place",
    cancelled: "were cancelled or are gone",
  }[kind];
  return {
    key: `${kind}:rest:${shortHash(keys.join("\n"))}`,
    severity: "notice",
    title: `${rest.length} more events ${did}`,
    text: rest
      .slice(0, 100)
      .map((change) => ("to" in change ? change.to : change.instance).title)
      .join("\n"),
    closesAt: new Date(now + 2 * dayMs),
  };
}

const isNear = (instance: Instance, now: number): boolean =>
  instance.start < now + nearMs && instance.end > now;

/** An event without length would be over before it is told. */
export const closing = (instance: Instance): Date =>
  new Date(Math.max(instance.end, instance.start + 60_000));

export function describe(instance: Instance, times: TimeWords, now: number): string {
  return [
    `When: ${times.span(instance, now)} (${times.timezone})`,
    ...(instance.repeats ? ["Repeats: yes"] : []),
    ...(instance.place ? [`Where: ${instance.place}`] : []),
    ...(instance.organizer ? [`Organiser: ${instance.organizer}`] : []),
    ...peopleLine(instance),
    ...(instance.about ? [`Description: ${instance.about}`] : []),
  ].join("\n");
}

const mostNamed = 8;

function peopleLine({ people }: Instance): string[] {
  if (!people || people.count === 0) return [];
  const named = people.others.slice(0, mostNamed);
  const more = people.count - named.length;
  return [`With: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`];
}

export const dataOf = (instance: Instance): Record<string, unknown> => ({
  id: instance.id,
  ...(instance.recurrenceId ? { recurrenceId: instance.recurrenceId } : {}),
  start: new Date(instance.start).toISOString(),
  end: new Date(instance.end).toISOString(),
  allDay: instance.allDay,
});

/** Of what matters to the owner; not of the description, which may be missing at some looks. */
export const fingerprintOf = (what: string, instance: Instance): string =>
  shortHash(JSON.stringify([what, instance.start, instance.end, instance.title, instance.place]));
