import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { approvalsCheck } from "../../src/effects/outcome.ts";
import { upkeepCheck } from "../../src/heartbeat/upkeep.ts";
import { keepWatch, temporaryFolder, type KeptWatch } from "./harness.ts";

/** Care of the file by the daemon itself: at its quiet hour, after that was slept through, and when it fails. */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const start = (folder: string, clock: FakeClock, config = {}) =>
  keepWatch({ folder, clock, config: { web: false, heartbeat: { every: "1h" }, ...config } });

/** Care goes on beside the clock: until the record says so. */
async function recorded(
  { store }: KeptWatch,
  name: "prune" | "backup",
  isSo: (record: { lastOkAt: number | null; lastError: string | null }) => boolean,
): Promise<void> {
  for (;;) {
    const record = (await store.status()).upkeep.find((each) => each.name === name);
    if (record && isSo(record)) return;
    await nextTurn();
  }
}

const backups = (folder: string): string[] => {
  const place = join(folder, "state", "backups");
  return existsSync(place) ? readdirSync(place).sort() : [];
};

const about = async (kept: KeptWatch) =>
  (await kept.findings()).filter(({ check }) => check === upkeepCheck);

test("at the quiet hour it prunes, and makes a copy that is whole and only ours", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  await using kept = await start(folder.path, clock);
  await kept.pass(15 * minute);
  expect((await kept.store.status()).upkeep.map(({ lastTriedAt }) => lastTriedAt)).toEqual([
    null,
    null,
  ]);
  expect(backups(folder.path)).toEqual([]);

  await kept.pass(10 * minute);
  await recorded(kept, "backup", ({ lastOkAt }) => lastOkAt !== null);
  await recorded(kept, "prune", ({ lastOkAt }) => lastOkAt !== null);
  const [name = ""] = backups(folder.path);
  expect(name).toMatch(/^weekly-20260106T03\d{4}Z\.db$/);
  const file = join(folder.path, "state", "backups", name);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const copy = new Database(file, { readonly: true });
  expect(copy.prepare("select count(*) > 0 from beats").pluck().get()).toBe(1);
  copy.close();
});

test("copies are a week apart, the last four are kept, and others in the folder are left alone", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  mkdirSync(join(folder.path, "state", "backups"), { recursive: true });
  writeFileSync(join(folder.path, "state", "backups", "mine.db"), "");
  for (let week = 0; week < 6; week += 1) {
    await using kept = await start(folder.path, clock);
    const before = clock.now();
    await kept.pass(30 * minute);
    await recorded(kept, "backup", ({ lastOkAt }) => (lastOkAt ?? 0) >= before);
    await kept[Symbol.asyncDispose]();
    clock.set(before + 7 * day);
  }
  expect(backups(folder.path)).toEqual([
    "mine.db",
    ...["20260120", "20260127", "20260203", "20260210"].map((date): unknown =>
      expect.stringContaining(`weekly-${date}T03`),
    ),
  ]);
});

test("what a night with the lid closed has missed is done soon after", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T20:00:00Z");
  {
    await using kept = await start(folder.path, clock);
    await kept.pass(10 * minute);
  }
  clock.set("2026-01-06T09:00:00Z");
  await using kept = await start(folder.path, clock);
  await kept.pass(4 * minute);
  expect(backups(folder.path)).toEqual([]);
  await kept.pass(2 * minute);
  await recorded(kept, "backup", ({ lastOkAt }) => lastOkAt !== null);
  expect(backups(folder.path)).toHaveLength(1);
});

test("one that cannot be made is a finding, once, and over when it can", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  const place = join(folder.path, "state", "backups");
  mkdirSync(join(folder.path, "state"));
  // A file where the folder should be stops root as well.
  writeFileSync(place, "");
  await using kept = await start(folder.path, clock);
  await kept.pass(30 * minute);
  await recorded(kept, "backup", ({ lastError }) => lastError !== null);
  await kept.pass(2 * hour);
  const [finding, ...others] = await about(kept);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    ...{ key: "backup", status: "open", severity: "warning", revision: 1 },
    title: "The weekly backup could not be made",
  });
  expect(kept.printed.filter((text) => text.includes("weekly backup"))).toHaveLength(1);

  rmSync(place);
  await kept.pass(65 * minute);
  await recorded(kept, "backup", ({ lastError }) => lastError === null);
  await kept.pass(minute);
  expect(await about(kept)).toMatchObject([{ id: finding?.id, status: "resolved" }]);
  expect(backups(folder.path)).toHaveLength(1);
});

