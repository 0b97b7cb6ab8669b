import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { look, lookInput, skillContext } from "watchkeeper/testing";
import { type GoogleServer, startGoogle } from "../../../tests/servers/google.ts";
import { calendarConfig } from "../config.ts";
import calendar from "../index.ts";

const now = new Date("2026-11-23T09:00:00Z");

let server: GoogleServer;
let stateDir: string;
beforeEach(async () => {
  server = await startGoogle();
  stateDir = await mkdtemp(join(tmpdir(), "calendar-"));
  await writeFile(
    join(stateDir, "google.token.json"),
    JSON.stringify({ refreshToken: server.refreshToken, clientId: server.clientId }),
  );
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(stateDir, { recursive: true, force: true });
});

const configOf = ({ url: rootUrl, tokenUrl, clientId, clientSecret }: GoogleServer) => ({
  sources: [{ name: "google", google: { rootUrl, tokenUrl, clientId, clientSecret } }],
});
const lookAt = (cursor: unknown, minutes = 0) => {
  return look(calendar, "google", {
    config: configOf(server),
    cursor: JSON.parse(JSON.stringify(cursor)) as unknown,
    now: new Date(now.getTime() + minutes * 60_000),
    timezone: "Europe/Berlin",
    stateDir,
  });
};
const titles = (result: Awaited<ReturnType<typeof lookAt>>): string[] =>
  result.observations.map(({ title }) => title).sort();

const at = (dateTime: string, timeZone = "Europe/Berlin") => ({ dateTime, timeZone });
const meeting = (id: string, day: string, from: string, to: string, more: object = {}) =>
  server.put({
    id,
    summary: id,
    start: at(`${day}T${from}:00+01:00`),
    end: at(`${day}T${to}:00+01:00`),
    ...more,
  });

