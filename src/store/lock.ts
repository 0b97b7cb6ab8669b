import { chmodSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { StoreError } from "../domain/errors.ts";
import { prepareStateDir } from "./database.ts";
import { giveToOwner } from "./ownership.ts";
import { sameFiles } from "./same-files.ts";

/**
 * One daemon per state directory: an exclusive transaction held on a small database of its own. The
 * kernel frees it when the process dies, however it dies.
 */

export interface Lock {
  /** Why it keeps nobody out any more, or null: somebody has taken its file away. */
  whyLost(): StoreError | null;
  release(): void;
}

// A connection that nobody refers to is collected, and collecting it would free the lock.
const held = new Set<Database.Database>();

const lockPath = (stateDir: string): string => join(stateDir, "watchkeeper.lock");
const heldElsewhere = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");

/** @returns undefined when another process holds it. */
export function acquireLock(stateDir: string): Lock | undefined {
  prepareStateDir(stateDir);
  let lock: Database.Database | undefined;
  try {
    // Long enough to outlast somebody who only asks whether it is held.
    lock = new Database(lockPath(stateDir), { timeout: 300 });
    chmodSync(lockPath(stateDir), 0o600);
    giveToOwner(lockPath(stateDir), stateDir);
    lock.pragma("journal_mode = DELETE");
    lock.exec("begin exclusive");
  } catch (cause) {
    lock?.close();
    if (heldElsewhere(cause)) return undefined;
    throw new StoreError("LOCK_FAILED", `cannot lock the state directory ${stateDir}`, {
      cause,
      hint: "See that the directory belongs to the user that runs watchkeeper, and that its disk can be written and has room",
    });
  }
  const connection = lock;
  held.add(connection);
  return {
    whyLost: sameFiles([lockPath(stateDir)]),
    release() {
      held.delete(connection);
      connection.close();
    },
  };
}

/** Whether a daemon (or a command that does a daemon's work) holds the state directory. */
export function isLocked(stateDir: string): boolean {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(lockPath(stateDir), { readonly: true, fileMustExist: true, timeout: 0 });
    lock.prepare("select count(*) from sqlite_master").get();
    return false;
  } catch (error) {
    return heldElsewhere(error);
  } finally {
    lock?.close();
  }
}
