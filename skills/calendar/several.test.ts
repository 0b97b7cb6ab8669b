import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ToolError } from "watchkeeper";
import { callTool, look, lookInput, skillContext } from "watchkeeper/testing";
import { calendarConfig } from "./config.ts";
import calendar from "./index.ts";

const monday = new Date("2026-11-23T09:00:00Z");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "calendar-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** VEVENT lines; times are in UTC. */
const event = (uid: string, start: string, end: string, ...more: string[]): string =>
  [
    "BEGIN:VEVENT",
    `UID:${uid}`,
    `DTSTART:202611${start}00Z`,
    `DTEND:202611${end}00Z`,
    `SUMMARY:${uid}`,
    ...more,
    "END:VEVENT",
  ].join("\r\n");
const write = (name: string, ...events: string[]) =>
  writeFile(
    join(folder, `${name}.ics`),
    ["BEGIN:VCALENDAR", "VERSION:2.0", ...events, "END:VCALENDAR", ""].join("\r\n"),
  );

const config = (more: object = {}) => ({
  ...more,
  sources: [
    { name: "work", ics: "work.ics" },
    { name: "home", ics: "home.ics" },
  ],
});
const options = (minutes: number, more: object = {}) => ({
  config: config(more),
  now: new Date(monday.getTime() + minutes * 60_000),
  baseDir: folder,
  stateDir: join(folder, "state"),
});

/** Looks at both as the daemon does, each with its own cursor. */
class Watch {
  readonly cursors = new Map<string, unknown>();
  async look(name: string, minutes: number, more: object = {}): Promise<string[]> {
    const cursor = this.cursors.get(name) ?? null;
    const result = await look(calendar, name, { ...options(minutes, more), cursor });
    this.cursors.set(name, JSON.parse(JSON.stringify(result.cursor)));
    return result.observations.map(({ title }) => title);
  }
}

describe("several calendars", () => {
  it("tell a meeting that stands in both of them once, and not as overlapping with itself", async () => {
    const watch = new Watch();
    const standup = event("standup", "23T0920", "23T0930");
    await write("work", standup);
    await write("home", standup);
    expect(await watch.look("work", 0)).toEqual(["Starting soon: standup, Mon 23 Nov 09:20"]);
    expect(await watch.look("home", 0)).toEqual([]);

    const fresh = event("fresh", "25T1000", "25T1100");
    await write("work", standup, fresh);
    await write("home", standup, fresh);
    expect(await watch.look("work", 1)).toContain("New: fresh, Wed 25 Nov 10:00");
    expect(await watch.look("home", 1)).toEqual([]);
    await write("work", standup);
    await write("home", standup);
    expect(await watch.look("work", 2)).toContain("Cancelled: fresh, Wed 25 Nov 10:00");
    expect(await watch.look("home", 2)).toEqual([]);
  });

  it("tell what overlaps across them, once", async () => {
    const watch = new Watch();
    await write("work", event("review", "24T1000", "24T1100"));
    await write("home", event("dentist", "24T1030", "24T1130"));
    expect(await watch.look("work", 0)).toEqual([]);
    expect(await watch.look("home", 0)).toEqual([
      "Overlapping: review and dentist, Tue 24 Nov 10:30 to 11:00",
    ]);
  });

  it("lose nothing when what one look found was lost in a crash", async () => {
    const watch = new Watch();
    await write("work");
    await write("home");
    await watch.look("work", 0);
    await watch.look("home", 0);
    const fresh = event("fresh", "25T1000", "25T1100");
    await write("work", fresh);
    await write("home", fresh);
    // Both have looked; the process was killed before what the first one found was saved.
    const cursor = watch.cursors.get("work");
    await watch.look("work", 1);
    await watch.look("home", 1);
    watch.cursors.set("work", cursor);
    expect(await watch.look("home", 2)).toEqual([]);
    expect(await watch.look("work", 2)).toEqual(["New: fresh, Wed 25 Nov 10:00"]);
  });

  it("stand in for a calendar that has not been seen for long", async () => {
    const watch = new Watch();
    const standup = event("standup", "23T1420", "23T1430");
    await write("work", standup);
    await write("home", standup);
    await watch.look("work", 0);
    await watch.look("home", 0);
    expect(await watch.look("home", 300)).toEqual(["Starting soon: standup, Mon 23 Nov 14:20"]);
  });

  it("look side by side as one after the other would", async () => {
    const standup = event("standup", "23T0920", "23T0930");
    await write("work", standup);
    await write("home", standup);
    const checks = calendar.checks?.(
      skillContext(calendarConfig.parse(config()), {
        baseDir: folder,
        stateDir: join(folder, "state"),
      }),
    );
    const [work, home] = await Promise.all(
      ["work", "home"].map(async (name) => checks?.[name]?.observe(lookInput({ now: monday }))),
    );
    expect(work?.observations).toHaveLength(1);
    expect(home?.observations).toHaveLength(0);
  });

  it("are listed together, the same meeting once, and leave free what both leave free", async () => {
    await write("work", event("both", "24T0900", "24T1000"), event("work", "24T1300", "24T1400"));
    await write("home", event("both", "24T0900", "24T1000"), event("home", "24T1400", "24T1500"));
    const list = await callTool(calendar, "list", { from: "2026-11-24", days: 1 }, options(0));
    expect(list).toMatchObject({
      events: [
        { id: "work/both", source: "work" },
        { id: "work/work", source: "work" },
        { id: "home/home", source: "home" },
      ],
    });
    const ask = { from: "2026-11-24", days: 1, minutes: 30 };
    const free = await callTool(calendar, "free", ask, options(0, { workingHours: "09:00-17:00" }));
    expect(free).toMatchObject({
      free: [
        { start: "2026-11-24T10:00+00:00", end: "2026-11-24T13:00+00:00", minutes: 180 },
        { start: "2026-11-24T15:00+00:00", end: "2026-11-24T17:00+00:00", minutes: 120 },
      ],
    });
    await rm(join(folder, "home.ics"));
    const blind = callTool(calendar, "free", ask, options(0));
    await expect(blind).rejects.toBeInstanceOf(ToolError);
    await expect(blind).rejects.toThrow("not all calendars can be seen: home");
  });
});

