import { asc, desc, eq, ne, sql } from "drizzle-orm";
import { checkColumns } from "./checks.ts";
import { listChannels } from "./deliveries.ts";
import type { Db } from "./database.ts";
import type { DaemonRecord, StoreReader } from "./port.ts";
import { approvals, beats, checks, daemon, findings, notifications } from "./schema.ts";

/** The one screen of `watchkeeper status`, read in one go. */
export function statusReads(db: Db): Pick<StoreReader, "status" | "timezone"> {
  const count = sql<number>`count(*)`;
  return {
    async timezone() {
      const row = db
        .select({ timezone: daemon.timezone })
        .from(daemon)
        .where(eq(daemon.id, 1))
        .get();
      return row?.timezone ?? null;
    },

    async status() {
      // One transaction, so that the numbers belong together while a daemon writes.
      return db.transaction(() => ({
        daemon: (db.select().from(daemon).where(eq(daemon.id, 1)).get() ??
          null) as DaemonRecord | null,
        lastBeat:
          db
            .select({
              id: beats.id,
              outcome: beats.outcome,
              startedAt: beats.startedAt,
              finishedAt: beats.finishedAt,
            })
            .from(beats)
            .where(sql`${beats.outcome} is not 'missed'`)
            .orderBy(desc(beats.id))
            .limit(1)
            .get() ?? null,
        checks: db.select(checkColumns).from(checks).orderBy(asc(checks.name)).all(),
        openFindings:
          db.select({ count }).from(findings).where(ne(findings.status, "resolved")).get()?.count ??
          0,
        pendingApprovals:
          db
            .select({ count })
            .from(approvals)
            .where(sql`${approvals.status} = 'pending'`)
            .get()?.count ?? 0,
        undelivered:
          db
            .select({ count })
            .from(notifications)
            .where(sql`${notifications.state} = 'ready'`)
            .get()?.count ?? 0,
        channels: listChannels(db),
      }));
    },
  };
}
