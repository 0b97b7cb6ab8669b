import { describe, expect, it } from "vitest";
import { maintenanceCalendar } from "./maintenance.ts";
import { targetOf } from "./services-fixture.ts";

const windows = (...maintenance: unknown[]) =>
  targetOf({ tcp: "a.example:1", maintenance }).maintenance;

describe("planned maintenance", () => {
  it.each([
    ["before it begins", "2026-11-22T01:59:59+01:00", false],
    ["when it begins", "2026-11-22T02:00:00+01:00", true],
    ["in the middle", "2026-11-22T03:29:59+01:00", true],
    ["when it is over", "2026-11-22T03:30:00+01:00", false],
    ["on another day", "2026-11-23T02:30:00+01:00", false],
  ])("of a weekly window %s", (_, at, open) => {
    const weekly = windows({ at: "02:00", days: ["sun"], duration: "90m" });
    expect(maintenanceCalendar("Europe/Berlin").isOpen(weekly, Date.parse(at))).toBe(open);
  });

  it("goes over midnight, and over a change of the clocks, for as long as it says", () => {
    const calendar = maintenanceCalendar("Europe/Berlin");
    const nightly = windows({ cron: "30 23 * * *", duration: "4h" });
    // The clocks go back at 03:00, so four hours end at 02:30 on the wall, the second time.
    for (const [at, open] of [
      ["2026-10-25T00:10:00+02:00", true],
      ["2026-10-25T02:29:00+01:00", true],
      ["2026-10-25T02:30:00+01:00", false],
      ["2026-10-24T23:29:00+02:00", false],
    ] as const) {
      expect(calendar.isOpen(nightly, Date.parse(at)), at).toBe(open);
    }
  });

  it("is any of several windows, asked in any order of times", () => {
    const calendar = maintenanceCalendar("UTC");
    const several = windows(
      { cron: "0 2 * * *", duration: "30m" },
      { cron: "0 2 * * *", duration: "2h" },
      { at: "20:00", duration: "1h" },
    );
    const at = (time: string) => calendar.isOpen(several, Date.parse(`2026-11-20T${time}Z`));
    expect([at("20:30"), at("03:00"), at("04:30"), at("02:10"), at("21:30"), at("03:59")]).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
  });
});
