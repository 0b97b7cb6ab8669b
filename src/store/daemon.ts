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
): Pick<Store, "recordStart" | "recordSkillsOff" | "recordWeb" | "recordStop"> {
  return {
    async recordStart({ at, timezone = null, ...started }) {
      db.transaction(() => {
        const nothing = { stoppedAt: null, skillsOff: [], webUrl: null, webOff: null };
        const row = { ...started, ...nothing, timezone, startedAt: at };
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

    async recordWeb(web) {
      const found =
        "url" in web ? { webUrl: web.url, webOff: null } : { webUrl: null, webOff: web.off };
      db.update(daemon).set(found).where(eq(daemon.id, 1)).run();
    },

    async recordStop(at) {
      db.update(daemon).set({ stoppedAt: at }).where(eq(daemon.id, 1)).run();
    },
  };
}
