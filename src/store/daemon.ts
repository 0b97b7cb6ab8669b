import { eq, isNull } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { Store } from "./port.ts";
import { renewDeliveries } from "./deliveries.ts";
import { beats, daemon } from "./schema.ts";
import { settleLeftOver } from "./spend.ts";

/** The daemon's own row, and what a daemon that was killed left half done. */

const killed = "the process was stopped before it finished";

export function daemonWrites(
  db: Db,
): Pick<Store, "recordStart" | "recordSkillsOff" | "recordStop"> {
  return {
    async recordStart({ at, ...started }) {
      db.transaction(() => {
        const row = { ...started, startedAt: at, stoppedAt: null, skillsOff: [] };
        db.insert(daemon)
          .values({ id: 1, ...row })
          .onConflictDoUpdate({ target: daemon.id, set: row })
          .run();
        db.update(beats)
          .set({ outcome: "failed", finishedAt: at, error: killed })
          .where(isNull(beats.finishedAt))
          .run();
        settleLeftOver(db);
        renewDeliveries(db);
      });
    },

    async recordSkillsOff(skillsOff) {
      db.update(daemon).set({ skillsOff }).where(eq(daemon.id, 1)).run();
    },

    async recordStop(at) {
      db.update(daemon).set({ stoppedAt: at }).where(eq(daemon.id, 1)).run();
    },
  };
}
