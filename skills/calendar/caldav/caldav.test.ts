import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { look } from "watchkeeper/testing";
import { type Proxy, startProxy } from "../../../tests/servers/proxy.ts";
import {
  radicaleAvailable,
  type RadicaleServer,
  startRadicale,
} from "../../../tests/servers/radicale.ts";
import calendar from "../index.ts";

const now = new Date("2026-11-23T09:00:00Z");

/** VEVENT lines; times are on the wall in Berlin. */
const event = (uid: string, start: string, end: string, ...more: string[]): string =>
  [
    "BEGIN:VEVENT",
    `UID:${uid}`,
    "DTSTAMP:20261101T000000Z",
    `DTSTART;TZID=Europe/Berlin:${start}`,
    `DTEND;TZID=Europe/Berlin:${end}`,
    ...(more.some((line) => line.startsWith("SUMMARY")) ? [] : [`SUMMARY:${uid}`]),
    ...more,
    "END:VEVENT",
  ].join("\r\n");

describe.skipIf(!radicaleAvailable())("a calendar on a CalDAV server", () => {
  let server: RadicaleServer;
  let proxy: Proxy;
  let stateDir: string;
  beforeAll(async () => {
    server = await startRadicale();
    proxy = await startProxy(server.root);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "calendar-"));
    proxy.requests.length = 0;
    proxy.fate = () => "pass";
    for (const uid of ["a", "b", "series", "new"])
      await server.removeEvent(uid).catch(() => undefined);
  });
  afterEach(() => rm(stateDir, { recursive: true, force: true }));

  const configOf = (caldav: object = {}) => ({
    sources: [
      {
        name: "mine",
        caldav: { url: proxy.url, user: server.user, password: server.password, ...caldav },
      },
    ],
  });
  const lookAt = (cursor: unknown, at = now, caldav: object = {}) =>
    look(calendar, "mine", {
      config: configOf(caldav),
      cursor: JSON.parse(JSON.stringify(cursor)) as unknown,
      now: at,
      timezone: "Europe/Berlin",
      stateDir,
    });
  const titles = (result: Awaited<ReturnType<typeof lookAt>>): string[] =>
    result.observations.map(({ title }) => title);
  const after = (minutes: number): Date => new Date(now.getTime() + minutes * 60_000);

  it("is found from the server's address, and news come by the sync token alone", async () => {
    await server.putEvent("a", event("a", "20261126T140000", "20261126T150000"));
    await server.putEvent("b", event("b", "20261127T140000", "20261127T150000"));
    const first = await lookAt(null);
    expect(first.observations).toEqual([]);

    await server.putEvent("a", event("a", "20261126T160000", "20261126T170000"));
    await server.removeEvent("b");
    await server.putEvent("new", event("new", "20261128T100000", "20261128T110000"));
    proxy.requests.length = 0;
    const second = await lookAt(first.cursor, after(15), { url: `${proxy.url}robin/work/` });
    // Another address of the same calendar is another source: everything is read, nothing is news.
    expect(titles(second)).toEqual([]);

    const third = await lookAt(first.cursor, after(15));
    expect(titles(third).sort()).toEqual([
      "Cancelled: b, Fri 27 Nov 14:00",
      "Moved: a, from Thu 26 Nov 14:00 to Thu 26 Nov 16:00",
      "New: new, Sat 28 Nov 10:00",
    ]);
    expect(third.observations.find(({ key }) => key === "new:new")?.text).toMatch(
      /\nId: mine\/new$/,
    );
  });

  it("asks an unchanged calendar one thing, and keeps what it knows for its user only", async () => {
    await server.putEvent("a", event("a", "20261126T140000", "20261126T150000"));
    const url = `${proxy.url}robin/work/`;
    const first = await lookAt(null, now, { url });
    proxy.requests.length = 0;
    const second = await lookAt(first.cursor, after(15), { url });
    expect(second.observations).toEqual([]);
    expect(proxy.requests).toEqual(["PROPFIND /robin/work/", "REPORT /robin/work/"]);
    expect((await stat(join(stateDir, "mine.mirror.json"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(stateDir, "mine.mirror.json"), "utf8")).not.toContain(
      server.password,
    );
  });

  it.each([
    ["a token that the server no longer knows", '"token":"http://radicale.org/ns/sync/0000"'],
    ["a token that never was one", '"token":"nonsense"'],
  ])("reads the whole again after %s", async (_, token) => {
    await server.putEvent("a", event("a", "20261126T140000", "20261126T150000"));
    const first = await lookAt(null);
    const file = join(stateDir, "mine.mirror.json");
    const text = await readFile(file, "utf8");
    const changed = text.replace(/"token":"[^"]*"/, token);
    expect(changed).not.toBe(text);
    await writeFile(file, changed);
    await server.putEvent("a", event("a", "20261126T150000", "20261126T160000"));
    expect(titles(await lookAt(first.cursor, after(15)))).toEqual([
      "Moved: a, from Thu 26 Nov 14:00 to Thu 26 Nov 15:00",
    ]);
  });

  it("loses nothing with what it keeps: damaged or gone, all is read again", async () => {
    await server.putEvent("a", event("a", "20261126T140000", "20261126T150000"));
    const first = await lookAt(null);
    await writeFile(join(stateDir, "mine.mirror.json"), '{"version":1,');
    await server.putEvent("a", event("a", "20261126T150000", "20261126T160000"));
    expect(titles(await lookAt(first.cursor, after(15)))).toHaveLength(1);
  });

  it("watches all calendars of the user, or the one that is named", async () => {
    await server.makeCalendar("home").catch(() => undefined);
    await server.putEvent("a", event("a", "20261123T101500", "20261123T103000"));
    expect(titles(await lookAt(null))).toEqual(["Starting soon: a, Mon 23 Nov 10:15"]);
    expect(titles(await lookAt(null, now, { calendar: "home" }))).toEqual([]);
    await expect(lookAt(null, now, { calendar: "gone" })).rejects.toMatchObject({
      code: "CALDAV_NO_CALENDAR",
      message: expect.stringContaining('has no calendar "gone"') as string,
      hint: expect.stringMatching(/It has: .*work"/) as string,
    });
  });

  it("says what is wrong, with its mend and without the password", async () => {
    const wrong = lookAt(null, now, { password: "wrong-Passw0rd" });
    await expect(wrong).rejects.toMatchObject({ code: "CALDAV_LOGIN_REFUSED" });
    await expect(wrong).rejects.not.toThrow("wrong-Passw0rd");
    const gone = await startProxy(server.root);
    await gone[Symbol.asyncDispose]();
    const closed = lookAt(null, now, { url: gone.url });
    await expect(closed).rejects.toMatchObject({
      code: "CALENDAR_UNREACHABLE",
      message: `${new URL(gone.url).host} cannot be reached: nothing listens there`,
    });
  });

  it("sets one damaged object aside and reads the rest", async () => {
    await server.putEvent("a", event("a", "20261126T140000", "20261126T150000"));
    await server.putEvent("b", event("b", "20261127T140000", "20261127T150000"));
    const first = await lookAt(null);
    const file = join(stateDir, "mine.mirror.json");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/(UID:a.*?)END:VCALENDAR/, "$1"));
    await server.putEvent("b", event("b", "20261127T150000", "20261127T160000"));
    const second = await lookAt(first.cursor, after(15));
    expect(titles(second)).toEqual(["Moved: b, from Fri 27 Nov 14:00 to Fri 27 Nov 15:00"]);
    expect(second.notes?.[0]).toMatch(
      /^set aside an object of the server: the calendar is not whole/,
    );
  });
});
