import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ObserveResult } from "watchkeeper";
import { lookInput } from "watchkeeper/testing";
import { calendarCheck } from "./check.ts";

const silent = { debug() {}, info() {}, warn() {} };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "calendar-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** VEVENT lines; times are on the wall in Berlin. */
const event = (uid: string, start: string, end: string, ...more: string[]): string =>
  [
    "BEGIN:VEVENT",
    `UID:${uid}`,
    `DTSTART;TZID=Europe/Berlin:${start}`,
    `DTEND;TZID=Europe/Berlin:${end}`,
    ...(more.some((line) => line.startsWith("SUMMARY")) ? [] : [`SUMMARY:${uid}`]),
    ...more,
    "END:VEVENT",
  ].join("\r\n");

const calendar = (...events: string[]): string =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", ...events, "END:VCALENDAR", ""].join("\r\n");

const write = (...events: string[]) => writeFile(join(folder, "mine.ics"), calendar(...events));

const check = () =>
  calendarCheck({
    source: { name: "mine", ics: "./mine.ics", remindBeforeMs: 30 * 60_000 },
    every: "15m",
    everyMs: 15 * 60_000,
    timezone: "Europe/Berlin",
    baseDir: folder,
  });

/** Looks as the daemon does: the cursor goes through JSON, and nothing else is carried over. */
async function look(cursor: unknown, now: string): Promise<ObserveResult> {
  const signal = new AbortController().signal;
  const result = await check().observe(
    lookInput({ cursor, signal, now: new Date(now), log: silent }),
  );
  return { ...result, cursor: JSON.parse(JSON.stringify(result.cursor)) as unknown };
}

const titles = (result: ObserveResult): string[] => result.observations.map(({ title }) => title);

const monday = "2026-11-23T09:00:00Z";
const later = "2026-11-23T09:15:00Z";

