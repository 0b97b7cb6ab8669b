import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { skillContext } from "watchkeeper/testing";
import { calendarConfig } from "./config.ts";
import calendar from "./index.ts";

const log = { debug() {}, info() {}, warn() {} };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "calendar-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const context = (sources: object[]) =>
  skillContext(calendarConfig.parse({ sources }), {
    timezone: "Europe/Berlin",
    baseDir: folder,
    log,
  });

describe("the calendar skill", () => {
  it("has one check for each source, every 15 minutes unless said", () => {
    const checks = calendar.checks?.(
      context([
        { name: "mine", ics: "a.ics" },
        { name: "team", ics: "b.ics" },
      ]),
    );
    expect(Object.entries(checks ?? {}).map(([name, { every }]) => [name, every])).toEqual([
      ["mine", "15m"],
      ["team", "15m"],
    ]);
  });

  it.each([
    [
      { sources: [{ name: "a", caldav: { url: "https://x" } }] },
      "caldav sources come with a later version; use the calendar's ics address for now",
    ],
    [
      { sources: [{ name: "a", google: { calendarId: "x" } }] },
      "google sources come with a later version; use the calendar's ics address for now",
    ],
    [
      { sources: [{ name: "a" }] },
      'calendar source "a" needs ics: the address or the path of a calendar',
    ],
    [
      { sources: [{ name: "a", ics: "ftp://x/y.ics" }] },
      'ics of calendar source "a" is neither an https:// nor an http:// address nor a path',
    ],
    [
      {
        sources: [
          { name: "a", ics: "x" },
          { name: "A", ics: "y" },
        ],
      },
      'two calendar sources are named "A"',
    ],
    [{ sources: [] }, "calendar needs at least one source"],
    [
      { every: "often", sources: [{ name: "a", ics: "x" }] },
      'every is a duration such as "15m" or "1h"',
    ],
  ])("refuses %j in one line", (config, message) => {
    const result = calendarConfig.safeParse(config);
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([message]);
  });

  it("refuses keys that it does not know", () => {
    const result = calendarConfig.safeParse({ sources: [{ name: "a", ics: "x", remind: "5m" }] });
    expect(result.error?.issues[0]).toMatchObject({ code: "unrecognized_keys", keys: ["remind"] });
  });
});

describe("calendar_list", () => {
  const lines = [
    "BEGIN:VCALENDAR",
    "BEGIN:VEVENT\nUID:a\nSUMMARY:Standup\nDTSTART;TZID=America/New_York:20261026T040000\nDURATION:PT15M\nRRULE:FREQ=DAILY\nLOCATION:Room 1\nEND:VEVENT",
    "BEGIN:VEVENT\nUID:b\nSUMMARY:Holiday\nDTSTART;VALUE=DATE:20261027\nTRANSP:TRANSPARENT\nEND:VEVENT",
    "END:VCALENDAR",
    "",
  ];
  const run = (input: object, sources = [{ name: "mine", ics: "mine.ics" }]) => {
    const list = calendar.tools?.(context(sources))["list"];
    if (!list) throw new Error("there is no list tool");
    return list.run(list.input.parse(input), {
      signal: new AbortController().signal,
      idempotencyKey: "1",
      trust: "trusted" as const,
      runId: null,
      now: new Date("2026-10-26T07:00:00Z"),
      log,
    }) as Promise<unknown>;
  };

  it("lists days in the owner's zone", async () => {
    await writeFile(join(folder, "mine.ics"), lines.join("\n"));
    expect(await run({})).toEqual({
      timezone: "Europe/Berlin",
      from: "2026-10-26T08:00+01:00",
      to: "2026-10-28T08:00+01:00",
      events: [
        {
          source: "mine",
          title: "Standup",
          start: "2026-10-26T09:00+01:00",
          end: "2026-10-26T09:15+01:00",
          where: "Room 1",
          repeats: true,
        },
        { source: "mine", title: "Holiday", start: "2026-10-27", end: "2026-10-28", free: true },
        {
          source: "mine",
          title: "Standup",
          start: "2026-10-27T09:00+01:00",
          end: "2026-10-27T09:15+01:00",
          where: "Room 1",
          repeats: true,
        },
      ],
    });
    expect(await run({ from: "2026-11-24", days: 1 })).toMatchObject({
      from: "2026-11-24T00:00+01:00",
      events: [{ start: "2026-11-24T10:00+01:00" }],
    });
  });

  it("lists what it can read and names what it cannot", async () => {
    await writeFile(join(folder, "mine.ics"), lines.join("\n"));
    const both = [
      { name: "mine", ics: "mine.ics" },
      { name: "gone", ics: "gone.ics" },
    ];
    expect(await run({ days: 1 }, both)).toMatchObject({
      events: [{ title: "Standup" }, { title: "Holiday" }],
      failures: [{ source: "gone" }],
    });
    await expect(run({ source: "gone" }, both)).rejects.toMatchObject({
      code: "CALENDAR_UNREADABLE",
    });
    await expect(run({ source: "x" }, both)).rejects.toMatchObject({
      code: "CALENDAR_UNKNOWN_SOURCE",
      hint: "The calendars are: mine, gone",
    });
    await expect(run({ from: "soon" }, both)).rejects.toMatchObject({ code: "CALENDAR_BAD_DATE" });
  });
});
