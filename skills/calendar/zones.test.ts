import { describe, expect, it } from "vitest";
import { windowsZones } from "./windows-zones.ts";
import { createZoneFinder, databaseZone, instantOf, utcZone } from "./zones.ts";

const berlin = databaseZone("Europe/Berlin") ?? utcZone;
const finder = createZoneFinder({ owner: berlin, own: () => undefined });

describe("zones", () => {
  it.each([...windowsZones])("the Windows zone %s is one that Node knows", (windows, iana) => {
    expect(databaseZone(iana)).toBeDefined();
    expect(finder.find(windows)).toBeDefined();
  });

  it.each([
    ["America/Argentina/Buenos_Aires", "2026-07-01T12:00", "2026-07-01T15:00:00.000Z"],
    ["/example.org/Tzfile/Europe/Berlin", "2026-07-01T12:00", "2026-07-01T10:00:00.000Z"],
    [
      "/mozilla.org/20050126_1/America/Kentucky/Louisville",
      "2026-07-01T12:00",
      "2026-07-01T16:00:00.000Z",
    ],
    ["Eastern Standard Time", "2026-07-01T12:00", "2026-07-01T16:00:00.000Z"],
    ["Asia/Kathmandu", "2026-07-01T12:00", "2026-07-01T06:15:00.000Z"],
    ["Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00.000Z"],
    ["UTC", "2026-07-01T12:00", "2026-07-01T12:00:00.000Z"],
    ["Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00.000Z"],
    ["Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"],
    ["Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00:00.000Z"],
  ])("%s at %s is %s", (name, wall, instant) => {
    const zone = finder.find(name) ?? utcZone;
    expect(new Date(instantOf(zone, Date.parse(`${wall}:00Z`))).toISOString()).toBe(instant);
  });

  it("knows no zone of a made-up name", () => {
    for (const name of ["Mars/Phobos", "", "Custom Zone", "../../etc/passwd"]) {
      expect(finder.find(name)).toBeUndefined();
    }
  });
});
