import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createScrub } from "../domain/scrub.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import { silentLog, type Log } from "../telemetry/log.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { createDailyLog, type DailyLog } from "./daily-log.ts";
import { unfinishedLine } from "./daily-page.ts";

const minute = 60_000;

async function setUp(start = "2026-01-05T09:00:00Z") {
  const { store, stateDir } = await openTemporaryStore();
  const clock = new FakeClock(start);
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => void warnings.push(message) };
  const folder = join(stateDir, "memory");
  const open = (): DailyLog =>
    createDailyLog({
      store,
      stateDir,
      timezone: "UTC",
      clock,
      log,
      scrub: createScrub(["hunter22"]),
    });
  let daily = open();
  return {
    store,
    clock,
    warnings,
    folder,
    path: (day: string) => join(folder, `${day}.md`),
    read: (day: string) => readFile(join(folder, `${day}.md`), "utf8"),
    restart: () => void (daily = open()),
    pages: async () => (await readdir(folder).catch(() => [])).toSorted(),
    /** One beat now, and whatever it lets the log write. */
    async beat(finding?: string) {
      const id = await store.beginBeat({ trigger: "schedule", at: clock.now() });
      if (finding !== undefined) {
        const own = { check: "watchkeeper/test", severity: "notice" as const, text: null };
        await store.setOwnFinding({ ...own, key: finding, title: finding, at: clock.now() });
      }
      const outcome = finding === undefined ? ("quiet" as const) : ("found" as const);
      await store.finishBeat(id, { at: clock.now(), outcome, checks: [], error: null });
      daily.beat(finding !== undefined);
      await daily.written();
    },
    flush: () => daily.flush(),
    note: () => daily.note(),
  };
}

/** When a file was written last, after it was set long back. */
async function watchFile(path: string): Promise<() => Promise<boolean>> {
  await utimes(path, 1, 1);
  return async () => (await stat(path)).mtimeMs > 2_000;
}

describe("the page of today", () => {
  it("is written after news, for the owner alone, and not after a quiet beat", async () => {
    const { beat, read, clock, folder, path } = await setUp();
    await beat("A letter came");
    expect(await read("2026-01-05")).toMatch(/^# Mon 5 Jan 2026\n\n1 beat, 0 of them quiet/);
    expect(await read("2026-01-05")).toContain(`A letter came\`\n`);
    expect((await read("2026-01-05")).endsWith(`${unfinishedLine}\n`)).toBe(true);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(path("2026-01-05"))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["2026-01-05.md"]);

    const wasWritten = await watchFile(path("2026-01-05"));
    for (let count = 0; count < 3; count += 1) {
      await clock.advance(minute);
      await beat();
    }
    expect(await wasWritten()).toBe(false);
    await clock.advance(minute);
    await beat("Another one");
    expect(await read("2026-01-05")).toContain("5 beats, 3 of them quiet");
  });

  it("takes what comes at once together: a second page within half a minute waits for a later beat", async () => {
    const { beat, read, clock } = await setUp();
    await beat("One");
    await clock.advance(1_000);
    await beat("Two");
    expect(await read("2026-01-05")).not.toContain("Two");
    await clock.advance(minute);
    await beat();
    expect(await read("2026-01-05")).toContain("Two");
  });

  it("has at the end what was noted last", async () => {
    const { beat, read, clock, note, flush, store } = await setUp();
    await beat("One");
    await clock.advance(1_000);
    const own = { check: "watchkeeper/test", severity: "notice" as const, text: null };
    await store.setOwnFinding({ ...own, key: "2", title: "Two with hunter22", at: clock.now() });
    note();
    await flush();
    expect(await read("2026-01-05")).toMatch(/Two with .secret/);
    expect(await read("2026-01-05")).not.toContain("hunter22");
  });

  it("is left alone when the owner has taken its last line away", async () => {
    const { beat, path, read, clock } = await setUp();
    await beat("One");
    await writeFile(path("2026-01-05"), "My own words.\n");
    await clock.advance(minute);
    await beat("Two");
    expect(await read("2026-01-05")).toBe("My own words.\n");
  });
});

