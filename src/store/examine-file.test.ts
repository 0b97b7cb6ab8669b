import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeError } from "../domain/errors.ts";
import { databasePath } from "./database.ts";
import { acquireLock, openStore, openStoreReader, type Store } from "./index.ts";
import { logDamage } from "./log-damage.ts";
import {
  commit,
  migrationsDir,
  observation,
  registerUsualChecks,
  seen,
  temporaryStateDir,
} from "./store-fixture.ts";

/** What a daemon does at its start. */
function openAsDaemon(stateDir: string): Store {
  const lock = acquireLock(stateDir);
  if (!lock) throw new Error("somebody holds the lock");
  try {
    const store = openStore({ stateDir, migrationsDir }, { lock, onLost() {}, onError() {} });
    onTestFinished(() => lock.release());
    return store;
  } catch (error) {
    lock.release();
    throw error;
  }
}

const transactions = 12;

/** A state directory as `kill -9` leaves it: the last transactions are in the log only. */
async function killedWatch(): Promise<{ stateDir: string; path: string; log: string }> {
  const [alive, stateDir] = [temporaryStateDir(), temporaryStateDir()];
  await using store = openStore({ stateDir: alive, migrationsDir });
  await registerUsualChecks(store);
  await store.beginBeat({ trigger: "schedule", at: 0 });
  const client = new Database(databasePath(alive));
  client.pragma("wal_checkpoint(truncate)");
  client.close();
  for (let index = 0; index < transactions; index += 1) {
    await commit(store, seen("web/api", index, [observation(`key ${index}`)]));
  }
  cpSync(alive, stateDir, { recursive: true });
  rmSync(`${databasePath(stateDir)}-shm`);
  const path = databasePath(stateDir);
  return { stateDir, path, log: `${path}-wal` };
}

const damageOf = (log: Buffer): string | null =>
  logDamage({ length: log.length, read: (at, length) => log.subarray(at, at + length) });

const findingsIn = async (store: Store): Promise<number> =>
  (await store.listFindings({ all: true, limit: 100 })).length;

/** Refused with the mend, twice, and not a byte is another than before. */
function expectRefused(stateDir: string, what: RegExp): void {
  const path = databasePath(stateDir);
  const contents = () =>
    [path, `${path}-wal`].map((file) => (existsSync(file) ? readFileSync(file) : null));
  const before = contents();
  for (let start = 0; start < 2; start += 1) {
    expect(() => openAsDaemon(stateDir)).toThrow(
      expect.objectContaining({
        code: "DATABASE_DAMAGED",
        hint: expect.stringContaining("watchkeeper db restore FILE"),
      }),
    );
    try {
      openAsDaemon(stateDir);
    } catch (error) {
      expect(describeError(error)).toMatch(what);
    }
  }
  const after = contents();
  // A look at a file without a log leaves an empty one.
  if (before[1] === null && after[1]?.length === 0) after[1] = null;
  expect(after.map((bytes, index) => bytes?.equals(before[index] ?? Buffer.of()) ?? null)).toEqual(
    before.map((bytes) => (bytes === null ? null : true)),
  );
}

/** Writes over so many bytes from there. */
function overwrite(file: string, at: number, bytes: number, value = 0x5a): void {
  writeFileSync(file, readFileSync(file).fill(value, at, at + bytes));
}

it("a watch that was killed is opened with all that it had saved", async () => {
  const { stateDir } = await killedWatch();
  await using store = openAsDaemon(stateDir);
  expect(await findingsIn(store)).toBe(transactions);
});

it("a log that has grown far beyond what fits into memory is looked through", async () => {
  const { stateDir, log } = await killedWatch();
  truncateSync(log, 2 ** 31 + 2 ** 20);
  await using store = openAsDaemon(stateDir);
  expect(await findingsIn(store)).toBe(transactions);
});

describe("a file that has lost something is refused at the start, and left as it is:", () => {
  it("cut to nothing, with and without its log", async () => {
    const { stateDir, path, log } = await killedWatch();
    truncateSync(path);
    expectRefused(stateDir, /watchkeeper\.db is empty/);
    rmSync(log);
    expectRefused(stateDir, /watchkeeper\.db is empty/);
    expect(() => openStoreReader({ stateDir, migrationsDir })).toThrow("is empty");
    expect(() => openStore({ stateDir, migrationsDir })).toThrow("is empty");
  });

  it("cut short", async () => {
    const { stateDir, path } = await killedWatch();
    truncateSync(path, 3 * 4_096);
    expectRefused(stateDir, /is damaged/);
  });

  it("a header of zeros", async () => {
    const { stateDir, path } = await killedWatch();
    await openStore({ stateDir, migrationsDir })[Symbol.asyncDispose]();
    overwrite(path, 0, 100, 0);
    expectRefused(stateDir, /is damaged/);
  });

  it.each([0, 0x5a])("any page in use overwritten with %d", async (value) => {
    const { stateDir, path } = await killedWatch();
    const client = new Database(path);
    client.pragma("wal_checkpoint(truncate)");
    const roots = client
      .prepare("select rootpage from sqlite_schema where rootpage > 0")
      .pluck()
      .all() as number[];
    client.close();
    const whole = readFileSync(path);
    for (const page of roots) {
      writeFileSync(path, whole);
      overwrite(path, (page - 1) * 4_096, 4_096, value);
      expectRefused(stateDir, /is damaged/);
    }
  });

  it("garbage in the log, before transactions that were saved", async () => {
    const { stateDir, log } = await killedWatch();
    overwrite(log, 32 + 24 + 100, 64);
    expectRefused(stateDir, /its log is damaged before the last \d+ transactions/);
  });

  it("a log that is something else", async () => {
    const { stateDir, log } = await killedWatch();
    overwrite(log, 0, 32);
    expectRefused(stateDir, /its log is not one any more/);
  });
});

it("can be gone on with without the damaged log, where the owner wants that", async () => {
  const { stateDir, log } = await killedWatch();
  overwrite(log, 0, 32);
  rmSync(log);
  await using store = openAsDaemon(stateDir);
  expect(await findingsIn(store)).toBe(0);
});

it("a log that was cut off anywhere, as by a power cut, is no damage", async () => {
  const bytes = readFileSync((await killedWatch()).log);
  expect(damageOf(bytes)).toBeNull();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length }), (length) => {
      expect(damageOf(bytes.subarray(0, length))).toBeNull();
      // Room that was given to the file and never written to.
      expect(damageOf(Buffer.concat([bytes.subarray(0, length), Buffer.alloc(9_000)]))).toBeNull();
    }),
    { numRuns: 60 },
  );
  expect(damageOf(Buffer.alloc(9_000))).toBeNull();
});

it("any byte that has changed in the log is found, but in the last transactions", async () => {
  const bytes = readFileSync((await killedWatch()).log);
  const frame = 24 + 4_096;
  const commits: number[] = [];
  for (let at = 32; at < bytes.length; at += frame)
    if (bytes.readUInt32BE(at + 4)) commits.push(at);
  expect(commits).toHaveLength(transactions);
  const certain = (commits.at(-3) ?? 0) + frame;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: certain - 1 }), (at) => {
      const damagedLog = Buffer.from(bytes);
      damagedLog.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
      expect(damageOf(damagedLog)).toMatch(/^its log is/);
    }),
    { numRuns: 120 },
  );
});
