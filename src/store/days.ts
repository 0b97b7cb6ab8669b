import { and, asc, between, eq, gt, gte, lt, ne, or, sql, type SQL } from "drizzle-orm";
import type { AnySQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./database.ts";
import type { Portion, ReceiptLine, StoreReader } from "./port.ts";
import {
  approvals,
  beats,
  effects,
  findingEvents,
  findings,
  notifications,
  runs,
} from "./schema.ts";

/** All that happened on a day, for the daily log. */

export function dayReads(db: Db): Pick<StoreReader, "dayRecord"> {
  const countOf = (table: SQLiteTable, where: SQL | undefined): number =>
    db
      .select({ count: sql<number>`count(*)` })
      .from(table)
      .where(where)
      .get()?.count ?? 0;

  return {
    async dayRecord({ from, to, limit }) {
      const within = (column: AnySQLiteColumn) => between(column, from, to - 1);
      const portion = <Row>(
        table: SQLiteTable,
        where: SQL | undefined,
        rows: readonly Row[],
      ): Portion<Row> => ({
        rows,
        count: rows.length < limit ? rows.length : countOf(table, where),
      });
      const quiet = and(within(beats.startedAt), eq(beats.outcome, "quiet"));
      const news = and(
        within(beats.startedAt),
        or(eq(beats.outcome, "found"), eq(beats.outcome, "failed")),
      );
      const events = within(findingEvents.at);
      const ran = within(runs.startedAt);
      const done = within(effects.plannedAt);
      const asked = or(within(approvals.createdAt), within(approvals.decidedAt));
      // What a digest has taken in is told with it.
      const told = and(within(notifications.createdAt), ne(notifications.state, "folded"));
      return db.transaction(() => ({
        quietBeats: countOf(beats, quiet),
        beats: portion(
          beats,
          news,
          db
            .select({
              id: beats.id,
              startedAt: beats.startedAt,
              trigger: beats.trigger,
              outcome: beats.outcome,
              checks: beats.checks,
              findings: sql<number>`(select count(distinct e.finding_id) from finding_events e where e.beat_id = beats.id)`,
            })
            .from(beats)
            .where(news)
            .orderBy(asc(beats.id))
            .limit(limit)
            .all()
            .map((beat) => ({ ...beat, checks: (beat.checks ?? []) as ReceiptLine[] })),
        ),
        missed: db
          .select({ from: beats.startedAt, to: beats.finishedAt, count: beats.missedCount })
          .from(beats)
          .where(
            and(
              eq(beats.outcome, "missed"),
              lt(beats.startedAt, to),
              or(gt(beats.finishedAt, from), gte(beats.startedAt, from)),
            ),
          )
          .orderBy(asc(beats.startedAt))
          .limit(limit)
          .all()
          .map((row) => ({ from: row.from, to: row.to ?? row.from, count: row.count ?? 0 })),
        events: portion(
          findingEvents,
          events,
          db
            .select({
              findingId: findingEvents.findingId,
              check: findings.check,
              key: findings.key,
              state: findingEvents.state,
              severity: findingEvents.severity,
              title: findingEvents.title,
              at: findingEvents.at,
            })
            .from(findingEvents)
            .innerJoin(findings, eq(findings.id, findingEvents.findingId))
            .where(events)
            .orderBy(asc(findingEvents.at), asc(findingEvents.id))
            .limit(limit)
            .all(),
        ),
        runs: portion(
          runs,
          ran,
          db
            .select({
              id: runs.id,
              startedAt: runs.startedAt,
              outcome: runs.outcome,
              model: runs.model,
              costUsd: runs.costUsd,
              findings: sql<number>`(select count(*) from run_findings f where f.run_id = runs.id)`,
            })
            .from(runs)
            .where(ran)
            .orderBy(asc(runs.id))
            .limit(limit)
            .all(),
        ),
        effects: portion(
          effects,
          done,
          db
            .select({
              id: effects.id,
              tool: effects.tool,
              effect: effects.effect,
              state: effects.state,
              plannedAt: effects.plannedAt,
              undoneAt: effects.undoneAt,
              approvalId: effects.approvalId,
              runId: effects.runId,
              check: effects.check,
            })
            .from(effects)
            .where(done)
            .orderBy(asc(effects.id))
            .limit(limit)
            .all(),
        ),
        approvals: portion(
          approvals,
          asked,
          db
            .select({
              id: approvals.id,
              tool: approvals.tool,
              status: approvals.status,
              createdAt: approvals.createdAt,
              decidedAt: approvals.decidedAt,
            })
            .from(approvals)
            .where(asked)
            .orderBy(asc(approvals.id))
            .limit(limit)
            .all(),
        ),
        notifications: portion(
          notifications,
          told,
          db
            .select({
              id: notifications.id,
              kind: notifications.kind,
              state: notifications.state,
              severity: notifications.severity,
              title: notifications.title,
              createdAt: notifications.createdAt,
            })
            .from(notifications)
            .where(told)
            .orderBy(asc(notifications.id))
            .limit(limit)
            .all(),
        ),
        costUsd:
          db
            .select({ sum: sql<number>`coalesce(sum(${runs.costUsd}), 0)` })
            .from(runs)
            .where(ran)
            .get()?.sum ?? 0,
      }));
    },
  };
}
