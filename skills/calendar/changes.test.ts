import { describe, expect, it } from "vitest";
import { findChanges } from "./changes.ts";
import type { Change } from "./changes.ts";
import type { Instance } from "./expand.ts";
import { utcZone } from "./zones.ts";

const at = (text: string): number => Date.parse(`2026-${text}:00Z`);
const now = at("11-23T09:00");
const until = at("12-07T09:00");

/** `id[:recurrenceId]`, and its start; one hour long. */
function instance(name: string, start: string, more: Partial<Instance> = {}): Instance {
  const [id = "", recurrenceId = ""] = name.split(":");
  const words = { title: id, place: "", organizer: "", about: "" };
  const flags = { allDay: false, busy: true, cancelled: false, repeats: recurrenceId !== "" };
  const times = { start: at(start), end: at(start) + 3_600_000 };
  return { id, recurrenceId, ...times, ...flags, ...words, ...more };
}

const told = (change: Change): string => {
  const when = (one: Instance | undefined): string =>
    one ? new Date(one.start).toISOString().slice(5, 16) : "?";
  const more = change.more > 0 ? ` +${change.more}` : "";
  return "to" in change
    ? `${change.kind} ${change.key} ${when(change.from)} > ${when(change.to)}${more}`
    : `${change.kind} ${change.key} ${when(change.instance)}${more}`;
};

interface Case {
  readonly name: string;
  readonly before?: Instance[];
  readonly known?: string[];
  readonly after?: Instance[];
  readonly outside?: Instance[];
  readonly unreadable?: string[];
  readonly laterUntil?: number;
  readonly expected: string[];
}

const a = instance("a", "11-25T10:00");
const cases: Case[] = [
  { name: "nothing happened", before: [a], after: [a], expected: [] },
  { name: "an unknown event is new", after: [a], expected: ["new a 11-25T10:00"] },
  { name: "a removed one is cancelled", before: [a], expected: ["cancelled a 11-25T10:00"] },
  { name: "what is set aside is not cancelled", before: [a], unreadable: ["a"], expected: [] },
  { name: "what is over is not cancelled", before: [instance("a", "11-23T07:00")], expected: [] },
  {
    name: "a longer event was moved",
    before: [a],
    after: [{ ...a, end: a.end + 1_800_000 }],
    expected: ["moved a 11-25T10:00 > 11-25T10:00"],
  },
  {
    name: "one marked as cancelled is cancelled once",
    before: [a],
    after: [{ ...a, cancelled: true }],
    expected: ["cancelled a 11-25T10:00"],
  },
  {
    name: "one that was cancelled already is no news when it goes",
    before: [{ ...a, cancelled: true }],
    expected: [],
  },
  {
    name: "one that is on again is new",
    before: [{ ...a, cancelled: true }],
    after: [a],
    expected: ["new a 11-25T10:00"],
  },
  {
    name: "one moved beyond the days looked at is moved, not cancelled",
    before: [a],
    outside: [instance("a", "12-20T10:00")],
    expected: ["moved a 11-25T10:00 > 12-20T10:00"],
  },
  {
    name: "a known one that comes from beyond them is moved, from nobody knows where",
    known: ["a"],
    after: [a],
    expected: ["moved a ? > 11-25T10:00"],
  },
  {
    name: "the next of a known series comes into sight",
    before: [instance("s:20261201T090000", "12-01T09:00")],
    known: ["s"],
    after: [
      instance("s:20261201T090000", "12-01T09:00"),
      instance("s:20261208T090000", "12-08T09:00"),
    ],
    laterUntil: at("12-09T09:00"),
    expected: [],
  },
  {
    name: "one of a series is moved forward from beyond",
    before: [instance("s:20261201T090000", "12-01T09:00")],
    known: ["s"],
    after: [
      instance("s:20261208T090000", "11-30T09:00"),
      instance("s:20261201T090000", "12-01T09:00"),
    ],
    expected: ["moved s:20261208T090000 ? > 11-30T09:00"],
  },
  {
    name: "a weekly series goes to the day after",
    before: [
      instance("s:20261124T090000", "11-24T09:00"),
      instance("s:20261201T090000", "12-01T09:00"),
    ],
    after: [
      instance("s:20261125T090000", "11-25T09:00"),
      instance("s:20261202T090000", "12-02T09:00"),
    ],
    expected: ["moved s:series 11-24T09:00 > 11-25T09:00 +1"],
  },
  {
    name: "a single event becomes a series at the same time",
    before: [a],
    after: [
      instance("a:20261125T100000", "11-25T10:00"),
      instance("a:20261126T100000", "11-26T10:00"),
    ],
    expected: ["new a:20261126T100000 11-26T10:00"],
  },
  {
    name: "a series ends early",
    before: [
      instance("s:20261124T090000", "11-24T09:00"),
      instance("s:20261125T090000", "11-25T09:00"),
      instance("s:20261126T090000", "11-26T09:00"),
    ],
    after: [instance("s:20261124T090000", "11-24T09:00")],
    expected: ["cancelled s:series 11-25T09:00 +1"],
  },
  {
    name: "a look that covers less cancels nothing beyond it",
    before: [a, instance("b", "11-30T10:00")],
    after: [a],
    laterUntil: at("11-26T00:00"),
    expected: [],
  },
];

describe("comparing two looks at a calendar", () => {
  it.each(cases)("$name", (one) => {
    const before = one.before ?? [];
    const known = new Set([...(one.known ?? []), ...before.map(({ id }) => id)]);
    const changes = findChanges(
      { until, instances: before, isKnown: (id) => known.has(id), knowsAll: true },
      {
        until: one.laterUntil ?? until,
        instances: one.after ?? [],
        outside: one.outside ?? [],
        unreadable: new Set(one.unreadable),
      },
      utcZone,
      now,
    );
    expect(changes.map(told)).toEqual(one.expected);
  });
});
