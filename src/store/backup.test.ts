import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { backUp, restore } from "./backup.ts";
import { checkFile } from "./check-file.ts";
import { readContent } from "./content.ts";
import { databasePath } from "./database.ts";
import { acquireLock } from "./lock.ts";
import { commit, migrationsDir, observation, openTemporaryStore, seen } from "./store-fixture.ts";

const stamp = "20261127-081500";
const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) =>
    observation(`mail ${from + index}`, { text: "word ".repeat(300) }),
  );

async function filled(count = 200) {
  const bench = await openTemporaryStore();
  await commit(bench.store, seen("mail/work", 1, many(count)));
  const file = join(dirname(bench.stateDir), "copy.db");
  return { ...bench, file };
}

it("copies what is there at one moment while others write, and says what it holds", async () => {
  const { store, stateDir, sql, file } = await filled(3_000);
  const before = readContent(sql);
  let writes = 0;
  const going: Promise<unknown>[] = [];
  const summary = await backUp(stateDir, file, {
    progress: ({ step }) => {
      if (step !== "copy") return;
      writes += 1;
      going.push(commit(store, seen("web/api", 10 + writes, [observation(`late ${writes}`)])));
    },
  });
  await Promise.all(going);
  expect(writes).toBeGreaterThan(1);
  expect(summary.tables).toEqual(before);
  expect(summary.bytes).toBe(statSync(file).size);
  expect(readContent(sql)).not.toEqual(before);
  expect(contentOf(file)).toEqual(before);
});

it("leaves one file that only the owner can read, and nothing beside it", async () => {
  const { stateDir, file } = await filled();
  await backUp(stateDir, file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dirname(file)).sort()).toEqual(["copy.db", "state"]);
});

it.each(["copy", "verify"] as const)("told to stop during %s, it leaves nothing", async (when) => {
  const { stateDir, file, sql } = await filled(1_000);
  const stopping = new AbortController();
  const steps: string[] = [];
  const copying = backUp(stateDir, file, {
    signal: stopping.signal,
    progress({ step }) {
      steps.push(step);
      if (step === when) stopping.abort();
    },
  });
  await expect(copying).rejects.toMatchObject({ name: "AbortError" });
  // What fits into one turn is read to its end; the rest is not begun.
  const tables = readContent(sql).length;
  expect(steps.filter((step) => step === "verify").length).toBeLessThan(tables / 2);
  expect(readdirSync(dirname(file))).toEqual(["state"]);
});

it("keeps what each of two restores in one second found", async () => {
  const { store, stateDir, sql, file } = await filled();
  await backUp(stateDir, file);
  await store[Symbol.asyncDispose]();
  sql.close();
  const kept: (string | null)[] = [];
  for (const text of ["the first", "the second"]) {
    writeFileSync(databasePath(stateDir), text);
    kept.push((await restore(stateDir, file, { migrationsDir, stamp })).kept);
  }
  expect(kept.map((each) => readFileSync(each!, "utf8"))).toEqual(["the first", "the second"]);
});

it.each<[string, (file: string) => string, string]>([
  ["a file that is there", (file) => file, "BACKUP_EXISTS"],
  ["a folder that is not there", (file) => join(dirname(file), "none", "copy.db"), "BACKUP_PLACE"],
])("is not written over %s", async (_, place, code) => {
  const { stateDir, file } = await filled();
  writeFileSync(file, "mine");
  await expect(backUp(stateDir, place(file))).rejects.toMatchObject({ code });
  expect(readFileSync(file, "utf8")).toBe("mine");
});

it("is not written over a file that has come in the meantime", async () => {
  const { stateDir, file } = await filled();
  const copying = backUp(stateDir, file, {
    progress: ({ step }) => void (step === "verify" && writeFileSync(file, "mine")),
  });
  await expect(copying).rejects.toMatchObject({ code: "BACKUP_EXISTS" });
  expect(readFileSync(file, "utf8")).toBe("mine");
  expect(readdirSync(dirname(file)).sort()).toEqual(["copy.db", "state"]);
});

it("is not made of a file that is damaged", async () => {
  const { stateDir, sql, store, file } = await filled(3_000);
  sql.pragma("wal_checkpoint(truncate)");
  await store[Symbol.asyncDispose]();
  const path = databasePath(stateDir);
  const content = readFileSync(path);
  content.fill(0x5a, 40_960, 90_000);
  writeFileSync(path, content);
  await expect(backUp(stateDir, file)).rejects.toMatchObject({ code: "DATABASE_DAMAGED" });
  expect(existsSync(file)).toBe(false);
});

