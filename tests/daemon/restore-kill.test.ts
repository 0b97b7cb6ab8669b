import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageInfo } from "../../src/config/package.ts";
import { readContent } from "../../src/store/content.ts";
import { databasePath } from "../../src/store/database.ts";
import { backUp, openStore } from "../../src/store/index.ts";
import { bundleChild, type BundledChild } from "./bundled-child.ts";
import { temporaryFolder } from "./harness.ts";

/** kill -9 while a backup is put back: there is a whole database at any moment, the old one or the new one. */

let child: BundledChild;
beforeAll(async () => {
  child = await bundleChild("restore-child");
});
afterAll(() => child[Symbol.asyncDispose]());

async function restoreIn(stateDir: string, file: string, number: number) {
  const args = [child.path, stateDir, file, String(number)];
  const started = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  started.stdout.on("data", (chunk) => (out += String(chunk)));
  const [, signal] = (await once(started, "close")) as [number, NodeJS.Signals | null];
  return { signal, changes: Number(out) };
}

function contentOf(file: string) {
  const sql = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return readContent(sql);
  } finally {
    sql.close();
  }
}

test("killed anywhere, it leaves the database as it was or as it is to be", async () => {
  await using folder = await temporaryFolder();
  const original = join(folder.path, "original");
  const backup = join(folder.path, "copy.db");
  const note = async (text: string) => {
    await using store = openStore({ stateDir: original, ...packageInfo() });
    await store.pause({ pausedAt: 1, until: null, reason: text });
  };
  await note("then");
  await backUp(original, backup);
  await note("now");
  const then = contentOf(backup);
  const now = contentOf(databasePath(original));
  const copyTo = async (name: string) => {
    const place = join(folder.path, name);
    await cp(original, place, { recursive: true });
    return place;
  };

  const calm = await copyTo("calm");
  const { changes } = await restoreIn(calm, backup, 0);
  expect(changes).toBeGreaterThan(1);
  expect(contentOf(databasePath(calm))).toEqual(then);
  for (let number = 1; number <= changes; number += 1) {
    const place = await copyTo(`killed-${number}`);
    expect((await restoreIn(place, backup, number)).signal).toBe("SIGKILL");
    expect([then, now]).toContainEqual(contentOf(databasePath(place)));
  }
});
