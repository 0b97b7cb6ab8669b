import { asc, eq, gt, or, sql } from "drizzle-orm";
import { upkeepTasks } from "../domain/upkeep.ts";
import { writing, type Db } from "./database.ts";
import type { Store, UpkeepRecord } from "./port.ts";
import { upkeep } from "./schema.ts";

/** When the file was last cared for, and what came of it. */

type UpkeepWrites = Pick<Store, "beginUpkeep" | "recordUpkeep">;

/** Within a transaction of the caller's, or by itself. */
export const listUpkeep = (db: Db): UpkeepRecord[] =>
  db.select().from(upkeep).orderBy(asc(upkeep.name)).all();

/** Once: a time that is brought back at every look at it would move along with the clock. */
const broughtBack = (now: number) => ({
  since: sql`min(${upkeep.since}, ${now})`,
  lastTriedAt: sql`min(${upkeep.lastTriedAt}, ${now})`,
  lastOkAt: sql`min(${upkeep.lastOkAt}, ${now})`,
});

const liesAhead = (now: number) =>
  or(gt(upkeep.since, now), gt(upkeep.lastTriedAt, now), gt(upkeep.lastOkAt, now));

export function upkeepWrites(db: Db): UpkeepWrites {
  return {
    async beginUpkeep(now) {
      return db.transaction(() => {
        for (const name of upkeepTasks) {
          db.insert(upkeep).values({ name, since: now }).onConflictDoNothing().run();
        }
        db.update(upkeep).set(broughtBack(now)).where(liesAhead(now)).run();
        return listUpkeep(db);
      }, writing);
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
