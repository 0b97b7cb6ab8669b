import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from "node:fs";
import { chmod, copyFile, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import Database from "better-sqlite3";
import { describeError, isWatchkeeperError, StoreError } from "../domain/errors.ts";
import { differences, readContent, readContentInTurns, type TableContent } from "./content.ts";
import { databasePath, hasDatabase, isNewer, isOurs } from "./database.ts";
import { giveToOwner } from "./ownership.ts";
import { partOf, removeAbandoned, withCompanions } from "./part-files.ts";
import { asStoreError, codeOf } from "./store-errors.ts";
import { syncFolder } from "./sync-folder.ts";

/** Copies of the database: made while the daemon writes, read back before they count, and put back. */

export interface BackupSummary {
  readonly file: string;
  readonly bytes: number;
  readonly tables: readonly TableContent[];
}

export type BackupStep =
  | { readonly step: "copy"; readonly share: number }
  | { readonly step: "verify"; readonly table: string };

/** About a megabyte: the copy goes on after others have had their turn. */
const pagesPerStep = 200;

export interface BackupOptions {
  readonly progress?: (step: BackupStep) => void;
  /** Ends the copy at once; nothing of it is left. */
  readonly signal?: AbortSignal;
}

/** A copy on a disk that several machines share may be under way on another one: there it would be written to. */
const abandonedAfterMs = 10 * 60_000;
const isAbandonedCopy = ({ mode, mtimeMs }: Stats): boolean =>
  (mode & 0o777) === 0o600 && Date.now() - mtimeMs > abandonedAfterMs;

/**
 * Copies the database as it stands at this moment, whatever is written meanwhile, and reads the copy back: every
 * table must hold the same rows. The file appears only when that is so; mode 0600.
 * @throws StoreError when there is nothing to copy, the place cannot be written, or the copy differs
 */
export async function backUp(
  stateDir: string,
  file: string,
  { progress = () => undefined, signal }: BackupOptions = {},
): Promise<BackupSummary> {
  const pause = async (): Promise<void> => {
    await nextTurn();
    signal?.throwIfAborted();
  };
  const target = resolve(file);
  const source = databasePath(stateDir);
  removeAbandoned(target, isAbandonedCopy);
  refuseTarget(target, stateDir);
  const part = partOf(target);
  using client = disposable(openReadonly(source));
  try {
    // One moment for the copy and for what it is compared with.
    client.exec("begin");
    client.prepare("select count(*) from sqlite_schema").get();
    // Made by us first, so that nobody else can ever read it.
    closeSync(openSync(part, "wx", 0o600));
    await client.backup(part, {
      progress({ totalPages, remainingPages }) {
        signal?.throwIfAborted();
        progress({ step: "copy", share: totalPages ? 1 - remainingPages / totalPages : 1 });
        return pagesPerStep;
      },
    });
    const expected = await readContentInTurns(client, {
      pause,
      progress: (table) => progress({ step: "verify", table }),
    });
    const tables = await sealAndRead(part, pause);
    const wrong = differences(expected, tables);
    if (wrong.length > 0) {
      throw new StoreError("BACKUP_DIFFERS", `the copy is not the same: ${wrong.join("; ")}`, {
        hint: "The disk may be failing: try another one",
      });
    }
    signal?.throwIfAborted();
    giveName(part, target);
    syncFolder(dirname(target));
    return { file: target, bytes: statSync(target).size, tables };
  } catch (error) {
    throw signal?.aborted ? error : asBackupError(error, target);
  } finally {
    for (const left of withCompanions(part)) rmSync(left, { force: true });
  }
}

export interface RestoreOptions {
  readonly migrationsDir: string;
  /** Goes into the name of what was there, such as `20261127-081500`. */
  readonly stamp: string;
  /** Ends it, as long as the database is as it was; nothing of it is left. */
  readonly signal?: AbortSignal;
}

export interface RestoreSummary {
  /** Where the database is that was in its place; null when there was none. */
  readonly kept: string | null;
  readonly tables: readonly TableContent[];
}

/**
 * Puts a backup in the place of the database. The caller holds the lock of the state directory. What was there
 * is kept beside it under another name.
 * @throws StoreError when the file is no backup of ours, is damaged, or of a newer version
 */
export async function restore(
  stateDir: string,
  file: string,
  { migrationsDir, stamp, signal }: RestoreOptions,
): Promise<RestoreSummary> {
  refuseSource(stateDir, file);
  const source = resolve(file);
  const path = databasePath(stateDir);
  const expected = readBackup(source, migrationsDir);
  const part = partOf(path);
  const pause = async (): Promise<void> => {
    await nextTurn();
    signal?.throwIfAborted();
  };
  try {
    removeUnfinished(stateDir);
    // A file of its own: a link that lies there is not followed.
    rmSync(part, { force: true });
    await copyFile(source, part, constants.COPYFILE_EXCL);
    await chmod(part, 0o600);
    giveToOwner(part, stateDir);
    const tables = await sealAndRead(part, pause);
    const wrong = differences(expected, tables);
    if (wrong.length > 0) {
      throw new StoreError("BACKUP_DIFFERS", `the copy is not the same: ${wrong.join("; ")}`, {
        hint: "The disk may be failing; the database is as it was",
      });
    }
    signal?.throwIfAborted();
    const kept = keepAside(path, stamp);
    renameSync(part, path);
    syncFolder(stateDir);
    return { kept, tables };
  } catch (error) {
    throw signal?.aborted ? error : asBackupError(error, path);
  } finally {
    for (const left of withCompanions(part)) rmSync(left, { force: true });
  }
}

/** What a restore that was killed has left. The caller holds the lock of the state directory: there is no other one. */
export function removeUnfinished(stateDir: string): void {
  removeAbandoned(databasePath(stateDir), () => true);
}

/**
 * What can be said of a backup before anything is opened or locked: a pipe would never come to its end.
 * @throws StoreError when there is no such file, or it is the database under whatever name
 */
export function refuseSource(stateDir: string, file: string): void {
  const source = resolve(file);
  const hint = "Name a file that `watchkeeper db backup` has made";
  const found = lookAt(source);
  if (!found) throw new StoreError("BACKUP_MISSING", `there is no file ${source}`, { hint });
  if (!found.isFile()) throw new StoreError("BACKUP_MISSING", `${source} is not a file`, { hint });
  if (!hasDatabase(stateDir)) return;
  const { dev, ino } = statSync(databasePath(stateDir));
  if (found.dev !== dev || found.ino !== ino) return;
  throw new StoreError("BACKUP_IS_DATABASE", `${source} is the database itself`, { hint });
}

function lookAt(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new StoreError("BACKUP_UNREADABLE", `cannot read ${file}: ${describeError(error)}`, {
      hint: "Name a file that you may read",
    });
  }
}

