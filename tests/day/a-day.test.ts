import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { dovecotAvailable } from "../servers/dovecot.ts";
import { radicaleAvailable } from "../servers/radicale.ts";
import { type DayRecord, liveTheDay } from "./life.ts";
import { mails } from "./mails.ts";
import { newslettersTold, pagePath, renderPage, whereTold } from "./page.ts";
import { planted } from "./planted.ts";

/** `UPDATE_DOCS=1 npx vitest run tests/day` writes the page anew. */
const writesPage = process.env["UPDATE_DOCS"] === "1";

describe.skipIf(!dovecotAvailable() || !radicaleAvailable())("a day in a small company", () => {
  let day: DayRecord;
  beforeAll(async () => {
    day = await liveTheDay();
  });

  it("is as big as it should be", () => {
    expect(mails).toHaveLength(60);
    expect(planted).toHaveLength(9);
    expect(day.beats.length).toBeGreaterThan(720);
    expect(day.beats.filter(({ outcome }) => outcome === "failed" || outcome === "missed")).toEqual(
      [],
    );
  });

  it("makes at most 12 conversations with the model, all of them whole", () => {
    expect(day.runs.length).toBeLessThanOrEqual(12);
    expect(day.conversations).toBe(day.runs.length);
    expect(day.runs.map(({ outcome }) => outcome)).toEqual(day.runs.map(() => "ok"));
  });

  it("reaches the owner at most 8 times, the digest and requests included", () => {
    const delivered = day.notifications.filter(({ state }) => state === "delivered");
    expect(delivered.length).toBeLessThanOrEqual(8);
    expect(day.told).toHaveLength(delivered.length);
  });

  it.each(planted)("tells that: $what", (each) => {
    const index = whereTold(each, day.told);
    expect(index).toBeGreaterThanOrEqual(0);
  });

  it("tells of no newsletter", () => {
    expect(newslettersTold(day.told)).toBe(0);
    expect(mails.filter(({ kind }) => kind === "newsletter").length).toBeGreaterThan(20);
  });

  it("tells of the dead router in one message, and of none of the four behind it", () => {
    const about = (words: RegExp) => day.told.filter(({ text }) => words.test(text));
    expect(about(/(?<!Over after \w+: )router is down/)).toHaveLength(1);
    expect(about(/(?:printer|phones|door) is down/)).toEqual([]);
    expect(
      day.findings.filter(({ check }) => /services\/(?:printer|phones|door)/.test(check)),
    ).toEqual([]);
  });

  it("asks no model in a quiet beat, and pays for nothing but conversations", () => {
    const quiet = day.beats.filter(({ outcome }) => outcome === "quiet");
    expect(quiet.length).toBeGreaterThan(600);
    expect(quiet.filter(({ runId, costUsd }) => runId !== null || costUsd > 0)).toEqual([]);
    const paid = day.runs.reduce((sum, { costUsd }) => sum + costUsd, 0);
    expect(day.spend.costUsd).toBeCloseTo(paid, 9);
    expect(day.requests).toBe(
      day.runs.flatMap(({ steps }) => steps).filter(({ kind }) => kind === "model").length,
    );
  });

  it("sends what the owner approved and what a grant allows, once each", () => {
    expect(day.approvals).toMatchObject([{ tool: "inbox_send", status: "approved" }]);
    expect(day.sent.map(({ to }) => to)).toEqual([
      ["claire.dumont@tidewater.example"],
      ["team@northlight.example"],
    ]);
    expect(day.effects.map(({ state }) => state)).toEqual(["done", "done"]);
  });

  it("is what the page says", async () => {
    const page = await renderPage(day);
    if (writesPage) await writeFile(pagePath, page);
    const written = await readFile(pagePath, "utf8").catch(() => "");
    expect(written, "run it with UPDATE_DOCS=1 to write it anew").toBe(page);
  });
});
