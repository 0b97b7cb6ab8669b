import type { ObservationInput } from "watchkeeper";
import type { Instance } from "./expand.ts";
import { closing, dataOf, describe, fingerprintOf } from "./observations.ts";
import { areApart } from "./places.ts";
import { plainLine } from "./plain-text.ts";
import { compareText, keyOf } from "./reading.ts";
import { shortHash } from "./snapshot.ts";
import type { TimeWords } from "./time-words.ts";
import { isWithinHours, type WorkingHours } from "./working-hours.ts";
import { dayMs, wallOf, type Zone } from "./zones.ts";

/** What the owner wants to be told of, beside changes. */
export interface StandingRules {
  readonly workingHours?: WorkingHours | undefined;
  /** The least time between events at places that are apart; undefined does not look. */
  readonly travelMs?: number | undefined;
}

/** Something that holds until it is mended or over. */
export interface Standing {
  readonly kind: "invite" | "hours" | "way";
  readonly key: string;
  readonly until: number;
  readonly observation: () => ObservationInput;
}

export interface StandingInput {
  /** The events that this calendar tells of, by start. */
  readonly own: readonly Instance[];
  /** Of those that come later than the days looked at. */
  readonly outside: readonly Instance[];
  /** `own` and those of the other calendars, by start. */
  readonly all: readonly Instance[];
  readonly rules: StandingRules;
  readonly now: number;
  readonly zone: Zone;
  readonly times: TimeWords;
}

const daysAhead = 7;

/** Invitations without an answer, meetings at odd hours, and ways that take longer than there is time. */
export function findStanding(input: StandingInput): Standing[] {
  return [...findInvitations(input), ...findOddHours(input), ...findTightWays(input)];
}

function findInvitations({ own, outside, now, times }: StandingInput): Standing[] {
  const first = new Map<string, Instance>();
  for (const instance of [...own, ...outside]) {
    if (instance.people?.answer !== "needs-action" || instance.end <= now) continue;
    if (!first.has(instance.id)) first.set(instance.id, instance);
  }
  return [...first.values()].map((instance) => ({
    kind: "invite",
    key: `invite:${instance.id}`,
    until: closing(instance).getTime(),
    observation: () => ({
      key: `invite:${instance.id}`,
      severity: "notice",
      title: `Invitation: ${instance.title}${instance.repeats ? " (repeats)" : ""}, ${times.start(instance, now)}; needs your answer`,
      text: describe(instance, times, now),
      data: dataOf(instance),
      // Of a series only what is the same for all: the next one is no news.
      fingerprint: instance.repeats
        ? shortHash(JSON.stringify([instance.title, instance.place]))
        : fingerprintOf("invite", instance),
      ...(instance.repeats ? {} : { closesAt: closing(instance) }),
    }),
  }));
}

function findOddHours({ own, rules, now, zone, times }: StandingInput): Standing[] {
  const { workingHours } = rules;
  if (!workingHours) return [];
  const first = new Map<string, Instance>();
  for (const instance of own) {
    const isMeeting = instance.busy && !instance.allDay && (instance.people?.count ?? 0) > 0;
    if (!isMeeting || instance.start <= now || instance.start > now + daysAhead * dayMs) continue;
    const [start, end] = [wallOf(zone, instance.start), wallOf(zone, instance.end)];
    if (!isWithinHours(workingHours, start, end) && !first.has(instance.id)) {
      first.set(instance.id, instance);
    }
  }
  return [...first.values()].map((instance) => ({
    kind: "hours",
    key: `hours:${keyOf(instance)}`,
    until: instance.start,
    observation: () => ({
      key: `hours:${keyOf(instance)}`,
      severity: "info",
      title: `Outside working hours: ${instance.title}, ${times.span(instance, now)}`,
      text: describe(instance, times, now),
      data: dataOf(instance),
      fingerprint: fingerprintOf("hours", instance),
      closesAt: new Date(instance.start),
    }),
  }));
}

function findTightWays({ own, all, rules, now, times }: StandingInput): Standing[] {
  const { travelMs } = rules;
  if (travelMs === undefined) return [];
  const ownKeys = new Set(own.map(keyOf));
  const found: Standing[] = [];
  let before: Instance | undefined;
  for (const next of all) {
    if (!next.busy || next.allDay || next.end <= next.start) continue;
    if (next.start > now + daysAhead * dayMs) break;
    const one = before;
    if (!before || next.end > before.end) before = next;
    if (!one || next.start <= now || next.start < one.end) continue;
    const gapMs = next.start - one.end;
    const isOurs = ownKeys.has(keyOf(one)) || ownKeys.has(keyOf(next));
    if (gapMs >= travelMs || !isOurs || !areApart(one, next)) continue;
    const key = `way:${[keyOf(one), keyOf(next)].sort(compareText).join("|")}`;
    const minutes = Math.round(gapMs / 60_000);
    const titles = [one, next].map(({ title }) => plainLine(title, 80));
    found.push({
      kind: "way",
      key,
      until: next.start,
      observation: () => ({
        key,
        severity: "notice",
        title: `No time for the way: ${titles.join(" and ")}, ${times.moment(next.start, now)}`,
        text: [
          `Between them: ${minutes} min`,
          ...[one, next].map(
            (each) => `${each.title}\n${describe({ ...each, about: "" }, times, now)}`,
          ),
        ].join("\n\n"),
        data: { one: dataOf(one), other: dataOf(next) },
        fingerprint: shortHash(JSON.stringify(["way", one.end, next.start, one.place, next.place])),
        closesAt: new Date(next.start),
      }),
    });
  }
  return found;
}