describe("a day that is over", () => {
  it("is finished a little after midnight, and never written again", async () => {
    const { beat, read, clock, path, restart } = await setUp("2026-01-05T23:58:00Z");
    await beat("A letter came");
    clock.set("2026-01-06T00:05:00Z");
    await beat();
    expect(await read("2026-01-05")).toContain(unfinishedLine);
    clock.set("2026-01-06T00:10:00Z");
    await beat();
    const finished = await read("2026-01-05");
    expect(finished).not.toContain(unfinishedLine);
    expect(finished).toContain("A letter came");

    await writeFile(path("2026-01-05"), `${finished}\nMine.\n`);
    restart();
    await beat("News");
    expect(await read("2026-01-05")).toBe(`${finished}\nMine.\n`);
    clock.set("2026-01-07T00:10:00Z");
    await beat();
    expect(await read("2026-01-05")).toBe(`${finished}\nMine.\n`);
    expect(await read("2026-01-06")).toContain("News");
  });

  it("that no daemon saw the end of is finished by the next one, with the days that were missed", async () => {
    const { beat, read, clock, restart, store, pages } = await setUp();
    await beat("A letter came");
    clock.set("2026-01-08T12:00:00Z");
    const from = Date.parse("2026-01-05T10:00:00Z");
    await store.recordMissed({ from, to: clock.now(), count: 74 });
    restart();
    await beat();
    expect(await pages()).toEqual(["05", "06", "07", "08"].map((day) => `2026-01-${day}.md`));
    expect(await read("2026-01-05")).not.toContain(unfinishedLine);
    const missed = "- Mon 5 Jan 2026 10:00 to Thu 8 Jan 2026 12:00: nobody looked";
    expect(await read("2026-01-06")).toContain(missed);
    expect(await read("2026-01-06")).toContain("0 beats");
  });

  it("that lies long back is finished too, and at most a week of days is added", async () => {
    const { beat, clock, restart, store, pages, read } = await setUp();
    await beat("A letter came");
    clock.set("2026-03-01T12:00:00Z");
    const from = Date.parse("2026-01-05T10:00:00Z");
    await store.recordMissed({ from, to: clock.now(), count: 999 });
    restart();
    await beat();
    expect(await read("2026-01-05")).not.toContain(unfinishedLine);
    expect(await pages()).toHaveLength(1 + 7 + 1);
  });

  it("whose page the owner has taken away does not come back", async () => {
    const { beat, clock, restart, path, pages } = await setUp();
    await beat("A letter came");
    clock.set("2026-01-06T12:00:00Z");
    await beat("Another");
    await rm(path("2026-01-05"));
    restart();
    await beat("A third");
    expect(await pages()).toEqual(["2026-01-06.md"]);
  });

  it("ends with the owner's midnight where the clocks are changed", async () => {
    const { store, stateDir } = await openTemporaryStore();
    const clock = new FakeClock("2026-03-29T21:59:00Z");
    const daily = createDailyLog({
      ...{ store, stateDir, timezone: "Europe/Berlin", clock, log: silentLog },
      scrub: createScrub([]),
    });
    const own = { check: "watchkeeper/test", severity: "notice" as const, text: null };
    for (const [key, at] of [
      ["first minute", "2026-03-28T23:00:00Z"],
      ["last minute", "2026-03-29T21:59:00Z"],
      ["next day", "2026-03-29T22:00:00Z"],
    ] as const) {
      await store.setOwnFinding({ ...own, key, title: key, at: Date.parse(at) });
    }
    daily.beat(true);
    await daily.written();
    const page = await readFile(join(stateDir, "memory", "2026-03-29.md"), "utf8");
    expect(page).toContain("- 00:00 notice opened");
    expect(page).toContain("- 23:59 notice opened");
    expect(page).not.toContain("next day");
  });
});

it("what cannot be written is said once, and the log goes on when it can", async () => {
  const { beat, clock, warnings, folder, read } = await setUp();
  await writeFile(folder, "a file in the way");
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (let count = 0; count < 3; count += 1) {
    await beat("A letter came");
    await clock.advance(minute);
  }
  expect(warnings).toEqual(["the daily log cannot be written"]);
  await rm(folder);
  await mkdir(folder);
  await beat();
  expect(await read("2026-01-05")).toContain("A letter came");
});
