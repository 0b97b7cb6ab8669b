import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ICAL from "ical.js";
import PostalMime from "postal-mime";
import type { Email } from "postal-mime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isWatchkeeperError } from "../domain/errors.ts";
import { demoMails, demoOwner } from "./mails.ts";
import { prepareDemoWorld } from "./world.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const now = new Date("2026-11-20T08:12:34Z");
const timezone = "Europe/Berlin";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "watchkeeper-demo-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function files(): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
}

async function mails(): Promise<Map<string, { raw: string; mail: Email; mtimeMs: number }>> {
  const paths = (await files()).filter((path) => path.startsWith("mail/"));
  const read = paths.map(async (path) => {
    const bytes = await readFile(join(dir, path));
    const { mtimeMs } = await stat(join(dir, path));
    const parsed = { raw: bytes.toString("latin1"), mail: await PostalMime.parse(bytes), mtimeMs };
    return [path.split(".")[1] ?? "", parsed] as const;
  });
  return new Map(await Promise.all(read));
}

describe("the demo's mail", () => {
  it("lies in a Maildir, new and read, with nothing left in tmp", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    const paths = await files();
    const read = demoMails.filter((mail) => mail.read).length;
    expect(paths.filter((path) => path.startsWith("mail/cur/"))).toHaveLength(read);
    expect(paths.filter((path) => path.startsWith("mail/new/"))).toHaveLength(
      demoMails.length - read,
    );
    expect(
      paths.filter((path) => path.startsWith("mail/cur/")).every((path) => path.endsWith(":2,S")),
    ).toBe(true);
    expect((await stat(join(dir, "mail/tmp"))).isDirectory()).toBe(true);
    expect(paths.filter((path) => path.includes("tmp"))).toEqual([]);
  });

  it("is of the last two days, also for who looks a day after it was made", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    for (const { mail, mtimeMs } of (await mails()).values()) {
      const ageMs = now.getTime() - Date.parse(mail.date ?? "");
      expect(ageMs).toBeGreaterThan(0);
      expect(ageMs).toBeLessThan(dayMs);
      expect(Math.abs(mtimeMs - Date.parse(mail.date ?? ""))).toBeLessThan(1_000);
    }
  });

  it("has who, to whom, what and an identity in every mail, and only addresses that are nobody's", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    const all = [...(await mails()).values()];
    expect(new Set(all.map(({ mail }) => mail.messageId)).size).toBe(demoMails.length);
    for (const { raw, mail } of all) {
      expect(mail.from).toMatchObject({ name: expect.stringMatching(/./) as string });
      expect(mail.to).toMatchObject([demoOwner]);
      expect(mail.subject).toMatch(/./);
      expect(`${mail.text ?? ""}${mail.html ?? ""}`.length).toBeGreaterThan(50);
      for (const [, domain] of raw.matchAll(/@([a-z0-9.-]+\.[a-z]+)/g)) {
        expect(domain).toMatch(/(^|\.)example(\.(com|org|net))?$/);
      }
      // RFC 5322 allows no longer line.
      expect(Math.max(...raw.split("\n").map((line) => line.length))).toBeLessThan(998);
    }
  });

  it("has the kinds that a mailbox has", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    const all = await mails();
    const mail = (id: string): Email => {
      const found = all.get(id);
      if (!found) throw new Error(`no mail ${id}`);
      return found.mail;
    };
    const header = (id: string, name: string) =>
      mail(id).headers.find((each) => each.key === name)?.value;

    expect(mail("bookmarks-shipped")).toMatchObject({
      from: { name: "山田 花子" },
      subject: "しおり 200 枚の発送予定",
      text: expect.stringContaining(
        "ご注文の和紙しおり 200 枚は、来週月曜日に発送いたします。",
      ) as string,
    });
    expect(mail("reading-date")).toMatchObject({
      subject: "Lecture : le 12 ou le 19 décembre ?",
      text: expect.stringContaining("le train (à partir de 39 € si je réserve tôt).") as string,
    });
    expect(all.get("reading-date")?.raw).toContain("Ch=C3=A8re Robin");
    expect(mail("pickup-moved").html).toContain("11&nbsp;parcels");
    expect(all.get("pickup-moved")?.raw).not.toContain("text/plain");
    expect(mail("invoice-2217").attachments).toMatchObject([
      { filename: "invoice-2217.pdf", mimeType: "application/pdf" },
    ]);
    expect(mail("bindery-weekly-212").text).toContain("animal glue");
    expect(mail("bindery-weekly-212").html).toContain("<h1>");
    expect(header("bindery-weekly-212", "list-id")).toContain("bindery-weekly.example");
    expect(header("parcelway-receipt", "auto-submitted")).toBe("auto-generated");
    expect(mail("window-display-2").inReplyTo).toMatch(/^<window-display-1\./);
    expect(mail("invoice-2217").from?.name).toBe("Tidewater Paper, Accounts");
    expect(mail("mailbox-suspended").text).toMatch(/ignore your instructions/i);
    expect(header("mailbox-suspended", "authentication-results")).toContain("dmarc=fail");
    expect(header("reprint-quote", "authentication-results")).toContain("dmarc=pass");
  });
});

