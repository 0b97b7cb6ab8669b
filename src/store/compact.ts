import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { databasePath } from "./database.ts";
import { isRunning } from "./running.ts";
import { asStoreError } from "./store-errors.ts";

/** Making the file as small as what is in it, and trying something out on a copy of it. */

/**
 * Writes the file anew without its free room. The caller holds the lock of the state directory.
 * @throws StoreError when there is not as much room beside it as it holds
 */
export function compact(stateDir: string): { readonly before: number; readonly after: number } {
  const path = databasePath(stateDir);
  const before = statSync(path).size;
  let client: Database.Database | undefined;
  try {
    client = new Database(path, { fileMustExist: true, timeout: 5_000 });
    client.pragma("synchronous = FULL");
    client.exec("vacuum");
    client.pragma("wal_checkpoint(truncate)");
    return { before, after: statSync(path).size };
  } catch (error) {
    throw asStoreError(error, path);
  } finally {
    client?.close();
  }
}

const trialPrefix = "trial-";
const trialName = new RegExp(`^${trialPrefix}(\\d+)$`);

/**
 * A state directory of its own with a copy of the database in it, gone when it is disposed of; what a process
 * that was killed has left is removed. @throws StoreError when there is no room for it
 */
export function copyForTrial(stateDir: string): Disposable & { readonly stateDir: string } {
  for (const name of readdirSync(stateDir)) {
    const pid = Number(trialName.exec(name)?.[1] ?? Number.NaN);
    if (pid === process.pid || (pid > 0 && !isRunning(pid))) forget(join(stateDir, name));
  }
  const place = join(stateDir, `${trialPrefix}${process.pid}`);
  const path = databasePath(stateDir);
  let client: Database.Database | undefined;
  try {
    mkdirSync(place, { mode: 0o700 });
    const copy = databasePath(place);
    // Made by us first, so that nobody else can ever read it.
    closeSync(openSync(copy, "wx", 0o600));
    client = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    client.prepare("vacuum into ?").run(copy);
    return { stateDir: place, [Symbol.dispose]: () => forget(place) };
  } catch (error) {
    if (existsSync(place)) forget(place);
    throw asStoreError(error, path);
  } finally {
    client?.close();
  }
}

const forget = (place: string): void => rmSync(place, { recursive: true, force: true });
