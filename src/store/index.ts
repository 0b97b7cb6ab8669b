import type { StoreError } from "../domain/errors.ts";
import { databasePath, openDatabase, openDatabaseReadonly, type Db } from "./database.ts";
import { beatReads, beatWrites } from "./beats.ts";
import { approvalReads, approvalWrites } from "./approvals.ts";
import { effectReads, effectWrites } from "./effects.ts";
import { checkWrites } from "./checks.ts";
import { daemonWrites } from "./daemon.ts";
import { dayReads } from "./days.ts";
import { deliveryWrites } from "./deliveries.ts";
import { findingReads, findingWrites } from "./findings.ts";
import { lookReads, lookWrites } from "./looks.ts";
import { memoryReads, memoryWrites } from "./memories.ts";
import { notificationReads, notificationWrites } from "./notifications.ts";
import type { Lock } from "./lock.ts";
import type { Store, StoreReader } from "./port.ts";
import { pushReads, pushWrites } from "./pushes.ts";
import { ownFindingWrites } from "./own-findings.ts";
import { runReads, runWrites } from "./runs.ts";
import { spendReads, spendWrites } from "./spend.ts";
import { tellingReads } from "./tellings.ts";
import { toolReads, toolWrites } from "./tool-pins.ts";
import { statusReads } from "./status.ts";
import { sameFiles } from "./same-files.ts";
import { withStoreErrors, type Footing } from "./store-errors.ts";
import { totalsReads } from "./totals.ts";

export { backUp, restore, type BackupStep } from "./backup.ts";
export { checkFile } from "./check-file.ts";
export { acquireLock, isLocked, type Lock } from "./lock.ts";
export type * from "./port.ts";

export interface StoreLocation {
  readonly stateDir: string;
  /** The folder of the generated SQL migrations. */
  readonly migrationsDir: string;
}

/** For whoever holds the lock of the state directory, and with it the store for as long as it runs. */
export interface StoreHold {
  readonly lock: Lock;
  /** Told once: the file is damaged or gone, and every call of the store is refused from now on. */
  readonly onLost: (error: StoreError) => void;
  /** Told of each error that concerns the store as a whole. */
  readonly onError: (error: StoreError) => void;
}

/**
 * Opens the store for writing; the caller holds the lock of the state directory or writes only the
 * owner's word.
 * @param hold with it the file is looked through for damage first
 * @throws StoreError when the file cannot be used.
 */
export function openStore({ stateDir, migrationsDir }: StoreLocation, hold?: StoreHold): Store {
  const db = openDatabase(stateDir, migrationsDir, { examine: hold !== undefined });
  const store: Store = {
    ...readerOf(db),
    ...daemonWrites(db),
    ...checkWrites(db),
    ...effectWrites(db),
    ...approvalWrites(db),
    ...lookWrites(db),
    ...memoryWrites(db),
    ...pushWrites(db),
    ...beatWrites(db),
    ...runWrites(db),
    ...spendWrites(db),
    ...ownFindingWrites(db),
    ...findingWrites(db),
    ...notificationWrites(db),
    ...deliveryWrites(db),
    ...tellingReads(db),
    ...toolWrites(db),
  };
  const path = databasePath(stateDir);
  return withStoreErrors(store, path, hold && footingOf(path, hold));
}

function footingOf(path: string, { lock, onLost, onError }: StoreHold): Footing {
  // As long as this connection is open, SQLite keeps its log and the index of it as well.
  const whyOthers = sameFiles(["", "-wal", "-shm"].map((end) => path + end));
  let lost: StoreError | null = null;
  const lose = (error: StoreError): StoreError => {
    if (!lost) onLost(error);
    return (lost ??= error);
  };
  return {
    whyLost() {
      if (lost) return lost;
      const why = whyOthers() ?? lock.whyLost();
      return why && lose(why);
    },
    met(error) {
      onError(error);
      if (error.code === "DATABASE_DAMAGED") lose(error);
    },
  };
}

/**
 * Opens the store for commands that only look; works beside a running daemon.
 * @returns undefined when nothing was ever saved there.
 */
export function openStoreReader({
  stateDir,
  migrationsDir,
}: StoreLocation): StoreReader | undefined {
  const db = openDatabaseReadonly(stateDir, migrationsDir);
  return db && withStoreErrors(readerOf(db), databasePath(stateDir));
}

function readerOf(db: Db): StoreReader {
  return {
    ...statusReads(db),
    ...totalsReads(db),
    ...beatReads(db),
    ...runReads(db),
    ...spendReads(db),
    ...findingReads(db),
    ...effectReads(db),
    ...approvalReads(db),
    ...notificationReads(db),
    ...lookReads(db),
    ...toolReads(db),
    ...memoryReads(db),
    ...dayReads(db),
    ...pushReads(db),
    async [Symbol.asyncDispose]() {
      db.$client.close();
    },
  };
}