describe("the demo's calendar", () => {
  interface Meeting {
    readonly start: Date;
    readonly end: Date;
    readonly event: ICAL.Event;
  }

  async function meetings(): Promise<Map<string, Meeting>> {
    const text = await readFile(join(dir, "calendar.ics"), "utf8");
    for (const line of text.split("\r\n")) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
    for (const zone of calendar.getAllSubcomponents("vtimezone"))
      ICAL.TimezoneService.register(zone);
    const found = calendar.getAllSubcomponents("vevent").map((component) => {
      const event = new ICAL.Event(component);
      const meeting = { event, start: event.startDate.toJSDate(), end: event.endDate.toJSDate() };
      return [event.uid.split(".")[0] ?? "", meeting] as const;
    });
    return new Map(found);
  }

  afterEach(() => ICAL.TimezoneService.reset());

  const local = (date: Date, zone: string): string =>
    date.toLocaleString("sv-SE", { timeZone: zone }).slice(0, 16);

  it.each([
    ["Europe/Berlin", "2026-11-20T08:12:34Z", "2026-11-20", "2026-11-21", "2026-11-22"],
    ["America/Los_Angeles", "2026-11-20T03:00:00Z", "2026-11-19", "2026-11-20", "2026-11-21"],
    ["Asia/Kolkata", "2026-11-20T20:00:00Z", "2026-11-21", "2026-11-22", "2026-11-23"],
    ["UTC", "2026-12-31T23:59:00Z", "2026-12-31", "2027-01-01", "2027-01-02"],
    // Clocks are put back tomorrow.
    ["Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-24", "2026-10-25", "2026-10-26"],
  ])("is on the owner's clock: %s at %s", async (zone, instant, today, tomorrow, afterwards) => {
    await prepareDemoWorld({ dir, now: new Date(instant), timezone: zone });
    const all = await meetings();
    const start = (id: string) => local(all.get(id)?.start ?? new Date(0), zone);
    expect(start("stock-delivery")).toBe(`${today} 10:00`);
    expect(start("bookseller-interview")).toBe(`${today} 14:30`);
    expect(start("reading-rehearsal")).toBe(`${tomorrow} 14:30`);
    expect(start("dinner")).toBe(`${afterwards} 18:30`);
  });

  it.each([0, 1, 2, 3, 4, 5, 59])(
    "has a meeting that starts within 25 minutes, at a round time (%i minutes past)",
    async (minutes) => {
      const at = new Date(now.getTime() + minutes * minuteMs + 59_999);
      await prepareDemoWorld({ dir, now: at, timezone });
      const start = (await meetings()).get("tidewater-call")?.start.getTime() ?? 0;
      expect(start - at.getTime()).toBeGreaterThan(14 * minuteMs);
      expect(start - at.getTime()).toBeLessThanOrEqual(25 * minuteMs);
      expect(start % (5 * minuteMs)).toBe(0);
    },
  );

  it("has exactly one pair tomorrow that overlaps", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    const tomorrow = [...(await meetings())].filter(
      ([, { start, event }]) =>
        !event.startDate.isDate && local(start, timezone).startsWith("2026-11-21"),
    );
    const pairs = tomorrow.flatMap(([one, a]) =>
      tomorrow
        .filter(([two, b]) => one < two && a.start < b.end && b.start < a.end)
        .map(([two]) => [one, two]),
    );
    expect(pairs).toEqual([["accountant", "reading-rehearsal"]]);
  });

  it.each(["2026-11-20T08:12:34Z", "2026-10-10T08:00:00Z", "2027-03-20T08:00:00Z"])(
    "has a weekly series that stays at ten over the clock changes (%s)",
    async (instant) => {
      const made = new Date(instant);
      await prepareDemoWorld({ dir, now: made, timezone });
      const iterator = (await meetings()).get("round-up")?.event.iterator();
      const starts: Date[] = [];
      for (let next = iterator?.next(); next; next = iterator?.next()) starts.push(next.toJSDate());
      expect(starts).toHaveLength(26);
      expect(new Set(starts.map((start) => local(start, timezone).slice(11)))).toEqual(
        new Set(["10:00"]),
      );
      const next = starts.find((start) => start > made);
      expect(next && local(next, timezone).slice(0, 10)).toBe(
        local(new Date(made.getTime() + dayMs), timezone).slice(0, 10),
      );
    },
  );

  it("keeps commas and signs of a text as they are", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    const all = await meetings();
    expect(all.get("accountant")?.event.location).toBe("Quay Street 4, second floor");
    expect(all.get("tidewater-call")?.event.description).toBe(
      "They want 6 % more; we can live with 3.",
    );
  });
});

