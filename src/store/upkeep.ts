import { asc, eq } from "drizzle-orm";
import { upkeepTasks } from "../domain/upkeep.ts";
import type { Db } from "./database.ts";
import type { Store, UpkeepRecord } from "./port.ts";
import { upkeep } from "./schema.ts";

/** When the file was last cared for, and what came of it. */

type UpkeepWrites = Pick<Store, "beginUpkeep" | "recordUpkeep">;

/** Within a transaction of the caller's, or by itself. */
export const listUpkeep = (db: Db): UpkeepRecord[] =>
  db.select().from(upkeep).orderBy(asc(upkeep.name)).all();

export function upkeepWrites(db: Db): UpkeepWrites {
  return {
    async beginUpkeep(since) {
      return db.transaction(() => {
        for (const name of upkeepTasks) {
          db.insert(upkeep).values({ name, since }).onConflictDoNothing().run();
        }
        return listUpkeep(db);
      });
    },
    async recordUpkeep(name, { at, error, outcome }) {
      db.update(upkeep)
        .set({
          lastTriedAt: at,
          lastError: error,
          ...(error === null ? { lastOkAt: at, outcome } : {}),
        })
        .where(eq(upkeep.name, name))
        .run();
    },
  };
}
