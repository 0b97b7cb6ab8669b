import Database from "better-sqlite3";
import type { StoreError } from "../domain/errors.ts";
import type { Upgrade } from "./database.ts";
import type { Lock } from "./lock.ts";
import { sameFiles } from "./same-files.ts";
import type { Footing } from "./store-errors.ts";

/** What a daemon's store stands on: whether it still may be written, and that a damaged file is left as it is. */

/** For whoever holds the lock of the state directory, and with it the store for as long as it runs. */
export interface StoreHold {
  readonly lock: Lock;
  /** Told once: the file is damaged or gone, and every call of the store is refused from now on. */
  readonly onLost: (error: StoreError) => void;
  /** Told of each error that concerns the store as a whole. */
  readonly onError: (error: StoreError) => void;
  /** Told of it at the opening. */
  readonly onUpgraded?: (upgrade: Upgrade) => void;
}

// A connection that nobody refers to is collected, and closed.
const kept = new Set<Database.Database>();

export function createFooting(path: string, { lock, onLost, onError }: StoreHold): Footing {
  // The last connection that closes folds the log into the file: as long as this one is open, none does.
  const keeper = new Database(path, { readonly: true, fileMustExist: true });
  kept.add(keeper);
  keeper.prepare("select count(*) from sqlite_schema").get();
  // As long as a connection is open, SQLite keeps its log and the index of it as well.
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
    closing() {
      // The end of the process closes it: one that may only read folds nothing.
      if (lost) return;
      kept.delete(keeper);
      keeper.close();
    },
  };
}
