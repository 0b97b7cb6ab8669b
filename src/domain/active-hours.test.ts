import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClockRange,
  isWithin,
  nextEnd,
  nextStart,
  nextTimeOfDay,
  parseClockRange,
  parseTimeOfDay,
} from "./active-hours.ts";

const minute = 60_000;
const at = (text: string): number => Date.parse(text);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function hours(text: string): ClockRange {
  const parsed = parseClockRange(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.range;
}

describe("parseClockRange", () => {
  it.each([
    ["09:00-18:00", 540, 1_080],
    ["22:00-07:00", 1_320, 420],
    ["00:00-24:00", 0, 1_440],
    ["18:00-00:00", 1_080, 1_440],
    [" 9:05 - 17:30 ", 545, 1_050],
  ])("reads %j", (text, startMinute, endMinute) => {
    expect(parseClockRange(text)).toEqual({ ok: true, range: { startMinute, endMinute } });
  });

  it.each([
    ["", "are not hours of the day"],
    ["always", "are not hours of the day"],
    ["09:00", "are not hours of the day"],
    ["09:00-12:00-18:00", "are not hours of the day"],
    ["24:00-08:00", "are not hours of the day"],
    ["09:60-18:00", "are not hours of the day"],
    ["09:00-25:00", "are not hours of the day"],
    ["-09:00-18:00", "are not hours of the day"],
    ["9-18", "are not hours of the day"],
    ["09:00-18:00".repeat(20), "are not hours of the day"],
    ["08:00-08:00", "begins and ends at the same time"],
    ["00:00-00:00", 'write "00:00-24:00" for the whole day'],
  ])("says what is wrong with %j", (text, words) => {
    const parsed = parseClockRange(text);
    expect(parsed.ok).toBe(false);
    expect("problem" in parsed && parsed.problem).toContain(words);
    expect("problem" in parsed && parsed.problem.length).toBeLessThan(160);
  });
});

it.each([
  ["08:30", 510],
  ["0:00", 0],
  ["23:59", 1_439],
  ["24:00", undefined],
  ["08:60", undefined],
  ["8", undefined],
  ["08:30:00", undefined],
])("parseTimeOfDay reads %j", (text, expected) => {
  expect(parseTimeOfDay(text)).toBe(expected);
});

describe("hours of a day", () => {
  it.each([
    // zone, hours, now, within, next start, next end
    ["Europe/Berlin", "09:00-18:00", "2026-11-03T08:00Z", true, "11-03T08:00", "11-03T17:00"],
    ["Europe/Berlin", "09:00-18:00", "2026-11-03T07:59Z", false, "11-03T08:00", "11-03T07:59"],
    ["Europe/Berlin", "09:00-18:00", "2026-11-03T17:00Z", false, "11-04T08:00", "11-03T17:00"],
    ["Europe/Berlin", "22:00-07:00", "2026-11-03T21:00Z", true, "11-03T21:00", "11-04T06:00"],
    ["Europe/Berlin", "22:00-07:00", "2026-11-04T05:59Z", true, "11-04T05:59", "11-04T06:00"],
    ["Europe/Berlin", "22:00-07:00", "2026-11-04T06:00Z", false, "11-04T21:00", "11-04T06:00"],
    ["Asia/Kolkata", "09:00-18:00", "2026-11-03T03:29Z", false, "11-03T03:30", "11-03T03:29"],
    ["Asia/Kolkata", "18:00-24:00", "2026-11-03T18:29Z", true, "11-03T18:29", "11-03T18:30"],
    // The night of 28 to 29 March 2026 has an hour less in Berlin, that of 25 October one more.
    ["Europe/Berlin", "22:00-07:00", "2026-03-28T21:00Z", true, "03-28T21:00", "03-29T05:00"],
    ["Europe/Berlin", "22:00-07:00", "2026-10-24T20:00Z", true, "10-24T20:00", "10-25T06:00"],
    ["Europe/Berlin", "22:00-07:00", "2027-03-27T21:00Z", true, "03-27T21:00", "03-28T05:00"],
    // Boundaries that the clocks jump over: begun or ended at the change.
    ["Europe/Berlin", "02:30-05:00", "2026-03-29T00:00Z", false, "03-29T01:00", "03-29T00:00"],
    ["Europe/Berlin", "22:00-02:30", "2026-03-29T00:00Z", true, "03-29T00:00", "03-29T01:00"],
    ["Europe/Berlin", "02:15-02:45", "2026-03-29T00:00Z", false, "03-30T00:15", "03-29T00:00"],
    // Boundaries that come twice: the clock on the wall decides.
    ["Europe/Berlin", "22:00-02:30", "2026-10-25T00:00Z", true, "10-25T00:00", "10-25T00:30"],
    ["Europe/Berlin", "22:00-02:30", "2026-10-25T00:45Z", false, "10-25T01:00", "10-25T00:45"],
    ["Europe/Berlin", "22:00-02:30", "2026-10-25T01:00Z", true, "10-25T01:00", "10-25T01:30"],
    ["Europe/Berlin", "02:00-03:00", "2026-10-25T00:10Z", true, "10-25T00:10", "10-25T02:00"],
    ["America/New_York", "09:00-17:00", "2026-03-08T12:59Z", false, "03-08T13:00", "03-08T12:59"],
    ["America/New_York", "09:00-17:00", "2026-11-01T13:59Z", false, "11-01T14:00", "11-01T13:59"],
    ["America/New_York", "21:00-06:00", "2027-11-07T01:00Z", true, "11-07T01:00", "11-07T11:00"],
    ["Australia/Lord_Howe", "22:00-07:00", "2026-10-03T12:00Z", true, "10-03T12:00", "10-03T20:00"],
    ["Australia/Lord_Howe", "22:00-07:00", "2026-04-04T12:00Z", true, "04-04T12:00", "04-04T20:30"],
    [
      "Australia/Lord_Howe",
      "02:15-09:00",
      "2026-10-03T15:29Z",
      false,
      "10-03T15:30",
      "10-03T15:29",
    ],
  ])("%s %s at %s", (zone, text, now, within, start, end) => {
    const year = now.slice(0, 4);
    expect(isWithin(hours(text), at(now), zone)).toBe(within);
    expect(iso(nextStart(hours(text), at(now), zone))).toBe(`${year}-${start}:00.000Z`);
    expect(iso(nextEnd(hours(text), at(now), zone))).toBe(`${year}-${end}:00.000Z`);
  });

  it("never end when they are the whole day, however that is written", () => {
    const now = at("2026-03-29T00:59:00Z");
    expect(isWithin(hours("00:00-24:00"), now, "Europe/Berlin")).toBe(true);
    expect(nextStart(hours("00:00-24:00"), now, "Europe/Berlin")).toBe(now);
    expect(nextEnd(hours("00:00-24:00"), now, "Europe/Berlin")).toBeNull();
  });

  it("begin and end at the first minute that the clock says so, around every change", () => {
    const aroundChange = fc.constantFrom(
      ["Europe/Berlin", "2026-03-29T01:00:00Z"],
      ["Europe/Berlin", "2026-10-25T01:00:00Z"],
      ["America/New_York", "2027-03-14T07:00:00Z"],
      ["America/New_York", "2027-11-07T06:00:00Z"],
      ["Australia/Lord_Howe", "2026-10-03T15:30:00Z"],
      ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
      ["Asia/Kolkata", "2026-10-25T01:00:00Z"],
    );
    // Half of the boundaries lie in the night hours that are doubled or left out.
    const boundary = fc.oneof(
      fc.integer({ min: 0, max: 1_439 }),
      fc.integer({ min: 50, max: 200 }),
    );
    fc.assert(
      fc.property(
        aroundChange,
        fc.integer({ min: -1_500, max: 200 }),
        boundary,
        boundary,
        ([zone = "", change = ""], minutes, startMinute, end) => {
          fc.pre(startMinute !== end);
          const range = { startMinute, endMinute: end || 1_440 };
          const now = at(change) + minutes * minute;
          const within = isWithin(range, now, zone);
          let expected = now;
          while (isWithin(range, expected, zone) === within) {
            expected += minute;
          }
          const [changed, same] = within ? [nextEnd, nextStart] : [nextStart, nextEnd];
          expect(iso(changed(range, now, zone))).toBe(iso(expected));
          expect(same(range, now, zone)).toBe(now);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("nextTimeOfDay", () => {
  it.each([
    ["Europe/Berlin", "08:30", "2026-11-03T07:29:59Z", "2026-11-03T07:30:00.000Z"],
    ["Europe/Berlin", "08:30", "2026-11-03T07:30:00Z", "2026-11-04T07:30:00.000Z"],
    ["Europe/Berlin", "08:30", "2026-10-24T06:30:00Z", "2026-10-25T07:30:00.000Z"],
    ["Europe/Berlin", "08:30", "2027-03-27T07:30:00Z", "2027-03-28T06:30:00.000Z"],
    ["Europe/Berlin", "00:00", "2026-11-03T22:59:59Z", "2026-11-03T23:00:00.000Z"],
    // Left out: at the change. Twice: the first time only.
    ["Europe/Berlin", "02:30", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00.000Z"],
    ["Europe/Berlin", "02:30", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00.000Z"],
    ["Europe/Berlin", "02:30", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["Europe/Berlin", "02:30", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
    ["Europe/Berlin", "02:30", "2026-10-25T01:15:00Z", "2026-10-26T01:30:00.000Z"],
    ["America/New_York", "02:30", "2027-03-14T06:00:00Z", "2027-03-14T07:00:00.000Z"],
    ["Asia/Kolkata", "08:30", "2026-11-03T03:00:00Z", "2026-11-04T03:00:00.000Z"],
    ["Australia/Lord_Howe", "02:15", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00.000Z"],
    ["Australia/Lord_Howe", "01:45", "2026-04-04T15:00:00Z", "2026-04-05T15:15:00.000Z"],
  ])("in %s: %s after %s", (zone, time, now, expected) => {
    expect(iso(nextTimeOfDay(time, at(now), zone))).toBe(expected);
  });

  it("refuses what is no time of day", () => {
    expect(() => nextTimeOfDay("25:00", 0, "UTC")).toThrow('"25:00" is not a time of day');
  });
});