it("puts a copy back and keeps what was there, with what its log held", async () => {
  const { store, stateDir, sql, file } = await filled();
  await backUp(stateDir, file);
  const before = readContent(sql);
  await commit(store, seen("web/api", 5, [observation("after")]));
  const after = readContent(sql);
  await store[Symbol.asyncDispose]();
  sql.close();

  const { kept, tables } = await restore(stateDir, file, { migrationsDir, stamp });
  expect(kept).toBe(`${databasePath(stateDir)}.before-restore-${stamp}`);
  expect(tables).toEqual(before);
  expect(contentOf(databasePath(stateDir))).toEqual(before);
  expect(contentOf(kept!)).toEqual(after);
  expect(statSync(databasePath(stateDir)).mode & 0o777).toBe(0o600);
  expect(readdirSync(stateDir).filter((name) => name.includes(".part"))).toEqual([]);
});

it.runIf(process.getuid?.() === 0)(
  "put back by root, it belongs to whom the state belongs",
  async () => {
    const { store, stateDir, sql, file } = await filled();
    await backUp(stateDir, file);
    await store[Symbol.asyncDispose]();
    sql.close();
    const [uid, gid] = [65_534, 65_533];
    chownSync(stateDir, uid, gid);
    const lock = acquireLock(stateDir);
    await restore(stateDir, file, { migrationsDir, stamp });
    lock?.release();
    for (const path of [databasePath(stateDir), join(stateDir, "watchkeeper.lock")]) {
      expect(statSync(path)).toMatchObject({ uid, gid });
    }
  },
);

it("puts a copy in the place of a damaged file, and of none", async () => {
  const { store, stateDir, sql, file } = await filled();
  await backUp(stateDir, file);
  const before = readContent(sql);
  await store[Symbol.asyncDispose]();
  sql.close();
  writeFileSync(databasePath(stateDir), "this is no database at all");
  const { kept } = await restore(stateDir, file, { migrationsDir, stamp });
  expect(readFileSync(kept!, "utf8")).toBe("this is no database at all");
  expect(contentOf(databasePath(stateDir))).toEqual(before);
});

it.each<[string, (file: string) => void, string]>([
  ["is not there", () => undefined, "BACKUP_MISSING"],
  ["is no database", (file) => writeFileSync(file, "hello"), "BACKUP_FOREIGN"],
  [
    "is somebody else's",
    (file) => {
      const other = new Database(file);
      other.exec("create table notes (text)");
      other.close();
    },
    "BACKUP_FOREIGN",
  ],
  ["is a folder", (file) => mkdirSync(file), "BACKUP_MISSING"],
  [
    "is a pipe, which would never come to its end",
    (file) => execFileSync("mkfifo", [file]),
    "BACKUP_MISSING",
  ],
  ["is a link that leads back to itself", (file) => symlinkSync(file, file), "BACKUP_UNREADABLE"],
])("refuses a file that %s, and changes nothing", async (_, plant, code) => {
  const { stateDir, sql, file } = await filled();
  const before = readContent(sql);
  plant(file);
  await expect(restore(stateDir, file, { migrationsDir, stamp })).rejects.toMatchObject({ code });
  expect(readContent(sql)).toEqual(before);
});

it("refuses a copy of a newer version, one that was cut short, and the database itself", async () => {
  const { stateDir, file } = await filled(3_000);
  await backUp(stateDir, file);
  const whole = readFileSync(file);
  const cut = `${file}.cut`;
  writeFileSync(cut, whole.subarray(0, whole.length / 2));
  const newer = `${file}.newer`;
  writeFileSync(newer, whole);
  const sql = new Database(newer);
  sql.exec("update __drizzle_migrations set created_at = 99999999999999");
  sql.close();
  const codes: string[] = [];
  const link = `${file}.link`;
  symlinkSync(databasePath(stateDir), link);
  const twin = `${file}.twin`;
  linkSync(databasePath(stateDir), twin);
  for (const each of [newer, cut, databasePath(stateDir), link, twin]) {
    await restore(stateDir, each, { migrationsDir, stamp }).catch((error: { code: string }) =>
      codes.push(error.code),
    );
  }
  const itself = "BACKUP_IS_DATABASE";
  expect(codes).toEqual(["BACKUP_NEWER", "DATABASE_DAMAGED", itself, itself, itself]);
});

it("says what is in the file, and which rows name others that are gone", async () => {
  const { stateDir, sql } = await filled();
  const report = checkFile(stateDir, { migrationsDir });
  expect(report).toMatchObject({ file: databasePath(stateDir), damages: [] });
  expect(report?.rows).toContainEqual({ table: "findings", rows: 200 });
  expect(report?.logBytes).toBeGreaterThan(0);

  sql.pragma("foreign_keys = off");
  sql.exec(
    "insert into deliveries (notification_id, channel, state, attempts, updated_at) values (77, 'x', 'sent', 1, 1)",
  );
  expect(checkFile(stateDir, { migrationsDir })?.damages).toEqual([
    "row 1 of deliveries names a row of notifications that is not there",
  ]);
});

function contentOf(file: string) {
  const client = new Database(file, { readonly: true });
  try {
    return readContent(client);
  } finally {
    client.close();
  }
}