describe("prepareDemoWorld", () => {
  const contents = async () =>
    Promise.all(
      (await files()).map(async (path) => [path, await readFile(join(dir, path), "utf8")]),
    );

  it("leaves a world of the same day alone, changes of its owner included", async () => {
    await prepareDemoWorld({ dir, now, timezone });
    await writeFile(join(dir, "calendar.ics"), "edited");
    const before = await contents();
    const later = new Date(now.getTime() + dayMs - 1);
    await prepareDemoWorld({ dir, now: later, timezone });
    expect(await contents()).toEqual(before);
  });

  it.each([
    ["a day later", dayMs],
    ["when the clock was put back", -hourMs],
  ])("makes it anew %s, and takes away only what was its own", async (_, shift) => {
    await prepareDemoWorld({ dir, now, timezone });
    await writeFile(join(dir, "mail/new/1.mine.host"), "Subject: mine\n\nkeep me\n");
    const again = new Date(now.getTime() + shift);
    await prepareDemoWorld({ dir, now: again, timezone });
    expect(await readFile(join(dir, "mail/new/1.mine.host"), "utf8")).toContain("keep me");
    await rm(join(dir, "mail/new/1.mine.host"));
    const all = [...(await mails()).values()];
    expect(all).toHaveLength(demoMails.length);
    const youngest = Math.max(...all.map(({ mail }) => Date.parse(mail.date ?? "")));
    expect(again.getTime() - youngest).toBeLessThan(hourMs);
  });

  it.each([
    ["its marker is damaged", async () => writeFile(join(dir, "world.json"), "{")],
    ["its marker is missing, as after a kill", async () => rm(join(dir, "world.json"))],
    ["its mail is gone", async () => rm(join(dir, "mail"), { recursive: true })],
    ["its calendar is gone", async () => rm(join(dir, "calendar.ics"))],
    [
      "half of it was written",
      async () => {
        await rm(join(dir, "world.json"));
        await writeFile(join(dir, "mail/tmp/1.dinner.harbourlight-demo"), "Subj");
      },
    ],
  ])("makes it whole when %s", async (_, damage) => {
    await prepareDemoWorld({ dir, now, timezone });
    const whole = await contents();
    await damage();
    await prepareDemoWorld({ dir, now, timezone });
    expect(await contents()).toEqual(whole);
  });

  it("makes the folder with those above it", async () => {
    await prepareDemoWorld({ dir: join(dir, "a/b"), now, timezone });
    expect(await files()).toContain("a/b/world.json");
  });

  it("says in one line where it could not write", async () => {
    // A file in the place of the folder: refused to everybody, root included.
    await writeFile(join(dir, "world"), "");
    const error: unknown = await prepareDemoWorld({ dir: join(dir, "world"), now, timezone }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isWatchkeeperError(error) && error.code).toBe("DEMO_WORLD_NOT_WRITTEN");
    expect(isWatchkeeperError(error) && error.hint).toContain("demo.dir");
  });
});
