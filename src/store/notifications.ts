import { and, asc, desc, eq, gte, inArray, lte, sql } from "drizzle-orm";
import { isOneOf, type Db } from "./database.ts";
import type { NewNotification, NotificationRecord, Store, StoreReader } from "./port.ts";
import { deliveries, findings, notifications, tellings } from "./schema.ts";

/** Notifications to the owner, the digest that some wait for, and their deliveries per channel. */

type NotificationReads = Pick<StoreReader, "listNotifications">;
type NotificationWrites = Pick<
  Store,
  | "tellNow"
  | "heldNotifications"
  | "nextDigestAt"
  | "foldIntoDigest"
  | "readyNotifications"
  | "beginDelivery"
  | "finishDelivery"
  | "countInterruptions"
>;

/** A delivery that was begun and neither done nor failed by then is taken for lost. */
const longestDeliveryMs = 10 * 60_000;

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
  };
}

export function notificationWrites(db: Db): NotificationWrites {
  const nextDigest = db
    .select({ at: sql<number | null>`min(${notifications.dueAt})` })
    .from(notifications)
    .where(eq(notifications.state, "held"))
    .prepare();
  const ready = db
    .select()
    .from(notifications)
    .where(eq(notifications.state, "ready"))
    .orderBy(asc(notifications.id))
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

    async heldNotifications(dueBefore) {
      return db
        .select()
        .from(notifications)
        .where(and(eq(notifications.state, "held"), lte(notifications.dueAt, dueBefore)))
        .orderBy(asc(notifications.id))
        .all()
        .map(asRecord);
    },

    async nextDigestAt() {
      return nextDigest.get()?.at ?? null;
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

    async readyNotifications() {
      return ready.all().map(asRecord);
    },

    async beginDelivery(notificationId, channel, at) {
      const begun = db
        .insert(deliveries)
        .values({ notificationId, channel, state: "sending", attempts: 1, updatedAt: at })
        .onConflictDoUpdate({
          target: [deliveries.notificationId, deliveries.channel],
          set: { state: "sending", attempts: sql`${deliveries.attempts} + 1`, updatedAt: at },
          setWhere: sql`${deliveries.state} = 'failed' or (${deliveries.state} = 'sending'
            and ${deliveries.updatedAt} <= ${at - longestDeliveryMs})`,
        })
        .run();
      return begun.changes > 0;
    },

    async finishDelivery(notificationId, channel, { at, error }) {
      db.transaction(() => {
        db.update(deliveries)
          .set({ state: error === null ? "sent" : "failed", lastError: error, updatedAt: at })
          .where(
            and(eq(deliveries.notificationId, notificationId), eq(deliveries.channel, channel)),
          )
          .run();
        if (error !== null) return;
        db.update(notifications)
          .set({ state: "delivered" })
          .where(eq(notifications.id, notificationId))
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
            inArray(notifications.kind, ["finding", "recovery", "notice", "reminder"]),
            sql`${notifications.state} in ('ready', 'delivered')`,
          ),
        )
        .get();
      return row?.count ?? 0;
    },
  };
}
