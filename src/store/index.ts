import { databasePath, openDatabase, openDatabaseReadonly, type Db } from "./database.ts";
import { beatReads, beatWrites } from "./beats.ts";
import { approvalReads, approvalWrites } from "./approvals.ts";
import { effectReads, effectWrites } from "./effects.ts";
import { checkWrites } from "./checks.ts";
import { daemonWrites } from "./daemon.ts";
import { dayReads } from "./days.ts";
import { deliveryWrites } from "./deliveries.ts";
import { createFooting, type StoreHold } from "./footing.ts";
import { findingReads, findingWrites } from "./findings.ts";
import { lookReads, lookWrites } from "./looks.ts";
import { memoryReads, memoryWrites } from "./memories.ts";
import { notificationReads, notificationWrites } from "./notifications.ts";
import type { Store, StoreReader } from "./port.ts";
import { pushReads, pushWrites } from "./pushes.ts";
import { ownFindingWrites } from "./own-findings.ts";
import { runReads, runWrites } from "./runs.ts";
import { spendReads, spendWrites } from "./spend.ts";
import { tellingReads } from "./tellings.ts";
import { pruneWrites } from "./prune-slices.ts";
import { toolReads, toolWrites } from "./tool-pins.ts";
import { upkeepWrites } from "./upkeep.ts";
import { statusReads } from "./status.ts";
import { withStoreErrors } from "./store-errors.ts";
import { totalsReads } from "./totals.ts";

export { backUp, refuseSource, removeUnfinished, restore, type BackupStep } from "./backup.ts";
export { checkFile } from "./check-file.ts";
export { compact, copyForTrial } from "./compact.ts";
export { acquireLock, isLocked, type Lock } from "./lock.ts";
export { folderCause, makeFolder, removeEmpty } from "./make-folder.ts";
export { giveAllToOwner, giveToOwner } from "./ownership.ts";
export { prune, type PruneSummary } from "./prune.ts";
export type * from "./port.ts";

export interface StoreLocation {
  readonly stateDir: string;
  /** The folder of the generated SQL migrations. */
  readonly migrationsDir: string;
}

/**
 * Opens the store for writing; the caller holds the lock of the state directory or writes only the
 * owner's word.
 * @param hold with it the file is looked through for damage first
 * @throws StoreError when the file cannot be used.
 */
export function openStore({ stateDir, migrationsDir }: StoreLocation, hold?: StoreHold): Store {
  const examine = hold !== undefined;
  const db = openDatabase(stateDir, migrationsDir, { examine, onUpgraded: hold?.onUpgraded });
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
    ...pruneWrites(db),
    ...upkeepWrites(db),
  };
  const path = databasePath(stateDir);
  return withStoreErrors(store, path, hold && createFooting(path, hold));
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
