import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { StoreError } from "../domain/errors.ts";
import { logDamage } from "./log-damage.ts";
import { asStoreError, damaged, restoreHint } from "./store-errors.ts";

/**
 * Looks a database through before a daemon writes to it. SQLite itself would begin anew in a file that was cut
 * to nothing, and pass over what it cannot read of the log: what had been saved would be gone without a word.
 */

/** @throws StoreError when something of it is lost; nothing is changed then */
export function examineFile(path: string): void {
  refuseEmpty(path);
  refuseDamagedLog(path);
  let client: Database.Database | undefined;
  try {
    // One that may write would fold the log into the file when it closes.
    client = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    const [first] = client.pragma("quick_check(1)") as { quick_check: string }[];
    const said = first?.quick_check;
    if (said !== "ok") throw damaged(path, new Error(said));
  } catch (error) {
    throw asStoreError(error, path);
  } finally {
    client?.close();
  }
}

/** @throws StoreError when the file is there and has nothing in it */
export function refuseEmpty(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size > 0) return;
  throw new StoreError("DATABASE_DAMAGED", `${path} is empty`, { hint: restoreHint });
}

/** A command that begins the log anew meanwhile makes it look like one that has lost its beginning. */
const looksAtLog = 3;

function refuseDamagedLog(path: string): void {
  const log = `${path}-wal`;
  let damage: string | null = null;
  for (let look = 0; look < looksAtLog; look += 1) {
    damage = damageIn(log);
    if (damage === null) return;
  }
  throw damaged(
    path,
    new Error(`${damage}; without its log (move ${log} aside) what was saved last is missing`),
  );
}

function damageIn(log: string): string | null {
  if (!existsSync(log)) return null;
  const descriptor = openSync(log, "r");
  try {
    return logDamage({
      length: fstatSync(descriptor).size,
      read(at, length) {
        const bytes = Buffer.alloc(length);
        readSync(descriptor, bytes, 0, length, at);
        return bytes;
      },
    });
  } finally {
    closeSync(descriptor);
  }
}