describe("a calendar at Google", () => {
  it("is read whole, then by its sync token: moved, new and deleted events are seen", async () => {
    meeting("alpha", "2026-11-26", "14:00", "15:00");
    meeting("gone", "2026-11-27", "14:00", "15:00");
    const first = await lookAt(null);
    expect(first.observations).toEqual([]);
    meeting("alpha", "2026-11-26", "16:00", "17:00");
    meeting("fresh", "2026-11-28", "10:00", "11:00");
    server.remove("gone");
    server.requests.length = 0;
    const second = await lookAt(first.cursor, 15);
    expect(titles(second)).toEqual([
      "Cancelled: gone, Fri 27 Nov 14:00",
      "Moved: alpha, from Thu 26 Nov 14:00 to Thu 26 Nov 16:00",
      "New: fresh, Sat 28 Nov 10:00",
    ]);
    expect(server.requests.filter((one) => one.includes("/events"))).toEqual([
      expect.stringContaining("syncToken=sync-"),
    ]);
    expect(titles(await lookAt(second.cursor, 30))).toEqual([]);
  });

  it("is read through all its pages", async () => {
    server.pageSize = 10;
    for (let index = 0; index < 25; index += 1) {
      meeting(`e${index}`, "2026-11-26", "14:00", "14:00");
    }
    const { cursor } = await lookAt(null);
    expect((cursor as { instances: unknown[] }).instances).toHaveLength(25);
    expect(server.requests.filter((one) => one.includes("/events"))).toHaveLength(3);
  });

  it("is read whole again when its sync token has expired, and nothing is taken for news", async () => {
    meeting("alpha", "2026-11-26", "14:00", "15:00");
    meeting("beta", "2026-11-26", "16:00", "17:00");
    const first = await lookAt(null);
    server.remove("alpha");
    server.expireSyncTokens();
    server.requests.length = 0;
    const second = await lookAt(first.cursor, 15);
    expect(titles(second)).toEqual(["Cancelled: alpha, Thu 26 Nov 14:00"]);
    expect(server.requests.filter((one) => one.includes("/events"))).toEqual([
      expect.stringContaining("syncToken="),
      expect.stringContaining("timeMin="),
    ]);
  });

  it("keeps series on the wall of their zone, with occurrences moved and cancelled", async () => {
    server.put({
      id: "weekly",
      summary: "weekly",
      start: at("2026-11-25T15:00:00Z", "America/New_York"),
      end: at("2026-11-25T16:00:00Z", "America/New_York"),
      recurrence: ["RRULE:FREQ=DAILY;COUNT=4", "EXDATE;TZID=America/New_York:20261126T100000"],
    });
    server.put({
      id: "weekly_20261127T150000Z",
      iCalUID: "weekly@google.com",
      recurringEventId: "weekly",
      originalStartTime: at("2026-11-27T15:00:00Z"),
      summary: "weekly",
      start: at("2026-11-27T18:00:00Z"),
      end: at("2026-11-27T19:00:00Z"),
    });
    const first = await lookAt(null);
    const starts = ({ cursor }: typeof first): string[] =>
      (cursor as { instances: { start: number; cancelled: boolean }[] }).instances
        .filter(({ cancelled }) => !cancelled)
        .map(({ start }) => new Date(start).toISOString().slice(5, 16));
    expect(starts(first)).toEqual(["11-25T15:00", "11-27T18:00", "11-28T15:00"]);
    // A cancelled occurrence says no more than this.
    server.put({
      id: "weekly_20261128T150000Z",
      recurringEventId: "weekly",
      originalStartTime: at("2026-11-28T15:00:00Z"),
      status: "cancelled",
      iCalUID: undefined as unknown as string,
    });
    const second = await lookAt(first.cursor, 15);
    expect(titles(second)).toEqual(["Cancelled: weekly, Sat 28 Nov 16:00"]);
    expect(starts(second)).toEqual(["11-25T15:00", "11-27T18:00"]);
  });

  it("knows the owner's invitations without being told an address", async () => {
    const attendees = (responseStatus: string) => ({
      organizer: { email: "ann@customer.example" },
      attendees: [
        { email: "ann@customer.example", responseStatus: "accepted" },
        { email: "Me@example.com", self: true, responseStatus },
      ],
    });
    meeting("pitch", "2026-11-26", "14:00", "15:00", attendees("needsAction"));
    const first = await lookAt(null);
    expect(titles(first)).toEqual(["Invitation: pitch, Thu 26 Nov 14:00; needs your answer"]);
    meeting("pitch", "2026-11-26", "14:00", "15:00", attendees("accepted"));
    const second = await lookAt(first.cursor, 15);
    expect(second.observations).toEqual([]);
    expect(second.gone).toContain("invite:pitch@google.com");
  });

  it("lets what strangers write add nothing to the calendar", async () => {
    meeting("evil", "2026-11-23", "10:15", "10:30", {
      summary: "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:fake\r\nDTSTART:20261123T092000Z",
      location: "y\rATTENDEE:mailto:a@b",
      recurrence: ["RRULE:FREQ=DAILY;COUNT=1\r\nSUMMARY:other", "ATTACH:file:///etc/passwd"],
      organizer: { email: "a@b.example", displayName: 'Eve"\r\nX:y' },
    });
    const { observations } = await lookAt(null);
    expect(observations.map(({ key }) => key)).toEqual(["soon:evil@google.com:2026-11-23T09:15"]);
    expect(observations[0]?.title).toMatch(/^Starting soon: x END:VEVENT BEGIN:VEVENT UID:fake/);
  });

  it("gets a new access token when the old one is refused, and asks for one only then", async () => {
    const config = calendarConfig.parse(configOf(server));
    const check = calendar.checks?.(skillContext(config, { stateDir }))["google"];
    const observe = () => check?.observe(lookInput({ now }));
    const asked = () => server.requests.filter((one) => one.includes("/token")).length;
    await observe();
    await observe();
    expect(asked()).toBe(1);
    server.expireAccess();
    await expect(observe()).resolves.toMatchObject({ observations: [] });
    expect(asked()).toBe(2);
  });

  it("says that the login was taken back, and how to mend it", async () => {
    server.revoke();
    await expect(lookAt(null)).rejects.toMatchObject({
      code: "GOOGLE_LOGIN_REVOKED",
      hint: "Run: watchkeeper auth google",
      retryable: false,
    });
    await rm(join(stateDir, "google.token.json"));
    await expect(lookAt(null)).rejects.toMatchObject({ code: "GOOGLE_LOGIN_MISSING" });
  });

  it.each([
    ["a token endpoint that answers with a page", "/token", 200, "<html>Sign in</html>"],
    ["an API that answers with a page", "/events", 200, "<html>Sign in</html>"],
    ["an API that answers with something else", "/events", 200, '{"items":[{"id":7}]}'],
  ])("fails on %s, and so resolves nothing", async (_, path, status, body) => {
    server.answer = (__, asked) => (asked.includes(path) ? { status, body } : undefined);
    await expect(lookAt(null)).rejects.toMatchObject({
      code: expect.stringMatching(/^GOOGLE_/) as string,
    });
  });

  it("says when Google is in trouble, waits as long as it is told to, and does not try by itself", async () => {
    server.answer = (_, path) =>
      path.includes("/events")
        ? { status: 429, body: '{"error":{"code":429}}', headers: { "retry-after": "120" } }
        : undefined;
    await expect(lookAt(null)).rejects.toMatchObject({
      code: "GOOGLE_SERVER_ERROR",
      retryAt: now.getTime() + 120_000,
    });
    expect(server.requests.filter((one) => one.includes("/events"))).toHaveLength(1);
  });

  it("gives up an answer without end, and keeps no secret in what it keeps", async () => {
    meeting("alpha", "2026-11-26", "14:00", "15:00");
    const huge = `{"items":[${'{"id":"aaaaaa"},'.repeat(1_000_000)}{}]}`;
    server.answer = (_, path) =>
      path.includes("/events") ? { status: 200, body: huge } : undefined;
    await expect(lookAt(null)).rejects.toMatchObject({ code: "CALENDAR_TOO_LARGE" });
    server.answer = () => undefined;
    const { cursor } = await lookAt(null);
    const kept = await Promise.all(
      (await readdir(stateDir))
        .filter((name) => !name.includes("token"))
        .map((name) => readFile(join(stateDir, name), "utf8")),
    );
    for (const text of [...kept, JSON.stringify(cursor)]) {
      expect(text).not.toMatch(/ya29|1\/\/refresh|s3cret/);
    }
  });
});
