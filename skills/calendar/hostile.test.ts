import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AdapterError } from "watchkeeper";
import { createPacer } from "./pacer.ts";
import { readCalendar } from "./reading.ts";
import type { Reading } from "./reading.ts";
import { databaseZone, dayMs, utcZone } from "./zones.ts";
import { processorMs } from "../../tests/ground/processor-time.ts";

const now = Date.UTC(2026, 9, 20);
const read = (text: string, signal = new AbortController().signal): Promise<Reading> =>
  readCalendar(text, {
    window: { from: now - dayMs, to: now + 14 * dayMs },
    owner: databaseZone("Europe/Berlin") ?? utcZone,
    pacer: createPacer(signal),
  });

const valid = (
  JSON.parse(
    readFileSync(new URL("./fixtures/recurrence-cases.json", import.meta.url), "utf8"),
  ) as { ics: string }[]
).map((one) => one.ics);

const nasty = [
  "FREQ=SECONDLY",
  "INTERVAL=0",
  "INTERVAL=-1",
  "COUNT=999999999999",
  "BYMONTHDAY=31;BYMONTH=2",
  "99991231T235959Z",
  "00000000T000000",
  "P9999999999999D",
  "__proto__",
  "constructor",
  ";",
  ":",
  "=",
  "\r\nBEGIN:VEVENT\r\n",
  "\r\nEND:VEVENT\r\n",
  "\r\nEND:VTIMEZONE\r\n",
  "\r\n ",
  "\u0000",
  "\ud800",
  '"',
  ";TZID=Europe/Berlin",
  ";VALUE=DATE",
  ";VALUE=PERIOD",
  ";VALUE=DURATION",
  "+9999",
  "BYDAY=99MO",
  "/",
  ",",
];

const mutated = fc
  .record({
    base: fc.constantFrom(...valid),
    edits: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        cut: fc.nat({ max: 60 }),
        put: fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 8 })),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ base, edits }) =>
    edits.reduce((text, { at, cut, put }) => {
      // The frame stays, so that most of what is changed is really read.
      const place = 17 + Math.floor(at * (text.length - 34));
      return text.slice(0, place) + put + text.slice(place + cut);
    }, base),
  );

describe("a hostile calendar", () => {
  it("never throws anything but an AdapterError and never takes long", async () => {
    let slowest = 0;
    let wasRead = 0;
    await fc.assert(
      fc.asyncProperty(mutated, async (text) => {
        const spent = await processorMs(async () => {
          try {
            const reading = await read(text);
            wasRead += 1;
            for (const { start, end, title } of reading.instances) {
              expect(Number.isFinite(start) && end >= start && title.length <= 120).toBe(true);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(AdapterError);
          }
        });
        slowest = Math.max(slowest, spent);
      }),
      { numRuns: 800 },
    );
    expect(wasRead).toBeGreaterThan(400);
    expect(slowest).toBeLessThan(2_000);
  });

  it("sets a rule that floods aside and reads the rest", async () => {
    const event = (uid: string, rule: string): string =>
      `BEGIN:VEVENT\nUID:${uid}\nSUMMARY:${uid}\nDTSTART:20261001T090000Z\nDURATION:PT1H\n${rule}END:VEVENT\n`;
    const reading = await read(
      `BEGIN:VCALENDAR\n${event("flood", "RRULE:FREQ=SECONDLY\n")}${event("minutes", "RRULE:FREQ=MINUTELY\n")}` +
        `${event("never", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\n")}${event("fine", "RRULE:FREQ=WEEKLY\n")}END:VCALENDAR\n`,
    );
    expect(new Set(reading.instances.map(({ id }) => id))).toEqual(new Set(["fine"]));
    expect(reading.notes.map((note) => /"(\w+)"/.exec(note)?.[1])).toEqual(["flood", "minutes"]);
    expect([...reading.unreadable]).toEqual(["flood", "minutes"]);
  });

  it("reads a zone of its own that never ends or makes no sense as the owner's", async () => {
    for (const lines of [
      "DTSTART:19700101T000000\nRRULE:FREQ=SECONDLY\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n",
      "DTSTART:19700101T000000\nTZOFFSETFROM:+9900\nTZOFFSETTO:+0200\n",
      "",
    ]) {
      const reading = await read(
        `BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\n${lines}END:STANDARD\nEND:VTIMEZONE\n` +
          "BEGIN:VEVENT\nUID:x\nDTSTART;TZID=Mine:20261021T090000\nEND:VEVENT\nEND:VCALENDAR\n",
      );
      expect(reading.instances[0]?.start).toBe(Date.UTC(2026, 9, 21, 7));
      expect(reading.notes).toHaveLength(2);
    }
  });

  it("lets others have their turn while it is read, and ends when it is aborted", async () => {
    const events = Array.from(
      { length: 20_000 },
      (_, index) =>
        `BEGIN:VEVENT\nUID:e${index}\nSUMMARY:Meeting ${index}\nDTSTART;TZID=Europe/Berlin:20261021T090000\nDURATION:PT1H\nEND:VEVENT\n`,
    );
    const text = `BEGIN:VCALENDAR\n${events.join("")}END:VCALENDAR\n`;
    let longest = 0;
    let last = process.cpuUsage();
    const turn = (): void => {
      const { user, system } = process.cpuUsage(last);
      longest = Math.max(longest, (user + system) / 1_000);
      last = process.cpuUsage();
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    const reading = await read(text);
    clearImmediate(next);
    expect(reading.instances).toHaveLength(20_000);
    expect(longest).toBeLessThan(250);

    const abort = new AbortController();
    setImmediate(() => abort.abort(new Error("enough")));
    await expect(read(text, abort.signal)).rejects.toThrow("enough");
  });
});