/** What a backup holds. @throws StoreError when it is none, or cannot be used by this version. */
function readBackup(file: string, migrationsDir: string): TableContent[] {
  using client = disposable(openReadonly(file));
  try {
    const content = readContent(client);
    if (!isOurs(content.map(({ table }) => table))) throw foreign(file);
    if (isNewer(client, migrationsDir)) {
      throw new StoreError(
        "BACKUP_NEWER",
        `${file} was written by a newer version of watchkeeper`,
        {
          hint: "Install that version again, then restore",
        },
      );
    }
    const damages = client.pragma("integrity_check(3)") as { integrity_check: string }[];
    if (damages[0]?.integrity_check !== "ok") {
      throw new StoreError("BACKUP_DAMAGED", `${file} is damaged`, {
        hint: "Take another backup; nothing was changed",
      });
    }
    return content;
  } catch (error) {
    if (isWatchkeeperError(error)) throw error;
    throw codeOf(error) === "SQLITE_NOTADB" ? foreign(file) : asStoreError(error, file);
  }
}

const foreign = (file: string): StoreError =>
  new StoreError("BACKUP_FOREIGN", `${file} is no database of watchkeeper`, {
    hint: "Name a file that `watchkeeper db backup` has made",
  });

/** Makes it one whole file, on the disk, and reads it back. */
async function sealAndRead(part: string, pause: () => Promise<void>): Promise<TableContent[]> {
  {
    using copy = disposable(new Database(part));
    // A copy has no log beside it that could be forgotten.
    copy.pragma("journal_mode = delete");
  }
  await using handle = await open(part, "r+");
  await handle.sync();
  using copy = disposable(new Database(part, { readonly: true }));
  return await readContentInTurns(copy, { pause });
}

/**
 * Gives the database another name, and its log with it; a damaged one as it is. It has its own name as well until
 * another file takes that: a daemon that found none there would begin anew.
 */
function keepAside(path: string, stamp: string): string | null {
  if (!existsSync(path)) return null;
  foldLog(path);
  const kept = freeName(`${path}.before-restore-${stamp}`);
  linkSync(path, kept);
  for (const end of ["-wal", "-shm"]) {
    if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${kept}${end}`);
  }
  return kept;
}

/** Of two restores in one second neither takes the place of what the other has kept. */
function freeName(name: string, count = 1): string {
  const tried = count === 1 ? name : `${name}-${count}`;
  const taken = ["", "-wal", "-shm"].some((end) => existsSync(tried + end));
  return taken ? freeName(name, count + 1) : tried;
}

function foldLog(path: string): void {
  // Beside a file that has lost all it held, SQLite would throw the log away.
  if (statSync(path).size === 0) return;
  try {
    using client = disposable(new Database(path));
    client.pragma("wal_checkpoint(truncate)");
  } catch {
    // It is damaged: the log is kept beside it.
  }
}

function refuseTarget(target: string, stateDir: string): void {
  if (!hasDatabase(stateDir)) {
    const source = databasePath(stateDir);
    throw new StoreError("BACKUP_OF_NOTHING", `there is no database at ${source} yet`, {
      hint: "Start the daemon once, or name its directory with --state DIR",
    });
  }
  if (existsSync(target)) throw isThere(target);
  if (!existsSync(dirname(target)) || !statSync(dirname(target)).isDirectory()) {
    throw new StoreError("BACKUP_PLACE", `there is no folder ${dirname(target)}`, {
      hint: "Make it first, or name another place",
    });
  }
}

const isThere = (target: string): StoreError =>
  new StoreError("BACKUP_EXISTS", `${target} is there already`, {
    hint: "Name another file; a backup never overwrites",
  });

/** Not over a file that has come since either. */
function giveName(part: string, target: string): void {
  try {
    linkSync(part, target);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw isThere(target);
    // Not every file system knows links; such a one is fit for a copy all the same.
    renameSync(part, target);
  }
}

function openReadonly(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
  } catch (error) {
    throw asStoreError(error, path);
  }
}

function asBackupError(error: unknown, target: string): unknown {
  if (isWatchkeeperError(error)) return error;
  if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error))) return asStoreError(error, target);
  return new StoreError("BACKUP_FAILED", `cannot write ${target}: ${describeError(error)}`, {
    hint: "See that the place exists, is yours and has room; nothing else was changed",
  });
}

const disposable = (client: Database.Database): Database.Database & Disposable =>
  Object.assign(client, { [Symbol.dispose]: () => void client.close() });
