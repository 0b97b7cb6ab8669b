import { describe, expect, it } from "vitest";
import { compare, type CompareInput } from "./compare.ts";
import type { Instance } from "./expand.ts";
import { areApart } from "./places.ts";
import { createTimeWords } from "./time-words.ts";
import { isWithinHours, parseWorkingHours } from "./working-hours.ts";
import { utcZone } from "./zones.ts";

const at = (text: string): number => Date.parse(`2026-${text}:00Z`);
// A Monday.
const now = at("11-23T09:00");

function instance(id: string, start: string, end: string, more: Partial<Instance> = {}): Instance {
  const words = { title: id, place: "", organizer: "", about: "" };
  const flags = { allDay: false, busy: true, cancelled: false, repeats: false };
  return { id, recurrenceId: "", start: at(start), end: at(end), ...flags, ...words, ...more };
}
const invited = (answer: string) => ({ people: { others: ["ann@x.example"], count: 1, answer } });

/** Looks one after the other, each with what the last one left. */
function looks(
  states: readonly (Instance[] | null)[],
  more: Partial<CompareInput> & { outside?: Instance[] } = {},
): { titles: string[]; gone: string[] }[] {
  let previous: CompareInput["previous"] = null;
  return states.map((instances, index) => {
    const result = compare({
      previous,
      reading: instances && {
        window: { from: now, to: now + 14 * 86_400_000 },
        instances,
        outside: more.outside ?? [],
        ids: new Set([...instances, ...(more.outside ?? [])].map(({ id }) => id)),
        unreadable: new Set<string>(),
        notes: [],
      },
      now: now + index * 900_000,
      leadMs: 60_000,
      zone: utcZone,
      times: createTimeWords("UTC"),
      ...more,
    });
    const rest = { source: "s", timezone: "UTC", validators: { bodyHash: "" } };
    previous = { ...result.next, ...rest, version: 1, briefs: [], addresses: [] };
    return { titles: result.observations.map(({ title }) => title), gone: result.gone };
  });
}

describe("an invitation", () => {
  const pitch = instance("pitch", "11-25T10:00", "11-25T11:00", invited("needs-action"));

  it("is told at the first look too, in place of a new event, until it is answered", () => {
    const [, second, third] = looks([[], [pitch], [{ ...pitch, ...invited("accepted") }]]);
    expect(second?.titles).toEqual(["Invitation: pitch, Wed 25 Nov 10:00; needs your answer"]);
    expect(third).toEqual({ titles: [], gone: ["invite:pitch"] });
    expect(looks([[pitch]])[0]?.titles).toHaveLength(1);
  });

  it("of a series is one, and the next occurrence is no news", () => {
    const weekly = (day: number): Instance => ({
      ...pitch,
      ...instance("pitch", `11-${day}T10:00`, `11-${day}T11:00`, invited("needs-action")),
      recurrenceId: `202611${day}T100000`,
      repeats: true,
    });
    const [first] = looks([[weekly(25), weekly(26)]]);
    expect(first?.titles).toEqual([
      "Invitation: pitch (repeats), Wed 25 Nov 10:00; needs your answer",
    ]);
  });

  it("to something far ahead is told, and holds while the calendar is unchanged", () => {
    const far = instance("far", "12-30T10:00", "12-30T11:00", invited("needs-action"));
    const [first, second, third] = looks([[], null, []], { outside: [far] });
    expect(first?.titles).toEqual(["Invitation: far, Wed 30 Dec 10:00; needs your answer"]);
    expect(second?.gone).toEqual([]);
    expect(third?.gone).toEqual([]);
    expect(looks([[]], { outside: [{ ...far, ...invited("declined") }] })[0]?.titles).toEqual([]);
  });

  it("that was declined overlaps with nothing", () => {
    const other = instance("other", "11-25T10:30", "11-25T11:30");
    expect(looks([[{ ...pitch, ...invited("accepted") }, other]])[0]?.titles).toHaveLength(1);
    expect(looks([[{ ...pitch, ...invited("declined") }, other]])[0]?.titles).toEqual([]);
  });
});

