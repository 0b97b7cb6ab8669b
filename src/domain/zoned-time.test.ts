import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import {
  formatTimeOfDay,
  instantOfWallClock,
  isTimezone,
  offsetAt,
  startOf,
  wallClockAt,
} from "./zoned-time.ts";

const at = (text: string): number => Date.parse(text);
const iso = (ms: number): string => new Date(ms).toISOString();
const zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
/** Any millisecond of 2026 and 2027, with all changes of the clocks in them. */
const instant = fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-12-31T23:59:59Z") });

describe("isTimezone", () => {
  it.each([
    ["Europe/Berlin", true],
    ["europe/berlin", true],
    ["UTC", true],
    ["Australia/Lord_Howe", true],
    ["Europe/Nowhere", false],
    ["", false],
    ["constructor", false],
  ])("%j is %s", (name, expected) => {
    expect(isTimezone(name)).toBe(expected);
  });
});

describe("wallClockAt", () => {
  it("agrees with Temporal at every instant of two years", () => {
    fc.assert(
      fc.property(instant, fc.constantFrom(...zones), (now, zone) => {
        const shown = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone);
        expect(iso(wallClockAt(now, zone))).toBe(
          `${shown.toPlainDateTime().toString({ fractionalSecondDigits: 3 })}Z`,
        );
        expect(offsetAt(now, zone)).toBe(shown.offsetNanoseconds / 1e6);
      }),
    );
  });

  it("knows instants before 1970", () => {
    expect(iso(wallClockAt(-1, "Asia/Kolkata"))).toBe("1970-01-01T05:29:59.999Z");
  });

  it("refuses a zone that there is not", () => {
    expect(() => wallClockAt(0, "Europe/Nowhere")).toThrow(RangeError);
  });
});

describe("instantOfWallClock", () => {
  it.each([
    ["Europe/Berlin", "set forward over it", "2026-03-29T02:30", "2026-03-29T01:00:00.000Z"],
    ["Europe/Berlin", "set back over it", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"],
    ["Europe/Berlin", "just set forward", "2027-03-28T03:00", "2027-03-28T01:00:00.000Z"],
    ["America/New_York", "set forward over it", "2026-03-08T02:00", "2026-03-08T07:00:00.000Z"],
    ["America/New_York", "set back over it", "2027-11-07T01:59", "2027-11-07T05:59:00.000Z"],
    ["Australia/Lord_Howe", "set forward over it", "2026-10-04T02:15", "2026-10-03T15:30:00.000Z"],
    ["Australia/Lord_Howe", "set back over it", "2026-04-05T01:45", "2026-04-04T14:45:00.000Z"],
    ["Asia/Kolkata", "never changed", "2026-10-25T02:30", "2026-10-24T21:00:00.000Z"],
    // Santiago changes its clocks at midnight: this day begins at one o'clock.
    ["America/Santiago", "set forward over it", "2026-09-06T00:00", "2026-09-06T04:00:00.000Z"],
  ])("in %s, clocks %s: %s", (zone, _name, wallClock, expected) => {
    expect(iso(instantOfWallClock(at(`${wallClock}:00Z`), zone))).toBe(expected);
  });

  it("agrees with Temporal wherever the clocks show the time", () => {
    fc.assert(
      fc.property(instant, fc.constantFrom(...zones), (now, zone) => {
        const wallClock = wallClockAt(now, zone);
        const expected = Temporal.Instant.fromEpochMilliseconds(now)
          .toZonedDateTimeISO(zone)
          .toPlainDateTime()
          .toZonedDateTime(zone, { disambiguation: "earlier" }).epochMilliseconds;
        expect(instantOfWallClock(wallClock, zone)).toBe(expected);
      }),
    );
  });
});

describe("startOf", () => {
  it.each([
    ["day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00.000Z"],
    ["day", "Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-24T22:00:00.000Z"],
    ["day", "Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-25T23:00:00.000Z"],
    ["month", "Europe/Berlin", "2026-10-31T23:00:00Z", "2026-10-31T23:00:00.000Z"],
    ["month", "America/New_York", "2026-11-20T00:00:00Z", "2026-11-01T04:00:00.000Z"],
    ["day", "America/Santiago", "2026-09-06T12:00:00Z", "2026-09-06T04:00:00.000Z"],
  ] as const)("%s in %s at %s", (unit, zone, now, expected) => {
    expect(iso(startOf(unit, at(now), zone))).toBe(expected);
  });
});

it("formatTimeOfDay shows the owner's clock", () => {
  expect(formatTimeOfDay(at("2026-11-03T18:30:00Z"), "Asia/Kolkata")).toBe("00:00");
  expect(formatTimeOfDay(at("2026-11-03T07:30:00Z"), "Europe/Berlin")).toBe("08:30");
});
