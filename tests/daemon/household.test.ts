import { join } from "node:path";
import { expect, test } from "vitest";
import { openStoreReader } from "../../src/store/index.ts";
import { checkFile } from "../../src/store/check-file.ts";
import { packageInfo } from "../../src/config/package.ts";
import { temporaryFolder } from "./harness.ts";
import { dayMs, liveIn } from "./household.ts";

/**
 * The year of `npm run bench:year` in small: eighteen days with the shortest retention there may be. From the tenth
 * day on as much is removed as is added.
 */

const days = 18;
const shortest = {
  ...{ quietBeats: "2d", beats: "2d", failures: "2d" },
  ...{ findings: "7d", texts: "7d", notifications: "7d", steps: "7d" },
};

test("eighteen days of a busy household: the file stops growing, and counters do not go back", async () => {
  await using folder = await temporaryFolder();
  const { migrationsDir } = packageInfo();
  const stateDir = join(folder.path, "state");
  const used: number[] = [];
  const counted: number[] = [];
  const rows: ReadonlyMap<string, number>[] = [];
  const outcome = await liveIn(folder.path, {
    stretches: [{ days, everyMs: 30 * 60_000 }],
    retention: shortest,
    mailKeptMs: dayMs / 2,
    async daily(_, store) {
      const { bytes, freeBytes } = (await store.status()).file;
      used.push(bytes - freeBytes);
      counted.push((await store.totals()).beats.completed);
      const report = checkFile(stateDir, { migrationsDir });
      rows.push(new Map(report?.rows.map((each) => [each.table, each.rows])));
    },
  });
  /** How many rows a day came to stay in the last week. */
  const growth = (table: string): number =>
    ((rows[days - 1]?.get(table) ?? 0) - (rows[days - 8]?.get(table) ?? 0)) / 7;
  // Unpruned it would be 60 and more a day. Those that a run is of stay as long as that.
  const most = {
    findings: 5,
    observations: 5,
    finding_events: 10,
    tellings: 5,
    beats: 15,
    steps: 5,
  };
  for (const [table, atMost] of Object.entries(most)) {
    expect([table, growth(table), growth(table) <= atMost]).toEqual([table, growth(table), true]);
  }
  const perDay = ((used.at(-1) ?? 0) - (used.at(-8) ?? 0)) / 7;
  expect(perDay).toBeLessThan(64 * 1_024);
  expect(counted).toEqual(counted.toSorted((a, b) => a - b));
  expect(counted.at(-1)).toBeGreaterThan(0.95 * outcome.beats);
  expect(checkFile(stateDir, { migrationsDir })?.damages).toEqual([]);

  // What is open, or cost money lately, is all there.
  await using store = openStoreReader({ stateDir, migrationsDir });
  const open = (await store?.listFindings({ all: false, limit: 1_000 })) ?? [];
  expect(open.length).toBeGreaterThan(20);
  const calls = (await store?.spendCalls({ since: 0 })) ?? [];
  const ofModel = (await store?.totals())?.spend.reduce((sum, { calls: count }) => sum + count, 0);
  expect(calls).toHaveLength(ofModel ?? -1);
});
