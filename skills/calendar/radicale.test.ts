import { expect, test } from "vitest";
import { look } from "watchkeeper/testing";
import { radicaleAvailable, startRadicale } from "../../tests/servers/radicale.ts";
import calendar from "./index.ts";

const event = (uid: string, start: string, end: string): string =>
  [
    "BEGIN:VEVENT",
    `UID:${uid}`,
    "DTSTAMP:20261101T000000Z",
    `DTSTART;TZID=Europe/Berlin:${start}`,
    `DTEND;TZID=Europe/Berlin:${end}`,
    "SUMMARY:Budget review",
    "END:VEVENT",
  ].join("\r\n");

test.skipIf(!radicaleAvailable())(
  "a calendar on a real server is read with its login, and a moved event is seen",
  async () => {
    await using server = await startRadicale();
    const config = { sources: [{ name: "work", ics: server.url }] };
    await server.putEvent("a", event("a", "20261126T140000", "20261126T150000"));
    const first = await look(calendar, "work", { config, now: new Date("2026-11-23T09:00:00Z") });
    expect(first.observations).toEqual([]);

    await server.putEvent("a", event("a", "20261126T160000", "20261126T170000"));
    const second = await look(calendar, "work", {
      config,
      cursor: first.cursor,
      now: new Date("2026-11-23T09:15:00Z"),
    });
    expect(second.observations.map(({ title }) => title)).toEqual([
      "Moved: Budget review, from Thu 26 Nov 13:00 to Thu 26 Nov 15:00",
    ]);

    const third = await look(calendar, "work", {
      config,
      cursor: second.cursor,
      now: new Date("2026-11-23T09:30:00Z"),
    });
    expect(third.observations).toEqual([]);
  },
);

test.skipIf(!radicaleAvailable())("a wrong password is said, and not shown", async () => {
  await using server = await startRadicale();
  const ics = server.url.replace("s3cret-Passw0rd", "wrong-Passw0rd");
  const looking = look(calendar, "work", { config: { sources: [{ name: "work", ics }] } });
  await expect(looking).rejects.toMatchObject({ code: "ICS_LOGIN_REFUSED" });
  await expect(looking).rejects.not.toThrow("wrong-Passw0rd");
});