describe("the calendar check", () => {
  it("takes the first look as what is known, and tells only what is soon or overlaps", async () => {
    await write(
      event("soon", "20261123T102000", "20261123T103000"),
      event("a", "20261124T140000", "20261124T150000"),
      event("b", "20261124T143000", "20261124T153000"),
      event("far", "20261130T090000", "20261130T100000"),
    );
    const first = await look(null, monday);
    expect(titles(first)).toEqual([
      "Starting soon: soon, Mon 23 Nov 10:20",
      "Overlapping: a and b, Tue 24 Nov 14:30 to 15:00",
    ]);
    expect(first.observations[0]?.closesAt).toEqual(new Date("2026-11-23T09:20:00Z"));
    const second = await look(first.cursor, "2026-11-23T09:10:00Z");
    expect(second.observations.map(({ key, fingerprint }) => [key, fingerprint])).toEqual(
      first.observations.map(({ key, fingerprint }) => [key, fingerprint]),
    );
    expect(second.gone).toEqual([]);
  });

  it("tells that an event was moved when the file is edited between two looks", async () => {
    await write(
      event("budget", "20261126T140000", "20261126T150000", "SUMMARY:Budget review"),
      event("other", "20261127T140000", "20261127T150000"),
    );
    const first = await look(null, monday);
    expect(titles(first)).toEqual([]);
    await write(
      event("budget", "20261126T160000", "20261126T170000", "SUMMARY:Budget review"),
      event("other", "20261127T140000", "20261127T150000"),
    );
    const second = await look(first.cursor, later);
    expect(second.observations).toEqual([
      expect.objectContaining({
        key: "moved:budget",
        severity: "notice",
        title: "Moved: Budget review, from Thu 26 Nov 14:00 to Thu 26 Nov 16:00",
        closesAt: new Date("2026-11-26T16:00:00Z"),
      }),
    ]);
    const third = await look(second.cursor, "2026-11-23T09:30:00Z");
    expect(third.observations).toEqual([]);
    expect(third.gone).toEqual([]);
  });

  it("warns when what was moved or cancelled is within a day, and takes back that it is soon", async () => {
    await write(
      event("x", "20261123T102000", "20261123T110000"),
      event("y", "20261123T103000", "20261123T104000"),
    );
    const first = await look(null, monday);
    expect(first.observations).toHaveLength(3);
    await write(event("x", "20261123T150000", "20261123T160000"));
    const second = await look(first.cursor, later);
    expect(second.observations.map(({ severity, title }) => [severity, title])).toEqual([
      ["warning", "Moved: x, from Mon 23 Nov 10:20 to Mon 23 Nov 15:00"],
      ["warning", "Cancelled: y, Mon 23 Nov 10:30"],
    ]);
    const opened = first.observations.map(({ key }) => key).sort();
    expect(second.gone?.filter((key) => opened.includes(key)).sort()).toEqual(opened);
  });

  it("knows a cancelled status, an EXDATE and a removed event as cancelled, and a return as new", async () => {
    const series = (...more: string[]): string =>
      event("s", "20261118T090000", "20261118T100000", "RRULE:FREQ=WEEKLY", ...more);
    const single = event("one", "20261127T140000", "20261127T150000");
    const gone = event("two", "20261127T160000", "20261127T170000");
    await write(series(), single, gone);
    const first = await look(null, monday);
    await write(
      series("EXDATE;TZID=Europe/Berlin:20261125T090000"),
      event("one", "20261127T140000", "20261127T150000", "STATUS:CANCELLED"),
    );
    const second = await look(first.cursor, later);
    expect(titles(second)).toEqual([
      "Cancelled: s, Wed 25 Nov 09:00",
      "Cancelled: one, Fri 27 Nov 14:00",
      "Cancelled: two, Fri 27 Nov 16:00",
    ]);
    expect(second.observations[1]?.text).toContain("marked as cancelled");
    expect(second.observations[2]?.text).toContain("no longer in the calendar");
    await write(series(), single, gone);
    const third = await look(second.cursor, "2026-11-23T09:30:00Z");
    expect(titles(third)).toEqual([
      "New: s, Wed 25 Nov 09:00",
      "New: one, Fri 27 Nov 14:00",
      "New: two, Fri 27 Nov 16:00",
    ]);
    const cancelled = second.observations.map(({ key }) => key);
    expect(third.gone).toEqual(expect.arrayContaining(cancelled));
  });

  it("does not call new what comes into sight because time goes on", async () => {
    await write(
      event("s", "20261102T090000", "20261102T093000", "RRULE:FREQ=DAILY"),
      event("later", "20261210T090000", "20261210T100000"),
    );
    let { cursor } = await look(null, monday);
    for (let day = 24; day <= 30; day += 1) {
      const next = await look(cursor, `2026-11-${day}T12:00:00Z`);
      expect(titles(next)).toEqual([]);
      cursor = next.cursor;
    }
    await write(event("s", "20261102T090000", "20261102T093000", "RRULE:FREQ=DAILY"));
    const last = await look(cursor, "2026-11-30T12:15:00Z");
    expect(titles(last)).toEqual(["Cancelled: later, Thu 10 Dec 09:00"]);
  });

  it("tells a new series once, and a new event of next year at once", async () => {
    await write();
    const first = await look(null, monday);
    await write(
      event("s", "20261124T090000", "20261124T093000", "RRULE:FREQ=DAILY"),
      event("next year", "20270308T090000", "20270308T100000"),
    );
    const second = await look(first.cursor, later);
    expect(titles(second)).toEqual([
      "New: s (repeats), Tue 24 Nov 09:00",
      "New: next year, Mon 8 Mar 2027 09:00",
    ]);
    const third = await look(second.cursor, "2026-11-23T09:30:00Z");
    expect(titles(third)).toEqual([]);
  });

  it("tells a series that is moved as a whole as one move, and its end as one cancellation", async () => {
    await write(event("s", "20261102T090000", "20261102T093000", "RRULE:FREQ=DAILY"));
    const first = await look(null, monday);
    await write(event("s", "20261102T110000", "20261102T113000", "RRULE:FREQ=DAILY"));
    const second = await look(first.cursor, later);
    expect(titles(second)).toEqual([
      "Moved: s (and 12 more of its series), from Tue 24 Nov 09:00 to Tue 24 Nov 11:00",
      "New: s, Mon 23 Nov 11:00",
    ]);
    await write();
    const third = await look(second.cursor, "2026-11-23T12:00:00Z");
    expect(titles(third)).toEqual(["Cancelled: s (and 12 more of its series), Tue 24 Nov 11:00"]);
  });

  it("tells what began between two looks without having been told", async () => {
    await write();
    const first = await look(null, monday);
    await write(event("sudden", "20261123T101000", "20261123T110000"));
    const second = await look(first.cursor, later);
    expect(titles(second)).toContain("Has begun: sudden, Mon 23 Nov 10:10");
    expect(titles(await look(second.cursor, "2026-11-23T09:20:00Z"))).toEqual(
      ["Has begun: sudden, Mon 23 Nov 10:10"].slice(1),
    );
  });

  it("sets a broken event aside, keeps what was known of it, and reads the rest", async () => {
    const good = event("good", "20261126T140000", "20261126T150000");
    await write(good, event("bad", "20261127T140000", "20261127T150000"));
    const first = await look(null, monday);
    await write(
      event("good", "20261126T150000", "20261126T160000"),
      event("bad", "20261399T990000", "20261127T150000"),
    );
    const second = await look(first.cursor, later);
    expect(titles(second)).toEqual(["Moved: good, from Thu 26 Nov 14:00 to Thu 26 Nov 15:00"]);
    expect(second.notes).toEqual([
      expect.stringMatching(/^set aside the event at line 9: "2026-13-99T99:00:00" does not exist/),
    ]);
    await write(good, event("bad", "20261127T160000", "20261127T170000"));
    const third = await look(second.cursor, "2026-11-23T09:30:00Z");
    expect(titles(third)).toContain("Moved: bad, from Fri 27 Nov 14:00 to Fri 27 Nov 16:00");
  });

  it("reads a zone that nobody knows as the owner's, and says so", async () => {
    await writeFile(
      join(folder, "mine.ics"),
      calendar(event("x", "20261123T102000", "20261123T103000")).replaceAll(
        "Europe/Berlin",
        "Mars",
      ),
    );
    const first = await look(null, monday);
    expect(titles(first)).toEqual(["Starting soon: x, Mon 23 Nov 10:20"]);
    expect(first.notes).toEqual([
      'time zone "Mars" is unknown: its times are read as Europe/Berlin',
    ]);
  });

  it("fails, and so resolves nothing, when the file is missing, cut short or no calendar", async () => {
    await expect(look(null, monday)).rejects.toMatchObject({ code: "ICS_FILE_MISSING" });
    const whole = calendar(event("x", "20261126T140000", "20261126T150000"));
    await writeFile(join(folder, "mine.ics"), whole.slice(0, -20));
    await expect(look(null, monday)).rejects.toMatchObject({ code: "ICS_CUT_SHORT" });
    await writeFile(join(folder, "mine.ics"), "<!DOCTYPE html><html>Sign in</html>");
    await expect(look(null, monday)).rejects.toMatchObject({
      code: "ICS_NOT_A_CALENDAR",
      hint: expect.stringContaining("login or share page") as string,
    });
    await writeFile(join(folder, "mine.ics"), "");
    await expect(look(null, monday)).rejects.toMatchObject({ code: "ICS_NOT_A_CALENDAR" });
  });

  it("shows text of strangers on one line without invisible or direction-changing characters", async () => {
    const title = "SUMMARY:Pay\u202e now\u200b\\nNEW LINE \u{e0041}";
    await write(event("x", "20261123T102000", "20261123T103000", title));
    expect(titles(await look(null, monday))).toEqual([
      "Starting soon: Pay now NEW LINE, Mon 23 Nov 10:20",
    ]);
  });

  it("keeps the cursor and the number of findings bounded", async () => {
    const words = `DESCRIPTION:${"é".repeat(1_400)}`;
    const many = Array.from({ length: 3_000 }, (_, index) =>
      event(
        `e${index}`,
        `202611${24 + (index % 6)}T140000`,
        `202611${24 + (index % 6)}T150000`,
        words,
      ),
    );
    await write(...many);
    const first = await look(null, monday);
    expect(Buffer.byteLength(JSON.stringify(first.cursor))).toBeLessThan(1_000_000);
    expect(first.observations).toHaveLength(50);
    expect(first.notes?.[0]).toMatch(/pairs of events overlap; the first 50 are told/);
    await write();
    const second = await look(first.cursor, later);
    expect(second.observations).toHaveLength(51);
    expect(second.observations[50]?.title).toMatch(/^\d+ more events were cancelled or are gone$/);
  });

  it("begins anew with a cursor that it cannot read or that is of another calendar", async () => {
    await write(event("x", "20261126T140000", "20261126T150000"));
    const first = await look({ version: 0 }, monday);
    expect(titles(first)).toEqual([]);
    const other = { ...(first.cursor as object), source: "other", instances: [] };
    expect(titles(await look(other, later))).toEqual([]);
  });

  it("knows from its cursor alone what an unchanged address holds, in a new process too", async () => {
    const body = calendar(
      event("x", "20261125T102000", "20261125T103000", "LOCATION:Room 1", "DESCRIPTION:Bring it"),
    );
    const statuses: number[] = [];
    const server = createServer((request, response) => {
      const unchanged = request.headers["if-none-match"] === '"1"';
      statuses.push(unchanged ? 304 : 200);
      response.writeHead(unchanged ? 304 : 200, { etag: '"1"' }).end(unchanged ? undefined : body);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      const ics = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret.ics`;
      const fetched = async (cursor: unknown, now: string): Promise<ObserveResult> =>
        calendarCheck({
          source: { name: "mine", ics, remindBeforeMs: 30 * 60_000 },
          every: "15m",
          everyMs: 15 * 60_000,
          timezone: "Europe/Berlin",
          baseDir: folder,
        }).observe(
          lookInput({
            cursor: JSON.parse(JSON.stringify(cursor)) as unknown,
            now: new Date(now),
            log: silent,
          }),
        );
      const first = await fetched(null, monday);
      expect(JSON.stringify(first.cursor)).not.toContain("secret");
      const second = await fetched(first.cursor, "2026-11-25T09:00:00Z");
      expect(second.observations[0]).toMatchObject({
        title: "Starting soon: x, Wed 25 Nov 10:20",
        text: expect.stringMatching(/Where: Room 1\nDescription: Bring it$/) as string,
      });
      // Before the days it remembers run out, it asks for the whole again.
      await fetched(second.cursor, "2026-11-30T09:00:00Z");
      expect(statuses).toEqual([200, 304, 200]);
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  });
});
