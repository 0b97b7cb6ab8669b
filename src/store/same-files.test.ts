import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import type { StoreError } from "../domain/errors.ts";
import { acquireLock, isLocked, openStore } from "./index.ts";
import { migrationsDir, temporaryStateDir } from "./store-fixture.ts";

/** A store that is held as a daemon holds it. */
function hold(stateDir: string) {
  const lock = acquireLock(stateDir);
  if (!lock) throw new Error("somebody holds the lock");
  const lost: StoreError[] = [];
  const store = openStore(
    { stateDir, migrationsDir },
    { lock, onLost: (error) => lost.push(error), onError() {} },
  );
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]();
    lock.release();
  });
  return { store, lost };
}

const beat = { trigger: "schedule", at: 1 } as const;
const inPlace = (stateDir: string, file: string) => {
  cpSync(`${stateDir}/${file}`, `${stateDir}/copy`);
  renameSync(`${stateDir}/copy`, `${stateDir}/${file}`);
};

it.each<[string, RegExp, (stateDir: string) => void]>([
  [
    "the directory was removed",
    /the state directory .* is gone/,
    (dir) => rmSync(dir, { recursive: true }),
  ],
  [
    "it was given another name",
    /the state directory .* is gone/,
    (dir) => renameSync(dir, `${dir}-old`),
  ],
  [
    "another was put in its place",
    /another watchkeeper\.db is in the state directory/,
    (dir) => {
      renameSync(dir, `${dir}-old`);
      cpSync(`${dir}-old`, dir, { recursive: true });
    },
  ],
  [
    "an empty one was put in its place",
    /watchkeeper\.db is gone from the state directory/,
    (dir) => {
      rmSync(dir, { recursive: true });
      mkdirSync(dir);
    },
  ],
  ["the file was replaced", /another watchkeeper\.db/, (dir) => inPlace(dir, "watchkeeper.db")],
  [
    "its log was removed",
    /watchkeeper\.db-wal is gone/,
    (dir) => rmSync(`${dir}/watchkeeper.db-wal`),
  ],
  [
    "the lock was removed, so that a second daemon could come",
    /watchkeeper\.lock is gone/,
    (dir) => rmSync(`${dir}/watchkeeper.lock`),
  ],
])("nothing more is saved when %s", async (_, what, damage) => {
  const stateDir = temporaryStateDir();
  const { store, lost } = hold(stateDir);
  expect(await store.beginBeat(beat)).toBe(1);
  expect(lost).toEqual([]);
  damage(stateDir);
  const refusal = { code: "STATE_DIR_LOST", message: expect.stringMatching(what) };
  await expect(store.beginBeat(beat)).rejects.toMatchObject(refusal);
  await expect(store.listBeats({ limit: 1 })).rejects.toMatchObject(refusal);
  expect(lost).toMatchObject([refusal]);
});

it("a file in which damage is met is refused from then on, and left as it is, its log too", async () => {
  const stateDir = temporaryStateDir();
  const { store, lost } = hold(stateDir);
  const path = `${stateDir}/watchkeeper.db`;
  const other = new Database(path);
  onTestFinished(() => void other.close());
  for (let at = 0; at < 5; at += 1) await store.beginBeat(beat);
  // Another's write makes the store read anew what it knows by heart.
  other.exec("create table other (a)");
  other.pragma("wal_checkpoint(truncate)");
  await store.beginBeat(beat);
  other.exec("insert into other values (1)");
  writeFileSync(path, readFileSync(path).fill(0x5a, 4_096), { flag: "r+" });
  const bytes = () => [path, `${path}-wal`].map((file) => readFileSync(file).toString("base64"));
  const before = bytes();
  const refusal = { code: "DATABASE_DAMAGED", hint: expect.stringContaining("db restore FILE") };
  await expect(store.listFindings({ all: true, limit: 1 })).rejects.toMatchObject(refusal);
  await expect(store.beginBeat(beat)).rejects.toMatchObject(refusal);
  expect(lost).toMatchObject([refusal]);
  other.close();
  await store[Symbol.asyncDispose]();
  expect(bytes()).toEqual(before);
});

it("stays refused when the old ones come back: in between another may have written", async () => {
  const stateDir = temporaryStateDir();
  const { store } = hold(stateDir);
  renameSync(stateDir, `${stateDir}-old`);
  await expect(store.beginBeat(beat)).rejects.toMatchObject({ code: "STATE_DIR_LOST" });
  renameSync(`${stateDir}-old`, stateDir);
  await expect(store.beginBeat(beat)).rejects.toMatchObject({ code: "STATE_DIR_LOST" });
});

it("letting go of what was lost takes nothing from the one that has come in its place", async () => {
  const stateDir = temporaryStateDir();
  const old = hold(stateDir);
  await old.store.beginBeat(beat);
  renameSync(stateDir, `${stateDir}-old`);
  const fresh = hold(stateDir);
  expect(isLocked(stateDir)).toBe(true);
  await fresh.store.beginBeat(beat);
  await fresh.store.beginBeat(beat);
  await expect(old.store.beginBeat(beat)).rejects.toMatchObject({ code: "STATE_DIR_LOST" });
  await old.store[Symbol.asyncDispose]();
  expect(await fresh.store.beginBeat(beat)).toBe(3);
  expect(fresh.lost).toEqual([]);
  await using beside = openStore({ stateDir, migrationsDir });
  expect(await beside.listBeats({ limit: 10 })).toHaveLength(3);
});
