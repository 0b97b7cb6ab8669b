import { randomUUID } from "node:crypto";
import { and, asc, count, eq, inArray, isNull, ne, notInArray, sql } from "drizzle-orm";
import { channelsCheck } from "../domain/channel-health.ts";
import { writing, type Db } from "./database.ts";
import { closeQuietly, putOwnFinding } from "./own-findings.ts";
import type { ChannelRecord, DeliveryRecord, Store, UndeliveredRecord } from "./port.ts";
import { channels, deliveries, findings, notifications } from "./schema.ts";

/** The outbox: which channel has which notification, and how each channel stands. */

type DeliveryWrites = Pick<
  Store,
  "registerChannels" | "undelivered" | "moveDeliveries" | "beginDelivery" | "finishDelivery"
>;

/** Still tried, or to be found out. By this condition the index of the open ones is used. */
const isOpen = sql`${deliveries.state} in ('waiting', 'sending', 'failed')`;

/**
 * Within the transaction of a start. What failed is tried again at once: the owner may have mended it. Rows of
 * earlier versions get what those did not know.
 */
export function renewDeliveries(db: Db): void {
  db.update(deliveries).set({ nextAt: null }).where(isOpen).run();
  db.update(deliveries)
    .set({ key: sql`lower(hex(randomblob(16)))`, plannedAt: deliveries.updatedAt })
    .where(isNull(deliveries.key))
    .run();
}

/** Within a transaction of the caller's. */
export function listChannels(db: Db): ChannelRecord[] {
  const open = db
    .select({ channel: deliveries.channel, count: count() })
    .from(deliveries)
    .where(isOpen)
    .groupBy(deliveries.channel)
    .all();
  const waiting = new Map(open.map((row) => [row.channel, row.count]));
  return db
    .select()
    .from(channels)
    .orderBy(asc(channels.position))
    .all()
    .map(({ position: _, ...row }) => ({ ...row, waiting: waiting.get(row.name) ?? 0 }));
}

export function deliveryWrites(db: Db): DeliveryWrites {
  const ready = db
    .select({ id: notifications.id })
    .from(notifications)
    .where(eq(notifications.state, "ready"));
  const tried = db.select({ id: deliveries.notificationId }).from(deliveries).where(isOpen);
  const undelivered = db
    .select({ id: notifications.id, severity: notifications.severity, delivery: deliveries })
    .from(notifications)
    .leftJoin(deliveries, eq(deliveries.notificationId, notifications.id))
    .where(inArray(notifications.id, ready.union(tried)))
    .orderBy(asc(notifications.id), asc(deliveries.id))
    .prepare();
  return {
    async registerChannels(named, { at }) {
      return db.transaction(() => {
        const names = named.map(({ name }) => name);
        db.delete(channels).where(notInArray(channels.name, names)).run();
        for (const [position, { name, use, severity }] of named.entries()) {
          const set = { use, severity, position };
          db.insert(channels)
            .values({ name, ...set })
            .onConflictDoUpdate({ target: channels.name, set })
            .run();
        }
        closeQuietly(
          db,
          and(eq(findings.check, channelsCheck), notInArray(findings.key, names)),
          at,
        );
        return listChannels(db);
      }, writing);
    },

    async undelivered() {
      const byId = new Map<number, UndeliveredRecord & { deliveries: DeliveryRecord[] }>();
      for (const { id, severity, delivery } of undelivered.all()) {
        const one = byId.get(id) ?? { notificationId: id, severity, deliveries: [] };
        byId.set(id, one);
        if (delivery) one.deliveries.push({ ...delivery, key: delivery.key ?? "" });
      }
      return [...byId.values()];
    },

    async moveDeliveries(notificationId, { plan, end, settle, at, tell }) {
      db.transaction(() => {
        for (const { id, state } of end) {
          db.update(deliveries)
            .set({ state, nextAt: null, updatedAt: at })
            .where(and(eq(deliveries.id, id), isOpen))
            .run();
        }
        for (const channel of plan) {
          const row = { notificationId, channel, key: randomUUID(), plannedAt: at, updatedAt: at };
          db.insert(deliveries)
            .values({ ...row, state: "waiting" })
            .onConflictDoNothing()
            .run();
        }
        if (settle) {
          db.update(notifications)
            .set({ state: settle })
            .where(and(eq(notifications.id, notificationId), eq(notifications.state, "ready")))
            .run();
        }
        for (const finding of tell) putOwnFinding(db, finding);
      }, writing);
    },

    async beginDelivery(id, at) {
      const begun = db
        .update(deliveries)
        .set({ state: "sending", attempts: sql`${deliveries.attempts} + 1`, updatedAt: at })
        .where(and(eq(deliveries.id, id), inArray(deliveries.state, ["waiting", "failed"])))
        .run();
      return begun.changes > 0;
    },

    async finishDelivery(id, { at, state, error, nextAt, health }) {
      db.transaction(() => {
        const row = db
          .update(deliveries)
          .set({ state, lastError: error, nextAt, updatedAt: at })
          .where(and(eq(deliveries.id, id), eq(deliveries.state, "sending")))
          .returning()
          .get() as typeof deliveries.$inferSelect | undefined;
        if (!row) return;
        const channel = db.select().from(channels).where(eq(channels.name, row.channel)).get();
        if (state === "sent") settleSent(db, row.notificationId, channel?.use);
        if (!health || !channel) return;
        db.update(channels)
          .set({
            consecutiveFailures: health.consecutiveFailures,
            failingSince: health.failingSince,
            ...(state === "sent" ? { lastSentAt: at } : { lastError: error }),
          })
          .where(eq(channels.name, row.channel))
          .run();
        if (state !== "sent" || channel.failingSince === null) return;
        db.update(deliveries)
          .set({ nextAt: null })
          .where(and(eq(deliveries.channel, row.channel), isOpen))
          .run();
      }, writing);
    },
  };
}

/** The last resort is no channel of the owner's: as long as another is tried, its word does not count. */
function settleSent(db: Db, notificationId: number, use: ChannelRecord["use"] | undefined): void {
  if (use === "last-resort") return;
  db.update(notifications)
    .set({ state: "delivered" })
    .where(and(eq(notifications.id, notificationId), ne(notifications.state, "folded")))
    .run();
}
