import { describe, expect, it } from "vitest";
import { createPacer } from "./pacer.ts";
import { readCalendar } from "./reading.ts";
import { databaseZone, utcZone } from "./zones.ts";

const spans = async (...lines: string[]): Promise<string[]> => {
  const events = lines.map((line) => `BEGIN:VEVENT\nUID:x\n${line}\nEND:VEVENT\n`).join("");
  const reading = await readCalendar(`BEGIN:VCALENDAR\n${events}END:VCALENDAR\n`, {
    window: { from: Date.UTC(2026, 9, 20), to: Date.UTC(2026, 10, 3) },
    owner: databaseZone("Europe/Berlin") ?? utcZone,
    pacer: createPacer(new AbortController().signal),
  });
  expect(reading.notes).toEqual([]);
  return reading.instances.map(({ start, end }) =>
    [start, end].map((time) => new Date(time).toISOString().slice(5, 16)).join(" "),
  );
};

describe("expanding an event", () => {
  it.each<[string, string[], string[]]>([
    ["a floating time is the owner's", ["DTSTART:20261021T090000"], ["10-21T07:00 10-21T07:00"]],
    [
      "a day lasts from midnight to midnight of the owner, 25 hours when the clock goes back",
      ["DTSTART;VALUE=DATE:20261025"],
      ["10-24T22:00 10-25T23:00"],
    ],
    [
      "days end before DTEND",
      ["DTSTART;VALUE=DATE:20261021\nDTEND;VALUE=DATE:20261023"],
      ["10-20T22:00 10-22T22:00"],
    ],
    [
      "a duration of a day keeps the time on the wall, one of 24 hours does not",
      [
        "DTSTART:20261024T120000\nDURATION:P1D",
        "RECURRENCE-ID:20261101T120000Z\nDTSTART:20261024T120000\nDURATION:PT24H",
      ],
      ["10-24T10:00 10-25T10:00", "10-24T10:00 10-25T11:00"].sort().reverse(),
    ],
    [
      "what began before the window and still goes on is in it",
      ["DTSTART:20261001T120000\nDURATION:P30D"],
      ["10-01T10:00 10-31T11:00"],
    ],
    [
      "RDATE takes periods",
      ["DTSTART:20261021T090000Z\nRDATE;VALUE=PERIOD:20261022T090000Z/PT2H"],
      ["10-21T09:00 10-21T09:00", "10-22T09:00 10-22T11:00"],
    ],
    [
      "EXDATE as a date leaves that day out",
      ["DTSTART:20261021T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261022"],
      ["10-21T09:00 10-21T09:00", "10-23T09:00 10-23T09:00"],
    ],
    [
      "UNTIL as a date includes that day",
      ["DTSTART:20261021T090000Z\nRRULE:FREQ=DAILY;UNTIL=20261022"],
      ["10-21T09:00 10-21T09:00", "10-22T09:00 10-22T09:00"],
    ],
    [
      "a change of this and all later ones moves them",
      [
        "DTSTART:20261021T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20261023T090000Z\nDTSTART:20261023T110000Z\nDURATION:PT2H",
      ],
      [
        "10-21T09:00 10-21T10:00",
        "10-22T09:00 10-22T10:00",
        "10-23T11:00 10-23T13:00",
        "10-24T11:00 10-24T13:00",
      ],
    ],
    [
      "of two revisions the later counts",
      ["SEQUENCE:2\nDTSTART:20261021T100000Z", "SEQUENCE:1\nDTSTART:20261021T090000Z"],
      ["10-21T10:00 10-21T10:00"],
    ],
  ])("%s", async (_, lines, expected) => {
    expect((await spans(...lines)).sort()).toEqual([...expected].sort());
  });
});
