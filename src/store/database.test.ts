import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { allowWrites, refuseWrites } from "../../tests/servers/small-disk.ts";
import { databasePath, openDatabase } from "./database.ts";
import { openStore, openStoreReader } from "./index.ts";
import {
  commit,
  migrationsDir,
  observation,
  openTemporaryStore,
  seen,
  temporaryStateDir,
} from "./store-fixture.ts";
import { withStoreErrors } from "./store-errors.ts";

const mode = (path: string): number => statSync(path).mode & 0o7777;

/** A database as the daemon leaves it, closed. */
async function closedDatabase(): Promise<string> {
  const stateDir = temporaryStateDir();
  await using _ = openStore({ stateDir, migrationsDir });
  return stateDir;
}

const plant = (stateDir: string, sql: string): void => {
  const client = new Database(databasePath(stateDir));
  client.exec(sql);
  client.close();
};

describe("the file", () => {
  it("is the owner's alone, with all that SQLite puts beside it", async () => {
    const { stateDir, store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    expect(mode(stateDir)).toBe(0o700);
    const path = databasePath(stateDir);
    for (const suffix of ["", "-wal", "-shm"]) expect(mode(path + suffix)).toBe(0o600);
  });

  it.runIf(process.getuid?.() === 0)("is its owner's too when root makes it", () => {
    const stateDir = temporaryStateDir();
    const [uid, gid] = [65_534, 65_533];
    mkdirSync(stateDir);
    chownSync(stateDir, uid, gid);
    openDatabase(stateDir, migrationsDir).$client.close();
    expect(statSync(databasePath(stateDir))).toMatchObject({ uid, gid });
  });

  it("closes a directory that was open, but not one that everybody shares", async () => {
    const stateDir = temporaryStateDir();
    mkdirSync(stateDir);
    chmodSync(stateDir, 0o755);
    await openStore({ stateDir, migrationsDir })[Symbol.asyncDispose]();
    expect(mode(stateDir)).toBe(0o700);

    chmodSync(stateDir, 0o1777);
    expect(() => openStore({ stateDir, migrationsDir })).toThrow(
      expect.objectContaining({ code: "STATE_DIR_SHARED" }),
    );
    expect(mode(stateDir)).toBe(0o1777);
  });

  it("cannot be where a file stands, and says so", () => {
    const stateDir = temporaryStateDir();
    writeFileSync(stateDir, "");
    const mend = { code: "STATE_DIR_UNUSABLE", hint: expect.stringContaining("--state") };
    expect(() => openStore({ stateDir, migrationsDir })).toThrow(expect.objectContaining(mend));
    expect(() => openStore({ stateDir: join(stateDir, "below"), migrationsDir })).toThrow(
      expect.objectContaining(mend),
    );
  });

  it("cannot be a directory either", () => {
    const stateDir = temporaryStateDir();
    mkdirSync(databasePath(stateDir), { recursive: true });
    expect(() => openStore({ stateDir, migrationsDir })).toThrow(
      expect.objectContaining({ code: "DATABASE_UNWRITABLE" }),
    );
  });
});

describe("the connection", () => {
  it("loses nothing at a power cut, and keeps rows that belong together", async () => {
    const { store, sql, stateDir } = await openTemporaryStore();
    expect(sql.pragma("journal_mode", { simple: true })).toBe("wal");
    // These two are a connection's own: seen where the store itself opens one.
    const { openDatabase } = await import("./database.ts");
    const own = openDatabase(stateDir, migrationsDir);
    expect(own.$client.pragma("synchronous", { simple: true })).toBe(2);
    expect(own.$client.pragma("foreign_keys", { simple: true })).toBe(1);
    expect(own.$client.pragma("busy_timeout", { simple: true })).toBe(5_000);
    own.$client.close();
    await expect(
      store.beginRun({
        beatId: 99,
        at: 1,
        model: "m",
        promptVersion: "1",
        readUntrusted: false,
        findings: [],
      }),
    ).rejects.toMatchObject({ code: "DATABASE_FAILED" });
  });

  const jsonColumns = [
    ["update checks set cursor = 'x'", "checks_cursor_json"],
    ["update beats set checks = '{'", "beats_checks_json"],
    ["update findings set data = 'x'", "findings_data_json"],
    [
      "insert into steps (run_id, step_index, kind, name, started_at, input) values (1, 0, 'tool', 't', 0, 'x')",
      "steps_input_json",
    ],
    [
      "insert into steps (run_id, step_index, kind, name, started_at, output) values (1, 0, 'tool', 't', 0, 'x')",
      "steps_output_json",
    ],
    [
      "insert into notifications (kind, state, findings, severity, title, body, why, created_at, due_at) values ('finding', 'held', 'x', 'info', '', '', '', 0, 0)",
      "notifications_findings_json",
    ],
    [
      "insert into approvals (tool, tool_version, arguments, arguments_hash, effect, trust, reason, created_at, expires_at) values ('t', '1', 'x', 'h', 'send', 'trusted', '', 0, 0)",
      "approvals_arguments_json",
    ],
    [
      "insert into effects (tool, effect, arguments, trust, idempotency_key, state, planned_at) values ('t', 'send', 'x', 'trusted', 'k', 'planned', 0)",
      "effects_arguments_json",
    ],
    [
      "insert into effects (tool, effect, arguments, trust, idempotency_key, state, planned_at, result) values ('t', 'send', '{}', 'trusted', 'k', 'planned', 0, 'x')",
      "effects_result_json",
    ],
  ] as const;

  it.each(jsonColumns)("refuses what is not JSON: %s", async (statement, constraint) => {
    const { store, sql } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await store.beginRun({
      beatId: 1,
      at: 1,
      model: "m",
      promptVersion: "1",
      readUntrusted: false,
      findings: [],
    });
    expect(() => sql.exec(statement)).toThrow(constraint);
  });

  it("leaves data that is none as none", async () => {
    const { store, sql } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a"), observation("b", { data: [] })]));
    expect(sql.prepare("select data from findings order by id").pluck().all()).toEqual([
      null,
      "[]",
    ]);
  });
});

describe("a database that is not of this version", () => {
  it("is refused when a newer one wrote it, by writer and reader, and left as it is", async () => {
    const stateDir = await closedDatabase();
    plant(
      stateDir,
      "insert into __drizzle_migrations (hash, created_at) values ('future', 99999999999999)",
    );
    const before = readFileSync(databasePath(stateDir));
    const newer = expect.objectContaining({
      code: "DATABASE_NEWER",
      hint: expect.stringContaining("backup"),
    }) as Error;
    expect(() => openStore({ stateDir, migrationsDir })).toThrow(newer);
    expect(() => openStoreReader({ stateDir, migrationsDir })).toThrow(newer);
    expect(readFileSync(databasePath(stateDir)).equals(before)).toBe(true);
  });

  it("is refused when another program wrote it, by writer and reader, and keeps what it holds", () => {
    const stateDir = temporaryStateDir();
    mkdirSync(stateDir, { mode: 0o700 });
    plant(stateDir, "create table songs (title text); insert into songs values ('Sirens')");
    const before = readFileSync(databasePath(stateDir));
    const foreign = expect.objectContaining({
      code: "DATABASE_FOREIGN",
      hint: expect.stringContaining("--state"),
    }) as Error;
    expect(() => openStore({ stateDir, migrationsDir })).toThrow(foreign);
    expect(() => openStoreReader({ stateDir, migrationsDir })).toThrow(foreign);
    expect(readFileSync(databasePath(stateDir)).equals(before)).toBe(true);
  });

  it("is upgraded by a writer, and refused by a reader, when an older one wrote it", async () => {
    const stateDir = temporaryStateDir();
    mkdirSync(stateDir, { mode: 0o700 });
    plant(
      stateDir,
      "create table __drizzle_migrations (id integer, hash text, created_at integer)",
    );
    expect(() => openStoreReader({ stateDir, migrationsDir })).toThrow(
      expect.objectContaining({
        code: "DATABASE_OLDER",
        hint: expect.stringContaining("start"),
      }),
    );
    await openStore({ stateDir, migrationsDir })[Symbol.asyncDispose]();
    await using reader = openStoreReader({ stateDir, migrationsDir });
    expect(await reader?.status()).toMatchObject({ daemon: null, lastBeat: null, checks: [] });
  });

  it("is nothing yet when there is none: a reader makes no file", () => {
    const stateDir = temporaryStateDir();
    expect(openStoreReader({ stateDir, migrationsDir })).toBeUndefined();
    expect(() => statSync(stateDir)).toThrow("ENOENT");
  });
});

describe("a disk that takes nothing more", () => {
  it("leaves nothing acknowledged that is not saved, whatever way it was written", async () => {
    const { store, sql } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    refuseWrites(process.pid);
    try {
      const refused = { code: "DATABASE_FAILED", message: expect.stringContaining("I/O error") };
      await expect(store.beginBeat({ trigger: "manual", at: 2 })).rejects.toMatchObject(refused);
      await expect(store.acknowledge(1, 2)).rejects.toMatchObject(refused);
      await expect(store.snooze(1, 2)).rejects.toMatchObject(refused);
      await expect(store.commitLooks([seen("web/api", 2, [])])).rejects.toMatchObject(refused);
      expect(await store.listFindings({ all: true, limit: 9 })).toMatchObject([{ status: "open" }]);
    } finally {
      allowWrites(process.pid);
    }
    expect(await store.acknowledge(1, 3)).toMatchObject({ status: "acked" });
    expect(sql.prepare("select status from findings").pluck().all()).toEqual(["acked"]);
    expect(sql.pragma("integrity_check", { simple: true })).toBe("ok");
  });

  it("or may only be read, is said with the mend", async () => {
    const { openDatabase } = await import("./database.ts");
    const { beatWrites } = await import("./beats.ts");
    const db = openDatabase(await closedDatabase(), migrationsDir);
    db.$client.pragma("query_only = on");
    const port = { ...beatWrites(db), [Symbol.asyncDispose]: async () => void db.$client.close() };
    await using beats = withStoreErrors(port, "watchkeeper.db");
    await expect(beats.beginBeat({ trigger: "manual", at: 1 })).rejects.toMatchObject({
      code: "DATABASE_UNWRITABLE",
      message: "cannot write watchkeeper.db",
      hint: expect.stringContaining("can be written"),
    });
  });

  it("is said as such when it is the file that may not grow", async () => {
    const stateDir = await closedDatabase();
    const { openDatabase } = await import("./database.ts");
    const { beatWrites } = await import("./beats.ts");
    const db = openDatabase(stateDir, migrationsDir);
    const pages = db.$client.pragma("page_count", { simple: true }) as number;
    db.$client.pragma(`max_page_count = ${pages}`);
    const port = { ...beatWrites(db), [Symbol.asyncDispose]: async () => void db.$client.close() };
    await using beats = withStoreErrors(port, databasePath(stateDir));
    const fill = async () => {
      for (let at = 0; at < 10_000; at += 1) await beats.beginBeat({ trigger: "manual", at });
    };
    await expect(fill()).rejects.toMatchObject({
      code: "DISK_FULL",
      hint: expect.stringContaining("what was saved before is safe"),
    });
  });
});

describe("a damaged database", () => {
  const damages: [string, (bytes: Buffer) => Buffer][] = [
    [
      "something else altogether",
      () => Buffer.from("this is a letter, not a database\n".repeat(99)),
    ],
    ["a first page of noise", (bytes) => Buffer.from(bytes).fill(0x5a, 100, 4_096)],
  ];

  it.each(damages)("%s is refused with words, and not a byte is changed", async (_, damage) => {
    const stateDir = await closedDatabase();
    const path = databasePath(stateDir);
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const refusal = expect.objectContaining({
      code: "DATABASE_DAMAGED",
      message: `${path} is damaged`,
      hint: expect.stringContaining("backup"),
    }) as Error;
    expect(() => openStoreReader({ stateDir, migrationsDir })).toThrow(refusal);
    expect(() => openStore({ stateDir, migrationsDir })).toThrow(refusal);
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  it("that opens is named as such by the method that meets the damage", async () => {
    const { store, stateDir } = await openTemporaryStore();
    const many = Array.from({ length: 400 }, (_, index) => observation(`k${index}`));
    await commit(store, seen("web/api", 1, many));
    await store[Symbol.asyncDispose]();
    const copy = temporaryStateDir();
    mkdirSync(copy, { mode: 0o700 });
    const client = new Database(databasePath(stateDir));
    client.pragma("wal_checkpoint(TRUNCATE)");
    const root = client
      .prepare("select rootpage from sqlite_master where name = 'findings'")
      .pluck()
      .get() as number;
    const pageSize = client.pragma("page_size", { simple: true }) as number;
    client.close();
    copyFileSync(databasePath(stateDir), databasePath(copy));
    const bytes = readFileSync(databasePath(copy));
    writeFileSync(databasePath(copy), bytes.fill(0x5a, (root - 1) * pageSize, root * pageSize));
    await using reader = openStoreReader({ stateDir: copy, migrationsDir });
    await expect(reader?.listFindings({ all: true, limit: 10 })).rejects.toMatchObject({
      code: "DATABASE_DAMAGED",
      hint: expect.stringContaining("backup"),
    });
  });
});
