import { eq } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { Store, StoreReader } from "./port.ts";
import { pushes } from "./schema.ts";

/** The last word that came to each push address. */

export function pushReads(db: Db): Pick<StoreReader, "lastPushes"> {
  return {
    async lastPushes(skill) {
      return db.select().from(pushes).where(eq(pushes.skill, skill)).all();
    },
  };
}

export function pushWrites(db: Db): Pick<Store, "recordPush"> {
  return {
    async recordPush(push) {
      db.insert(pushes)
        .values(push)
        .onConflictDoUpdate({ target: [pushes.skill, pushes.name], set: push })
        .run();
    },
  };
}
