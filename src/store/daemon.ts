import { eq, isNull } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { Store } from "./port.ts";
import { beats, daemon, deliveries, runs } from "./schema.ts";

/** The daemon's own row, and what a daemon that was killed left half done. */

const killed = "the process was stopped before it finished";

export function daemonWrites(
  db: Db,
): Pick<Store, "recordStart" | "recordSkillsOff" | "recordStop"> {
  return {
    async recordStart({ at, ...started }) {
      return db.transaction(() => {
        const row = { ...started, startedAt: at, stoppedAt: null, skillsOff: [] };
        db.insert(daemon)
          .values({ id: 1, ...row })
          .onConflictDoUpdate({ target: daemon.id, set: row })
          .run();
        db.update(beats)
          .set({ outcome: "failed", finishedAt: at, error: killed })
          .where(isNull(beats.finishedAt))
          .run();
        const interrupted = db
          .update(runs)
          .set({ outcome: "interrupted", finishedAt: at, error: killed })
          .where(isNull(runs.finishedAt))
          .run();
        db.update(deliveries)
          .set({ state: "failed", lastError: killed, updatedAt: at })
          .where(eq(deliveries.state, "sending"))
          .run();
        return { interruptedRuns: interrupted.changes };
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
