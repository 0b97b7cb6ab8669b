import { and, asc, eq, isNull, notInArray, sql } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { Store } from "./port.ts";
import { beats, checks, daemon, deliveries, runs } from "./schema.ts";

/** The daemon's own row and the rows of the checks it runs. */

export const checkColumns = {
  name: checks.name,
  skill: checks.skill,
  schedule: checks.schedule,
  enabled: checks.enabled,
  status: checks.status,
  nextDueAt: checks.nextDueAt,
  lastRunAt: checks.lastRunAt,
  lastOkAt: checks.lastOkAt,
  failingSince: checks.failingSince,
  consecutiveFailures: checks.consecutiveFailures,
  lastError: checks.lastError,
};

const killed = "the process was stopped before it finished";

export function checkQueries(
  db: Db,
): Pick<Store, "recordStart" | "recordStop" | "registerChecks"> {
  return {
    async recordStart({ at, ...started }) {
      return db.transaction(() => {
        const row = { ...started, startedAt: at, stoppedAt: null };
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

    async recordStop(at) {
      db.update(daemon).set({ stoppedAt: at }).where(eq(daemon.id, 1)).run();
    },

    async registerChecks(registrations) {
      return db.transaction(() => {
        for (const { name, skill, schedule } of registrations) {
          db.insert(checks)
            .values({ name, skill, schedule })
            .onConflictDoUpdate({
              target: checks.name,
              set: {
                skill,
                schedule,
                enabled: true,
                nextDueAt: sql`case when ${checks.schedule} = ${schedule} then ${checks.nextDueAt} end`,
              },
            })
            .run();
        }
        const names = registrations.map(({ name }) => name);
        db.update(checks)
          .set({ enabled: false })
          .where(and(eq(checks.enabled, true), notInArray(checks.name, names)))
          .run();
        return db
          .select(checkColumns)
          .from(checks)
          .where(eq(checks.enabled, true))
          .orderBy(asc(checks.name))
          .all();
      });
    },
  };
}
