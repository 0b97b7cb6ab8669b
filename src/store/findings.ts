import { and, asc, desc, eq, getTableColumns, gt, lte, ne, sql } from "drizzle-orm";
import type { Finding } from "../domain/finding.ts";
import { isOneOf, type Db } from "./database.ts";
import type { Store, StoreReader } from "./port.ts";
import { findings, observations } from "./schema.ts";

/** Findings: what is open, what waits for a verdict, and the owner's word on them. */

type FindingReads = Pick<
  StoreReader,
  "listFindings" | "getFindings" | "pendingFindings" | "toldFindings"
>;
type FindingWrites = Pick<Store, "acknowledge" | "snooze" | "wakeSnoozed">;

const bySeverity = sql`case ${findings.severity}
  when 'critical' then 0 when 'warning' then 1 when 'notice' then 2 else 3 end`;

export function findingReads(db: Db): FindingReads {
  const pending = db
    .select({ ...getTableColumns(findings), closesAt: observations.closesAt })
    .from(findings)
    // A key that is seen anew has another finding: what is known of it is not this one's.
    .leftJoin(
      observations,
      and(
        eq(observations.check, findings.check),
        eq(observations.key, findings.key),
        eq(observations.findingId, findings.id),
      ),
    )
    .where(gt(findings.revision, findings.handledRevision))
    .orderBy(sql`${findings.toldRevision} >= ${findings.revision}`, bySeverity, asc(findings.id))
    .limit(sql.placeholder("limit"))
    .prepare();
  return {
    async listFindings({ all, limit }) {
      const query = db.select().from(findings).$dynamic();
      if (all) return query.orderBy(desc(findings.id)).limit(limit).all();
      return query
        .where(ne(findings.status, "resolved"))
        .orderBy(bySeverity, desc(findings.changedAt), desc(findings.id))
        .limit(limit)
        .all();
    },
    async toldFindings({ without, limit }) {
      return db
        .select({
          id: findings.id,
          skill: findings.skill,
          check: findings.check,
          severity: findings.severity,
          status: findings.status,
          openedAt: findings.openedAt,
        })
        .from(findings)
        .where(
          and(
            ne(findings.status, "resolved"),
            gt(findings.toldRevision, 0),
            ne(findings.skill, without),
          ),
        )
        .orderBy(bySeverity, desc(findings.id))
        .limit(limit)
        .all();
    },
    async getFindings(ids) {
      return db
        .select()
        .from(findings)
        .where(isOneOf(findings.id, ids))
        .orderBy(asc(findings.id))
        .all();
    },
    async pendingFindings(limit) {
      return pending.all({ limit });
    },
  };
}

export function findingWrites(db: Db): FindingWrites {
  const decide = (id: number, set: Partial<typeof findings.$inferInsert>): Finding | undefined =>
    db
      .update(findings)
      .set({ ...set, handledRevision: sql`${findings.revision}` })
      .where(and(eq(findings.id, id), ne(findings.status, "resolved")))
      .returning()
      .get();
  const wake = db
    .update(findings)
    .set({
      status: "open",
      revision: sql`${findings.revision} + 1`,
      changedAt: sql`${sql.placeholder("at")}`,
    })
    .where(and(eq(findings.status, "snoozed"), lte(findings.snoozedUntil, sql.placeholder("at"))))
    .prepare();
  return {
    async acknowledge(findingId, at) {
      return decide(findingId, { status: "acked", ackedAt: at, snoozedUntil: null });
    },
    async snooze(findingId, until) {
      return decide(findingId, { status: "snoozed", snoozedUntil: until, ackedAt: null });
    },
    async wakeSnoozed(at) {
      wake.run({ at });
    },
  };
}
