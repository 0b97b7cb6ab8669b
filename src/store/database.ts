import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  linkSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { drizzle, type BetterSQLite3Database } from "drizzle-orm/better-sqlite3";
import { migrate } from "drizzle-orm/better-sqlite3/migrator";
import { StoreError } from "../domain/errors.ts";
import { sql, type SQL } from "drizzle-orm";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";
import { keepBeforeUpgrade } from "./before-upgrade.ts";
import { examineFile, refuseEmpty } from "./examine-file.ts";
import { folderTrouble, makeFolder, removeEmpty } from "./make-folder.ts";
import { giveToOwner } from "./ownership.ts";
import { partOf } from "./part-files.ts";
import * as schema from "./schema.ts";
import { asStoreError } from "./store-errors.ts";

/** Opening the one SQLite file: permissions, pragmas, migrations. */

export type Db = BetterSQLite3Database<typeof schema> & { $client: Database.Database };

/**
 * For transactions that read before they write: begun as a reader, they would fail at once, without
 * waiting, when another process has written in between.
 */
export const writing = { behavior: "immediate" } as const;

/** Rows by id, however many: a list of parameters would end at SQLite's limit for them. */
export const isOneOf = (column: AnySQLiteColumn, ids: readonly number[]): SQL =>
  sql`${column} in (select value from json_each(${JSON.stringify(ids)}))`;

export const databasePath = (stateDir: string): string => join(stateDir, "watchkeeper.db");

/**
 * Whether something was ever saved there.
 * @throws StoreError where that cannot be seen: what is out of sight is not nothing
 */