test("switched off it does neither, and what was open of it is over", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  const off = { upkeep: { prune: false, weeklyBackups: 0 } };
  await using kept = await start(folder.path, clock, off);
  await kept.store.setOwnFinding({
    ...{ check: upkeepCheck, key: "backup", severity: "warning", at: clock.now() },
    ...{ title: "The weekly backup could not be made", text: null },
  });
  await kept.pass(hour);
  expect((await kept.store.status()).upkeep.map(({ lastTriedAt }) => lastTriedAt)).toEqual([
    null,
    null,
  ]);
  expect(await about(kept)).toMatchObject([{ status: "resolved" }]);
});

test("what processes that were killed have left of copies is removed", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  const place = join(folder.path, "state", "backups");
  mkdirSync(place, { recursive: true });
  const half = "weekly-20260101T032000Z.db.4711.part";
  for (const end of ["", "-journal"]) writeFileSync(join(place, half + end), "");
  chmodSync(place, 0o700);
  // Of a restore; no process has an id so large.
  const restored = join(folder.path, "state", "watchkeeper.db.2147483646.part");
  writeFileSync(restored, "SQLite for");
  await using kept = await start(folder.path, clock);
  await kept.pass(10 * minute);
  expect(backups(folder.path)).toEqual([]);
  expect(existsSync(restored)).toBe(false);
});

test("a clock that has leapt a year ahead makes nothing old before it has been lived by for most of a day", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  await using kept = await start(folder.path, clock);
  await kept.pass(30 * minute);
  await recorded(kept, "prune", ({ lastOkAt }) => lastOkAt !== null);
  const before = (await kept.store.listBeats({ limit: 100 })).map(({ id }) => id);
  const { lastOkAt } = await pruning(kept);

  clock.set("2027-01-06T03:30:00Z");
  await kept.pass(19 * hour);
  expect((await pruning(kept)).lastOkAt).toBe(lastOkAt);
  expect((await kept.store.listBeats({ limit: 100 })).map(({ id }) => id)).toEqual(
    expect.arrayContaining(before),
  );

  await kept.pass(2 * hour);
  await recorded(kept, "prune", (record) => (record.lastOkAt ?? 0) > (lastOkAt ?? 0));
});

test("a clock that was a year ahead, and is set back, puts nothing off until then", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2027-01-06T03:00:00Z");
  await using kept = await start(folder.path, clock, { heartbeat: { every: "12h" } });
  await kept.pass(30 * minute);
  await recorded(kept, "prune", ({ lastOkAt }) => lastOkAt !== null);
  await recorded(kept, "backup", ({ lastOkAt }) => lastOkAt !== null);

  clock.set("2026-01-06T12:00:00Z");
  await kept.pass(16 * hour);
  const nextNight = Date.parse("2026-01-07T03:20:00Z");
  expect((await pruning(kept)).lastOkAt).toBeGreaterThanOrEqual(nextNight);
  expect((await pruning(kept)).lastOkAt).toBeLessThan(nextNight + hour);
});

const pruning = async ({ store }: KeptWatch) => {
  const record = (await store.status()).upkeep.find(({ name }) => name === "prune");
  if (!record) throw new Error("there is no record of pruning");
  return record;
};

test("news of an approval that is two weeks old is closed, without a word", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-06T03:00:00Z");
  await using kept = await start(folder.path, clock);
  const news = { check: approvalsCheck, severity: "info", text: null } as const;
  for (const [key, age] of Object.entries({ old: 15 * day, young: 13 * day })) {
    await kept.store.setOwnFinding({ ...news, key, title: key, at: clock.now() - age });
  }
  await kept.pass(15 * minute);
  const told = kept.printed.length;
  await kept.pass(15 * minute);
  await recorded(kept, "prune", ({ lastOkAt }) => lastOkAt !== null);
  await kept.pass(minute);
  expect((await kept.findings()).map(({ key, status }) => [key, status])).toEqual([
    ["old", "resolved"],
    ["young", "open"],
  ]);
  expect(kept.printed).toHaveLength(told);
});
