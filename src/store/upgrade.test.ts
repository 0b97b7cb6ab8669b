import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { databasePath, openDatabase } from "./database.ts";
import { openStore } from "./index.ts";
import { commit, migrationsDir, observation, seen, temporaryStateDir } from "./store-fixture.ts";

/** From every schema that was ever released to the present one, with rows in it. */

interface Journal {
  entries: { tag: string; when: number }[];
}
const journalPath = (folder: string): string => join(folder, "meta", "_journal.json");
const journal = JSON.parse(readFileSync(journalPath(migrationsDir), "utf8")) as Journal;
const older = journal.entries.slice(0, -1).map(({ tag }, index) => ({ tag, count: index + 1 }));

/** What an earlier version knew of migrations. */
function migrationsUpTo(count: number, folder: string): string {
  cpSync(migrationsDir, folder, { recursive: true });
  const known = { ...journal, entries: journal.entries.slice(0, count) };
  writeFileSync(journalPath(folder), JSON.stringify(known));
  return folder;
}

/** Rows in the words of the first schema, which every later one still knows. */
const oldRows = `
  insert into checks (name, skill, schedule) values ('mail/work', 'mail', 'every 1m');
  insert into beats (id, trigger, outcome, started_at, finished_at, checks)
    values (1, 'schedule', 'found', 1000, 1010, '[]');
  insert into findings (id, skill, check_name, key, state, status, severity, trust, title, text, opened_at, changed_at)
    values (1, 'mail', 'mail/work', 'm1', 'opened', 'open', 'notice', 'untrusted', 'A bill', 'Due on Friday', 1000, 1000);
  insert into memories (id, text, trust, created_at) values (1, 'the owner likes tea', 'trusted', 1000);
  insert into approvals (id, tool, tool_version, arguments, arguments_hash, effect, trust, reason, created_at, expires_at)
    values (1, 'inbox_send', '1', '{"to":["a@b.example"]}', 'abc', 'send', 'untrusted', 'it reaches somebody', 1000, 9000);
  insert into notifications (id, kind, state, findings, severity, title, body, why, created_at, due_at)
    values (1, 'finding', 'delivered', '[1]', 'notice', 'A bill', '', 'told', 1000, 1000);
  insert into deliveries (id, notification_id, channel, state, attempts, updated_at)
    values (1, 1, 'terminal', 'sent', 1, 1005);
`;
const tables = [
  "checks",
  "beats",
  "findings",
  "memories",
  "approvals",
  "notifications",
  "deliveries",
];

type Row = Record<string, unknown>;
function rowsOf(file: string): Record<string, Row[]> {
  const client = new Database(file, { readonly: true });
  try {
    return Object.fromEntries(
      tables.map((table) => [table, client.prepare<[], Row>(`select * from ${table}`).all()]),
    );
  } finally {
    client.close();
  }
}

describe.each(older)("a database of $tag", ({ count }) => {
  it("keeps every row, is copied before, and works on", async () => {
    const stateDir = temporaryStateDir();
    const oldMigrations = migrationsUpTo(count, join(dirname(stateDir), "old"));
    openDatabase(stateDir, oldMigrations).$client.close();
    const old = new Database(databasePath(stateDir));
    old.exec(oldRows);
    old.close();
    const before = rowsOf(databasePath(stateDir));

    {
      await using store = openStore({ stateDir, migrationsDir });
      await store.beginBeat({ trigger: "schedule", at: 2_000 });
      await commit(store, seen("mail/work", 2_000, [observation("m2")]));
      const found = await store.searchMemories({ text: "tea", limit: 5, now: 3_000 });
      expect(found.map(({ text }) => text)).toEqual(["the owner likes tea"]);
    }
    const after = rowsOf(databasePath(stateDir));
    for (const table of tables) {
      const kept = after[table]!.slice(0, before[table]!.length);
      const [row] = before[table]!;
      // What the look has changed in its check is no matter of the upgrade.
      const columns = table === "checks" ? ["name", "skill"] : Object.keys(row!);
      const only = (rows: Row[]) => rows.map((each) => columns.map((column) => each[column]));
      expect([table, only(kept)]).toEqual([table, only(before[table]!)]);
    }
    const sql = new Database(databasePath(stateDir));
    expect(sql.pragma("foreign_key_check")).toEqual([]);
    expect(sql.pragma("integrity_check", { simple: true })).toBe("ok");
    sql.close();

    const [copy = "", ...others] = readdirSync(join(stateDir, "backups"));
    expect(others).toEqual([]);
    const path = join(stateDir, "backups", copy);
    expect(rowsOf(path)).toEqual(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

it("is not touched when no copy of it can be kept", async () => {
  const stateDir = temporaryStateDir();
  const oldMigrations = migrationsUpTo(1, join(dirname(stateDir), "old"));
  openDatabase(stateDir, oldMigrations).$client.close();
  writeFileSync(join(stateDir, "backups"), "in the way");
  const before = readFileSync(databasePath(stateDir));
  expect(() => openStore({ stateDir, migrationsDir })).toThrow(
    expect.objectContaining({ code: "UPGRADE_BACKUP_FAILED" }),
  );
  expect(readFileSync(databasePath(stateDir)).equals(before)).toBe(true);
});

it("keeps the copy that it has just made, whatever a clock ahead has named before", async () => {
  const stateDir = temporaryStateDir();
  const oldMigrations = migrationsUpTo(1, join(dirname(stateDir), "old"));
  openDatabase(stateDir, oldMigrations).$client.close();
  const backups = join(stateDir, "backups");
  mkdirSync(backups);
  const ahead = [1, 2, 3].map((day) => `before-upgrade-1-${Date.now() + day * 86_400_000}.db`);
  for (const name of ahead) writeFileSync(join(backups, name), "");
  await openStore({ stateDir, migrationsDir })[Symbol.asyncDispose]();
  const made = readdirSync(backups).filter((name) => !ahead.includes(name));
  expect(made).toHaveLength(1);
  expect(readdirSync(backups)).toHaveLength(3);
});

it("of the present version is not copied", async () => {
  const stateDir = temporaryStateDir();
  await openStore({ stateDir, migrationsDir })[Symbol.asyncDispose]();
  await openStore({ stateDir, migrationsDir })[Symbol.asyncDispose]();
  expect(readdirSync(stateDir)).not.toContain("backups");
});