describe("a changed place", () => {
  const lunch = instance("lunch", "11-24T12:00", "11-24T13:00", { place: "Room 1" });

  it("is told with the old and the new place, of a series once", () => {
    const [, second] = looks([[lunch], [{ ...lunch, place: "Room 2" }]]);
    expect(second?.titles).toEqual(["Changed place: lunch, Tue 24 Nov 12:00, now at Room 2"]);
    const series = (place: string): Instance[] =>
      [24, 25, 26].map((day) => ({
        ...instance("lunch", `11-${day}T12:00`, `11-${day}T13:00`, { place }),
        recurrenceId: `202611${day}T120000`,
        repeats: true,
      }));
    const [, moved] = looks([series("Room 1"), series("")]);
    expect(moved?.titles).toEqual([
      "Changed place: lunch (and 2 more of its series), Tue 24 Nov 12:00, now without a place",
    ]);
  });
});

describe("working hours", () => {
  it.each([
    ["09:00-17:30", "2026-11-23T09:00Z", "2026-11-23T17:30Z", true],
    ["09:00-17:30", "2026-11-23T08:59Z", "2026-11-23T10:00Z", false],
    ["09:00-17:30", "2026-11-22T10:00Z", "2026-11-22T11:00Z", false],
    ["Sat-Sun 10:00-12:00", "2026-11-22T10:00Z", "2026-11-22T11:00Z", true],
    ["Mon,Wed 9:00-24:00", "2026-11-25T23:00Z", "2026-11-26T00:00Z", true],
    ["Mon,Wed 9:00-24:00", "2026-11-25T23:00Z", "2026-11-26T01:00Z", false],
    ["Fri-Mon 9:00-12:00", "2026-11-23T09:00Z", "2026-11-23T10:00Z", true],
  ])("%s: from %s to %s is within: %s", (text, start, end, expected) => {
    const hours = parseWorkingHours(text);
    expect(hours && isWithinHours(hours, Date.parse(start), Date.parse(end))).toBe(expected);
  });

  it.each(["", "9-17", "17:00-09:00", "Mon-Foo 09:00-17:00", "09:00-25:00", "09:60-10:00"])(
    "%j is none",
    (text) => expect(parseWorkingHours(text)).toBeUndefined(),
  );

  it("tells meetings with others outside of them, not what the owner does alone", () => {
    const rules = { workingHours: parseWorkingHours("09:00-17:00") };
    const dinner = instance("dinner", "11-24T19:00", "11-24T20:00");
    const [first] = looks(
      [[dinner, { ...dinner, id: "call", title: "call", ...invited("accepted") }]],
      {
        rules,
      },
    );
    expect(first?.titles).toEqual([
      "Outside working hours: call, Tue 24 Nov 19:00 to 20:00",
      "Overlapping: call and dinner, Tue 24 Nov 19:00 to 20:00",
    ]);
  });
});

describe("the way between two places", () => {
  const berlin = "Unter den Linden 5, 10117 Berlin";
  const potsdam = "Brandenburger Str. 3, 14467 Potsdam";

  it.each([
    [berlin, potsdam, true],
    [berlin, "Friedrichstr. 1, 10117 Berlin", false],
    [berlin, "Room 4, Floor 2", false],
    [berlin, "https://meet.example.com/a,b 12", false],
    ["Room 1", "Room 2", false],
    ["", potsdam, false],
  ])("%j and %j are apart: %s", (one, other, expected) => {
    expect(areApart({ place: one }, { place: other })).toBe(expected);
  });

  it("is measured where both have a position", () => {
    const place = "";
    const gate = { place, position: [52.5163, 13.3777] as const };
    expect(areApart(gate, { place, position: [52.5186, 13.3763] })).toBe(false);
    expect(areApart(gate, { place, position: [52.3906, 13.0645] })).toBe(true);
  });

  it("is told when there is less time than it takes, and taken back when there is enough", () => {
    const one = instance("one", "11-24T10:00", "11-24T11:00", { place: berlin });
    const two = instance("two", "11-24T11:10", "11-24T12:00", { place: potsdam });
    const rules = { travelMs: 1_800_000 };
    const [first, second] = looks(
      [
        [one, two],
        [one, { ...two, start: at("11-24T11:45") }],
      ],
      {
        rules,
      },
    );
    expect(first?.titles).toEqual(["No time for the way: one and two, Tue 24 Nov 11:10"]);
    expect(second?.gone).toContain("way:one|two");
  });
});