export function hasDatabase(stateDir: string): boolean {
  try {
    return statSync(databasePath(stateDir), { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EACCES") return false;
    throw new StoreError("STATE_DIR_CLOSED", `you may not look into ${stateDir}`, {
      hint: "Call the command as the user that the daemon runs as, or with `sudo`",
    });
  }
}

/** The sticky bit, as on /tmp: closing such a directory would take it from everybody else. */
const sharedByAll = 0o1000;

/** Makes the state directory (0700) and sees that it can be written. */
export function prepareStateDir(stateDir: string): void {
  try {
    makeFolder(stateDir, 0o700);
    refuseShared(stateDir);
    chmodSync(stateDir, 0o700);
  } catch (error) {
    throw asStateDirError(error, stateDir);
  }
}

/**
 * Whether {@link prepareStateDir} would succeed: what is missing is made and taken away again.
 * @returns what it would throw, or undefined
 */
export function whyUnusableStateDir(stateDir: string): StoreError | undefined {
  const made: string[] = [];
  try {
    makeFolder(stateDir, 0o700, made);
    refuseShared(stateDir);
    accessSync(stateDir, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return asStateDirError(error, stateDir);
  } finally {
    removeEmpty(made);
  }
}

function refuseShared(stateDir: string): void {
  if (!(statSync(stateDir).mode & sharedByAll)) return;
  throw new StoreError("STATE_DIR_SHARED", `${stateDir} is shared by everybody on this machine`, {
    hint: "Give a directory of your own below it with --state DIR or WATCHKEEPER_STATE",
  });
}

function asStateDirError(cause: unknown, stateDir: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const what = folderTrouble(cause, stateDir);
  return new StoreError(
    "STATE_DIR_UNUSABLE",
    `cannot use the state directory ${stateDir}${what ? `: ${what}` : ""}`,
    {
      hint: "Give a directory that you may write with --state DIR or WATCHKEEPER_STATE",
      // Its words are Node's, and say no more than ours.
      ...(what ? {} : { cause }),
    },
  );
}

/** What was done to a file that an older version has written. */
export interface Upgrade {
  /** The names of its schema before and after, as in `migrations/`. */
  readonly from: string;
  readonly to: string;
  /** Where the file is kept as it was. */
  readonly copy: string;
  /** The copy included. */
  readonly durationMs: number;
}

interface OpenOptions {
  /** Looks the whole file through before anything is written to it. */
  readonly examine?: boolean;
  readonly onUpgraded?: ((upgrade: Upgrade) => void) | undefined;
}

/**
 * Opens the database for writing and brings it to the present schema.
 * @throws StoreError when it cannot be opened, is damaged, or was written by a newer version or another program.
 */
export function openDatabase(
  stateDir: string,
  migrationsDir: string,
  { examine = false, onUpgraded }: OpenOptions = {},
): Db {
  prepareStateDir(stateDir);
  const path = databasePath(stateDir);
  if (!existsSync(path)) makeFile(path);
  else if (examine) examineFile(path);
  const client = connect(path, {});
  try {
    chmodSync(path, 0o600);
    refuseForeign(client, path);
    client.pragma("journal_mode = WAL");
    client.pragma("synchronous = FULL");
    client.pragma("foreign_keys = ON");
    // In KB. The system keeps what is read often anyway; a large file must not make a large daemon.
    client.pragma("cache_size = -4000");
    refuseNewer(client, migrationsDir, path);
    const applied = lastAppliedMigration(client);
    const begunAt = performance.now();
    const copy =
      applied !== null && applied < lastKnownMigration(migrationsDir)
        ? keepBeforeUpgrade(client, { stateDir, applied })
        : undefined;
    acknowledgeOnlyWhatIsSaved(client);
    const db = drizzle(client, { schema });
    migrate(db, { migrationsFolder: migrationsDir });
    if (applied !== null && copy !== undefined) {
      const from = nameOfSchema(applied, migrationsDir);
      const to = nameOfSchema(lastKnownMigration(migrationsDir), migrationsDir);
      onUpgraded?.({ from, to, copy, durationMs: Math.round(performance.now() - begunAt) });
    }
    return db;
  } catch (error) {
    client.close();
    throw asStoreError(error, path);
  }
}

/**
 * Opens the database for looking only; works beside a running daemon.
 * @returns undefined when there is no database yet.
 */
export function openDatabaseReadonly(stateDir: string, migrationsDir: string): Db | undefined {
  if (!hasDatabase(stateDir)) return undefined;
  const path = databasePath(stateDir);
  const client = connect(path, { readonly: true, fileMustExist: true });
  try {
    refuseForeign(client, path);
    refuseNewer(client, migrationsDir, path);
    refuseOlder(client, migrationsDir);
    return drizzle(client, { schema });
  } catch (error) {
    client.close();
    throw asStoreError(error, path);
  }
}

/**
 * Of a statement that writes and gives rows back, the driver takes the first row and does not hear that the
 * commit after it has failed, as on a full disk. Read to the end, it does.
 */
function acknowledgeOnlyWhatIsSaved(client: Database.Database): void {
  const prepare = client.prepare.bind(client);
  client.prepare = ((source: string) => {
    const statement = prepare(source);
    if (!statement.readonly && statement.reader) {
      statement.get = (...parameters: unknown[]) => statement.all(...parameters)[0];
    }
    return statement;
  }) as typeof client.prepare;
}

/** Under its name only when it has a first page: an empty file is one that has lost what it held. */
function makeFile(path: string): void {
  const part = partOf(path);
  try {
    const made = new Database(part);
    made.pragma("journal_mode = WAL");
    made.close();
    giveToOwner(part, dirname(path));
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asStoreError(error, path);
  } finally {
    rmSync(part, { force: true });
  }
}

function connect(path: string, options: Database.Options): Database.Database {
  try {
    refuseEmpty(path);
    return new Database(path, { timeout: 5_000, ...options });
  } catch (error) {
    throw asStoreError(error, path);
  }
}

interface MigrationJournal {
  entries: { when: number; tag: string }[];
}

const journalOf = (migrationsDir: string): MigrationJournal =>
  JSON.parse(
    readFileSync(join(migrationsDir, "meta", "_journal.json"), "utf8"),
  ) as MigrationJournal;

const lastKnownMigration = (migrationsDir: string): number =>
  Math.max(...journalOf(migrationsDir).entries.map((entry) => entry.when));

/** @param when the time of its last migration; one that was never released has no other name */
const nameOfSchema = (when: number, migrationsDir: string): string =>
  journalOf(migrationsDir).entries.find((entry) => entry.when === when)?.tag ?? String(when);

function lastAppliedMigration(client: Database.Database): number | null {
  const table = client
    .prepare("select 1 from sqlite_master where name = '__drizzle_migrations'")
    .get();
  if (!table) return null;
  const row = client.prepare("select max(created_at) as at from __drizzle_migrations").get() as {
    at: number | null;
  };
  return row.at === null ? null : Number(row.at);
}

export function isNewer(client: Database.Database, migrationsDir: string): boolean {
  const applied = lastAppliedMigration(client);
  return applied !== null && applied > lastKnownMigration(migrationsDir);
}

/** Whether a database with these tables is one of watchkeeper, of whatever version. */
export const isOurs = (tables: readonly string[]): boolean =>
  tables.includes("beats") && tables.includes("findings");

/** One in which nothing was made yet is ours: a process may have been killed at its first start. */
function refuseForeign(client: Database.Database, path: string): void {
  const tables = client
    .prepare(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite@_%' escape '@'",
    )
    .pluck()
    .all() as string[];
  const made = tables.filter((name) => name !== "__drizzle_migrations");
  if (made.length === 0 || isOurs(made)) return;
  throw new StoreError("DATABASE_FOREIGN", `${path} is no database of watchkeeper`, {
    hint: "Move it aside, or give another directory with --state DIR; nothing in it was changed",
  });
}

function refuseNewer(client: Database.Database, migrationsDir: string, path: string): void {
  if (!isNewer(client, migrationsDir)) return;
  throw new StoreError(
    "DATABASE_NEWER",
    `${path} was written by a newer version of watchkeeper than this one`,
    { hint: "Install that version again, or restore a backup made before the upgrade" },
  );
}

function refuseOlder(client: Database.Database, migrationsDir: string): void {
  if (lastAppliedMigration(client) === lastKnownMigration(migrationsDir)) return;
  throw new StoreError(
    "DATABASE_OLDER",
    "the database has not been brought to this version of watchkeeper yet",
    { hint: "Start the daemon once with `watchkeeper start`; it upgrades the file" },
  );
}
