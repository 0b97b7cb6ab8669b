import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageInfo } from "../../src/config/package.ts";
import { readContent } from "../../src/store/content.ts";
import { databasePath } from "../../src/store/database.ts";
import { openStore } from "../../src/store/index.ts";
import { daysAgo, planter } from "../../src/store/prune-fixture.ts";
import { bundleChild, type BundledChild } from "./bundled-child.ts";
import { temporaryFolder } from "./harness.ts";

/** kill -9 while what is past its time is removed, before and after transactions of every walk. */

let child: BundledChild;
beforeAll(async () => {
  child = await bundleChild("prune-child");
});
afterAll(() => child[Symbol.asyncDispose]());

/** Three years, each row of which hangs on others. */
async function history(stateDir: string): Promise<void> {
  const { migrationsDir } = packageInfo();
  await using store = openStore({ stateDir, migrationsDir });
  await store.registerChecks([{ name: "mail/work", skill: "mail", schedule: "every 1h" }], {
    at: 0,
    keepSkills: [],
  });
  const sql = new Database(databasePath(stateDir));
  sql.pragma("foreign_keys = on");
  const put = planter(sql);
  sql.transaction(() => {
    for (let day = 1_000; day > 0; day -= 2) {
      const at = daysAgo(day);
      const beat = put.beat(at, { outcome: "found" });
      put.beat(at + 1);
      const finding = put.finding(at, { key: `k${day}` });
      put.observation(finding, `k${day}`, at, at);
      put.event(finding, beat, at);
      const run = put.run(at, { beat_id: beat });
      put.verdict(run, finding);
      const step = put.step(run, 0, at);
      put.step(run, 1, at);
      put.spend(run, at);
      const approval = put.approval(at, { run_id: run, status: "approved" });
      put.effect(at, `approval-${approval}`, {
        ...{ run_id: run, step_id: step, approval_id: approval },
      });
      const notification = put.notification(at, { run_id: run, approval_id: approval });
      put.delivery(notification, at);
      put.telling(finding, notification, at);
    }
  })();
  sql.close();
}

async function pruneIn(stateDir: string, number: number, when: "before" | "after") {
  const started = spawn(process.execPath, [child.path, stateDir, String(number), when], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  started.stdout.on("data", (chunk) => (out += String(chunk)));
  const [, signal] = (await once(started, "close")) as [number, NodeJS.Signals | null];
  return { signal, slices: Number(out) };
}

function look(stateDir: string) {
  const sql = new Database(databasePath(stateDir));
  try {
    expect(sql.pragma("foreign_key_check")).toEqual([]);
    expect(sql.pragma("integrity_check", { simple: true })).toBe("ok");
    return readContent(sql);
  } finally {
    sql.close();
  }
}

test("killed anywhere and begun again, it leaves what an undisturbed one leaves", async () => {
  await using folder = await temporaryFolder();
  const original = join(folder.path, "original");
  await history(original);
  const copyTo = async (name: string): Promise<string> => {
    const place = join(folder.path, name);
    await mkdir(place, { mode: 0o700 });
    await cp(original, place, { recursive: true });
    return place;
  };
  const calm = await copyTo("calm");
  const before = look(calm);
  const { slices } = await pruneIn(calm, 0, "before");
  const undisturbed = look(calm);
  const rowsOf = (content: typeof before, name: string) =>
    content.find(({ table }) => table === name)?.rows ?? 0;
  for (const table of ["beats", "findings", "runs", "effects", "approvals", "notifications"]) {
    expect([table, rowsOf(undisturbed, table) < rowsOf(before, table)]).toEqual([table, true]);
  }

  let points = 0;
  // Each walk has its turn: several of its slices, some cut off before their transaction and some after it.
  for (let number = 1; number <= slices; number += Math.max(1, Math.floor(slices / 16))) {
    const when = points % 2 === 0 ? "after" : "before";
    const place = await copyTo(`killed-${number}`);
    expect((await pruneIn(place, number, when)).signal).toBe("SIGKILL");
    look(place);
    expect((await pruneIn(place, 0, "before")).signal).toBe(null);
    expect(look(place)).toEqual(undisturbed);
    points += 1;
  }
  process.stdout.write(`prune: killed at ${points} of ${slices} transactions\n`);
  expect(points).toBeGreaterThan(12);
});
