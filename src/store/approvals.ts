import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNull,
  lte,
  ne,
  or,
  sql,
} from "drizzle-orm";
import { writing, type Db } from "./database.ts";
import type { AnsweredCall, ApprovalRecord, Store, StoreReader } from "./port.ts";
import { approvals, effects, notifications, stopButton } from "./schema.ts";

/** What waits for the owner's word, and the owner's stop button. */

type ApprovalReads = Pick<
  StoreReader,
  | "listApprovals"
  | "listApprovalClaims"
  | "getApproval"
  | "answeredCalls"
  | "approvalsInDigest"
  | "pausedAt"
>;
type ApprovalWrites = Pick<
  Store,
  "addApproval" | "decideApproval" | "expireApprovals" | "approvedCalls" | "pause" | "resume"
>;

const mostClaims = 500;

const withEffect = (db: Db) =>
  db
    .select({ ...getTableColumns(approvals), effectId: effects.id })
    .from(approvals)
    .leftJoin(effects, eq(effects.approvalId, approvals.id));

export function approvalReads(db: Db): ApprovalReads {
  const pressed = db.select().from(stopButton).where(eq(stopButton.id, 1)).prepare();
  return {
    async listApprovals({ all, limit }): Promise<ApprovalRecord[]> {
      const query = withEffect(db).$dynamic();
      return all
        ? query.orderBy(desc(approvals.id)).limit(limit).all()
        : query
            .where(eq(approvals.status, "pending"))
            .orderBy(asc(approvals.id))
            .limit(limit)
            .all();
    },
    async listApprovalClaims({ expiringAfter }) {
      const { id, argumentsHash, expiresAt, status } = approvals;
      return db
        .select({ id, argumentsHash, expiresAt, status })
        .from(approvals)
        .where(gt(expiresAt, expiringAfter))
        .orderBy(desc(id))
        .limit(mostClaims)
        .all();
    },
    async getApproval(id) {
      return withEffect(db).where(eq(approvals.id, id)).get();
    },
    async answeredCalls({ since, limit }): Promise<AnsweredCall[]> {
      const { state, error, finishedAt, undoBegunAt, undoneAt } = effects;
      return db
        .select({
          ...getTableColumns(approvals),
          effectId: effects.id,
          outcome: { state, error, finishedAt, undoBegunAt, undoneAt },
        })
        .from(approvals)
        .leftJoin(effects, eq(effects.approvalId, approvals.id))
        .where(
          and(inArray(approvals.status, ["approved", "denied"]), gte(approvals.decidedAt, since)),
        )
        .orderBy(desc(approvals.decidedAt), desc(approvals.id))
        .limit(limit)
        .all()
        .flatMap(({ status, decidedAt, ...call }): AnsweredCall[] =>
          (status === "approved" || status === "denied") && decidedAt !== null
            ? [{ ...call, status, decidedAt }]
            : [],
        );
    },
    async approvalsInDigest(notificationId) {
      return withEffect(db)
        .innerJoin(notifications, eq(notifications.approvalId, approvals.id))
        .where(eq(notifications.foldedInto, notificationId))
        .orderBy(asc(approvals.id))
        .all();
    },
    async pausedAt(now) {
      const row = pressed.get();
      if (!row || (row.until !== null && row.until <= now)) return null;
      return { pausedAt: row.pausedAt, until: row.until, reason: row.reason };
    },
  };
}

export function approvalWrites(db: Db): ApprovalWrites {
  return {
    async addApproval(approval) {
      return db.transaction(() => {
        const { runId, argumentsHash, createdAt, trust } = approval;
        const same = eq(approvals.argumentsHash, argumentsHash);
        // Of a process that was killed after it had asked: a second word would do it a second time.
        const answered =
          runId === null
            ? undefined
            : db
                .select({ id: approvals.id, status: approvals.status })
                .from(approvals)
                .where(and(same, eq(approvals.runId, runId), ne(approvals.status, "pending")))
                .get();
        if (answered) return answered;
        const known = db
          .select({ id: approvals.id })
          .from(approvals)
          .where(and(same, eq(approvals.status, "pending"), gt(approvals.expiresAt, createdAt)))
          .get();
        if (!known) {
          const { id } = db
            .insert(approvals)
            .values(approval)
            .returning({ id: approvals.id })
            .get();
          return { id, status: "pending" };
        }
        if (trust === "untrusted") {
          db.update(approvals).set({ trust }).where(eq(approvals.id, known.id)).run();
        }
        return { id: known.id, status: "pending" };
      }, writing);
    },

    async decideApproval(id, { decision, note, at, shownHash, edited }) {
      return db.transaction(() => {
        const change = edited && { ...edited, editedFrom: approvals.arguments };
        const decided = db
          .update(approvals)
          .set({ status: decision, note, decidedAt: at, ...change })
          .where(
            and(
              eq(approvals.id, id),
              eq(approvals.status, "pending"),
              gt(approvals.expiresAt, at),
              shownHash === undefined ? undefined : eq(approvals.argumentsHash, shownHash),
            ),
          )
          .run();
        if (decided.changes === 0) return undefined;
        return withEffect(db).where(eq(approvals.id, id)).get();
      }, writing);
    },

    async expireApprovals(at) {
      const expired = db
        .update(approvals)
        .set({ status: "expired", decidedAt: at })
        // One that was asked further ahead than it lives was so by a clock that was set back since.
        .where(
          and(
            eq(approvals.status, "pending"),
            or(
              lte(approvals.expiresAt, at),
              sql`${approvals.createdAt} - ${at} > ${approvals.expiresAt} - ${approvals.createdAt}`,
            ),
          ),
        )
        .returning()
        .all();
      return expired.map((approval) => ({ ...approval, effectId: null }));
    },

    async approvedCalls() {
      return withEffect(db)
        .where(and(eq(approvals.status, "approved"), isNull(effects.id)))
        .orderBy(asc(approvals.id))
        .all();
    },

    async pause(pause) {
      db.insert(stopButton)
        .values({ id: 1, ...pause })
        .onConflictDoUpdate({ target: stopButton.id, set: pause })
        .run();
    },

    async resume() {
      db.delete(stopButton).where(eq(stopButton.id, 1)).run();
    },
  };
}