describe("the agenda", () => {
  it("tells the day's events of all calendars at its time, and what could not be seen", async () => {
    await write(
      "work",
      event("late", "23T2330", "24T0030"),
      event("standup", "23T0920", "23T0930", "LOCATION:Room 1"),
      event("tomorrow", "24T0920", "24T0930"),
      event("off", "23T1000", "23T1100", "STATUS:CANCELLED"),
    );
    const agenda = await look(calendar, "agenda", options(0, { agendaAt: "07:30" }));
    expect(agenda.observations).toMatchObject([
      {
        key: "agenda:2026-11-23",
        severity: "notice",
        title: "Today: 2 events, the first at 09:20",
        text: "09:20-09:30 standup (Room 1)\n23:30-… late\nNot seen: calendar home",
        closesAt: new Date("2026-11-24T00:00:00Z"),
      },
    ]);
    expect(agenda.notes?.[0]).toMatch(/^home is missing from it: there is no calendar file/);
    await write("work");
    await write("home");
    const empty = await look(calendar, "agenda", options(0, { agendaAt: "07:30" }));
    expect(empty.observations).toMatchObject([
      { severity: "info", title: "Today: nothing in the calendar" },
    ]);
  });
});

describe("a brief before a meeting with outsiders", () => {
  const pitch = event(
    "pitch",
    "23T0940",
    "23T1030",
    "ORGANIZER:mailto:me@firm.example",
    "ATTENDEE:mailto:me@firm.example",
    "ATTENDEE:mailto:col@firm.example",
    "ATTENDEE:mailto:Ann@customer.example",
  );
  const more = { address: "me@firm.example" };
  const brief = async (
    callTools?: (name: string, input: unknown) => Promise<unknown>,
    cursor: unknown = null,
  ) => {
    await write("work", pitch);
    const result = await look(calendar, "work", {
      ...options(0, more),
      cursor,
      ...(callTools ? { callTool: callTools } : {}),
    });
    const found = result.observations.find(({ key }) => key.startsWith("brief:"));
    return { found, cursor: result.cursor };
  };

  it("says who they are and what was last written, once", async () => {
    const asked: unknown[] = [];
    const first = await brief(async (name, input) => {
      asked.push([name, input]);
      return {
        messages: [
          { id: "1", subject: "Offer\u202e\r\nBcc: x", date: "2026-11-20T08:00:00Z", from: "a" },
        ],
      };
    });
    expect(asked).toEqual([["inbox_search", { from: "ann@customer.example", limit: 2 }]]);
    expect(first.found?.title).toBe("Prepare: pitch, Mon 23 Nov 09:40, with ann@customer.example");
    expect(first.found?.text).toMatch(
      /From outside:\nann@customer\.example\n {2}last mail 2026-11-20: Offer Bcc: x$/,
    );
    expect(first.found?.trust).toBeUndefined();
    expect((await brief(undefined, first.cursor)).found).toBeUndefined();
  });

  it.each([
    ["without an inbox", undefined],
    ["with an inbox that fails", () => Promise.reject(new Error("no"))],
    ["with an inbox that answers nonsense", () => Promise.resolve({ messages: "many" })],
  ])("works %s", async (_, callTools) => {
    expect((await brief(callTools)).found?.text).toMatch(/From outside:\nann@customer\.example$/);
  });
});
