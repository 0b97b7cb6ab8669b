import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { createPacer } from "./pacer.ts";
import { readCalendar } from "./reading.ts";
import { databaseZone, utcZone } from "./zones.ts";

interface RecurrenceCase {
  readonly name: string;
  readonly ics: string;
  readonly expectedStartsUtc: string[];
}

const casesIn = (file: string): RecurrenceCase[] =>
  JSON.parse(
    readFileSync(new URL(`./fixtures/${file}`, import.meta.url), "utf8"),
  ) as RecurrenceCase[];

// What is expected was worked out with another library (Python's dateutil and zoneinfo), not with ours.
const cases = [...casesIn("recurrence-cases.json"), ...casesIn("more-recurrence-cases.json")];

it("sixty cases are looked at, no two of one name", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(60);
});

const startsOf = async (ics: string, from: string, to: string): Promise<string[]> => {
  const reading = await readCalendar(ics, {
    window: { from: Date.parse(from), to: Date.parse(to) },
    owner: databaseZone("Europe/Berlin") ?? utcZone,
    pacer: createPacer(new AbortController().signal),
  });
  expect(reading.notes).toEqual([]);
  return reading.instances
    .filter((instance) => !instance.cancelled)
    .map((instance) => new Date(instance.start).toISOString().replace(".000", ""));
};

const hostZone = process.env["TZ"];
afterEach(() => {
  if (hostZone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = hostZone;
});

const bothChanges = [
  "BEGIN:VCALENDAR",
  "VERSION:2.0",
  "BEGIN:VEVENT",
  "UID:weekly@x",
  "DTSTART;TZID=Europe/Berlin:20260907T090000",
  "DTEND;TZID=Europe/Berlin:20260907T100000",
  "RRULE:FREQ=WEEKLY;INTERVAL=4;BYDAY=MO",
  "EXDATE;TZID=Europe/Berlin:20261130T090000",
  "SUMMARY:Every fourth Monday",
  "END:VEVENT",
  "BEGIN:VEVENT",
  "UID:weekly@x",
  "RECURRENCE-ID:20261228T080000Z",
  "DTSTART;TZID=America/New_York:20261229T090000",
  "DURATION:PT30M",
  "SUMMARY:Moved",
  "END:VEVENT",
  "END:VCALENDAR",
  "",
].join("\r\n");

describe.each(["UTC", "America/New_York", "Asia/Kolkata"])("on a host in %s", (zone) => {
  it.each(cases)("$name: the right instants", async ({ ics, expectedStartsUtc }) => {
    process.env["TZ"] = zone;
    expect(new Date(Date.UTC(2026, 0, 1)).getTimezoneOffset()).toBe(
      { UTC: 0, "America/New_York": 300, "Asia/Kolkata": -330 }[zone],
    );
    expect(await startsOf(ics, "2026-09-01T00:00:00Z", "2027-06-01T00:00:00Z")).toEqual(
      expectedStartsUtc,
    );
  });

  it("a meeting across both changes of the clock, with one left out and one moved", async () => {
    process.env["TZ"] = zone;
    expect(await startsOf(bothChanges, "2026-09-01T00:00:00Z", "2027-05-01T00:00:00Z")).toEqual([
      "2026-09-07T07:00:00Z",
      "2026-10-05T07:00:00Z",
      "2026-11-02T08:00:00Z",
      "2026-12-29T14:00:00Z",
      "2027-01-25T08:00:00Z",
      "2027-02-22T08:00:00Z",
      "2027-03-22T08:00:00Z",
      "2027-04-19T07:00:00Z",
    ]);
  });
});
