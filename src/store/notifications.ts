import { and, asc, desc, eq, gt, gte, inArray, lt, lte, or, sql } from "drizzle-orm";
import { longestDayMs } from "../domain/zoned-time.ts";
import { isOneOf, type Db } from "./database.ts";
import type { NewNotification, NotificationRecord, Store, StoreReader } from "./port.ts";
import { findings, notifications, tellings } from "./schema.ts";

/** Notifications to the owner, and the digest that some wait for. */

type NotificationReads = Pick<StoreReader, "listNotifications" | "getNotification">;
type NotificationWrites = Pick<
  Store,
  "tellNow" | "heldNotifications" | "nextDigestAt" | "foldIntoDigest" | "countInterruptions"
>;

/** For callers that are in a transaction already. */
export function insertNotifications(
  db: Db,
  runId: number | null,
  added: readonly NewNotification[],
  at: number,
): void {
  for (const notification of added) insertNotification(db, runId, notification, at);
}

/** @returns its id; undefined when the approval that it asks for was asked for before */
function insertNotification(
  db: Db,
  runId: number | null,
  { tellings: told = [], ...notification }: NewNotification,
  at: number,
): number | undefined {
  const row = db
    .insert(notifications)
    .values({ ...notification, runId, createdAt: at })
    .onConflictDoNothing({ target: notifications.approvalId })
    .returning({ id: notifications.id })
    .get() as { id: number } | undefined;
  if (!row) return undefined;
  for (const telling of told) {
    db.insert(tellings)
      .values({ ...telling, notificationId: row.id, at })
      .run();
  }
  return row.id;
}

const asRecord = (row: typeof notifications.$inferSelect): NotificationRecord => ({
  ...row,
  findings: row.findings as number[],
});

export function notificationReads(db: Db): NotificationReads {
  return {
    async listNotifications({ limit }) {
      return db
        .select()
        .from(notifications)
        .orderBy(desc(notifications.id))
        .limit(limit)
        .all()
        .map(asRecord);
    },
    async getNotification(id) {
      const row = db.select().from(notifications).where(eq(notifications.id, id)).get();
      return row && asRecord(row);
    },
  };
}

/** Nothing waits for longer: what seems to was held by a clock that was set back since. */
const longestHeldMs = 2 * longestDayMs;

export function notificationWrites(db: Db): NotificationWrites {
  const nextDigest = db
    .select({
      at: sql<
        number | null
      >`min(case when ${notifications.dueAt} > ${sql.placeholder("ahead")} then ${sql.placeholder("now")} else ${notifications.dueAt} end)`,
    })
    .from(notifications)
    .where(eq(notifications.state, "held"))
    .prepare();
  return {
    async tellNow({ notification, told, at }) {
      db.transaction(() => {
        for (const { findingId, revision } of told) {
          db.update(findings)
            .set({ toldRevision: sql`max(${findings.toldRevision}, ${revision})` })
            .where(eq(findings.id, findingId))
            .run();
        }
        insertNotifications(db, null, [notification], at);
      });
    },

    async heldNotifications(now) {
      return db
        .select()
        .from(notifications)
        .where(
          and(
            eq(notifications.state, "held"),
            or(lte(notifications.dueAt, now), gt(notifications.dueAt, now + longestHeldMs)),
          ),
        )
        .orderBy(asc(notifications.id))
        .all()
        .map(asRecord);
    },

    async nextDigestAt(now) {
      return nextDigest.get({ now, ahead: now + longestHeldMs })?.at ?? null;
    },

    async foldIntoDigest(ids, digest, at) {
      db.transaction(() => {
        const foldedInto = digest ? (insertNotification(db, null, digest, at) ?? null) : null;
        db.update(notifications)
          .set({ state: "folded", foldedInto })
          .where(and(isOneOf(notifications.id, ids), eq(notifications.state, "held")))
          .run();
      });
    },

    async countInterruptions(since) {
      const row = db
        .select({ count: sql<number>`count(*)` })
        .from(notifications)
        .where(
          and(
            gte(notifications.createdAt, since),
            lt(notifications.createdAt, since + longestDayMs),
            inArray(notifications.kind, ["finding", "recovery", "notice", "reminder"]),
            sql`${notifications.state} in ('ready', 'delivered', 'untold')`,
          ),
        )
        .get();
      return row?.count ?? 0;
    },
  };
}
