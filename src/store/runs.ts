import { and, asc, desc, eq, isNotNull, isNull, max, sql } from "drizzle-orm";
import { isOneOf, type Db } from "./database.ts";
import { insertNotifications } from "./notifications.ts";
import type { RunBrief, RunRecord, Store, StoreReader, Verdicts } from "./port.ts";
import { effects, findingEvents, findings, runFindings, runs, steps } from "./schema.ts";

/** Runs, their journal of steps, and the verdicts they end with. */

type RunReads = Pick<StoreReader, "listRuns" | "getRun" | "recentRuns">;
type RunWrites = Pick<
  Store,
  | "beginRun"
  | "unfinishedRuns"
  | "noteUntrusted"
  | "beginStep"
  | "finishStep"
  | "finishRun"
  | "applyVerdicts"
>;

/** Of one run; more than anybody is shown. */
const mostEffects = 50;

export function runReads(db: Db): RunReads {
  function complete(rows: (typeof runs.$inferSelect)[]): RunRecord[] {
    const over = Map.groupBy(
      db
        .select({ runId: runFindings.runId, findingId: runFindings.findingId })
        .from(runFindings)
        .where(
          isOneOf(
            runFindings.runId,
            rows.map((row) => row.id),
          ),
        )
        .all(),
      (row) => row.runId,
    );
    return rows.map((row) => ({
      ...row,
      findings: (over.get(row.id) ?? []).map(({ findingId }) => findingId),
    }));
  }

  return {
    async listRuns({ limit }) {
      return complete(db.select().from(runs).orderBy(desc(runs.id)).limit(limit).all());
    },
    async recentRuns({ limit }) {
      const ended = db
        .select({ id: runs.id, finishedAt: runs.finishedAt, outcome: runs.outcome })
        .from(runs)
        .where(and(isNotNull(runs.finishedAt), isNotNull(runs.outcome)))
        .orderBy(desc(runs.id))
        .limit(limit)
        .all();
      return ended.map(({ id, finishedAt, outcome }): RunBrief => ({
        id,
        finishedAt: finishedAt ?? 0,
        outcome: outcome ?? "failed",
        verdicts: db
          .select({ findingId: runFindings.findingId, verdict: runFindings.verdict })
          .from(runFindings)
          .where(eq(runFindings.runId, id))
          .orderBy(asc(runFindings.findingId))
          .all()
          .flatMap(({ findingId, verdict }) => (verdict ? { findingId, verdict } : [])),
        effects: db
          .select({
            id: effects.id,
            tool: effects.tool,
            state: effects.state,
            undoneAt: effects.undoneAt,
          })
          .from(effects)
          .where(eq(effects.runId, id))
          .orderBy(asc(effects.id))
          .limit(mostEffects)
          .all(),
      }));
    },
    async getRun(id) {
      const run = complete(db.select().from(runs).where(eq(runs.id, id)).all())[0];
      if (!run) return undefined;
      const journal = db.select().from(steps).where(eq(steps.runId, id)).orderBy(asc(steps.index));
      return { ...run, steps: journal.all() };
    },
  };
}

export function runWrites(db: Db): RunWrites {
  const lastBeatOf = (over: readonly { readonly id: number }[]): number | null =>
    db
      .select({ beatId: max(findingEvents.beatId) })
      .from(findingEvents)
      .where(
        isOneOf(
          findingEvents.findingId,
          over.map(({ id }) => id),
        ),
      )
      .get()?.beatId ?? null;
  return {
    async beginRun({ beatId, at, model, promptVersion, readUntrusted, findings: over }) {
      return db.transaction(() => {
        const { id } = db
          .insert(runs)
          .values({
            beatId: beatId ?? lastBeatOf(over),
            startedAt: at,
            model,
            promptVersion,
            readUntrusted,
          })
          .returning({ id: runs.id })
          .get();
        for (const { id: findingId, revision } of over) {
          db.insert(runFindings).values({ runId: id, findingId, revision }).run();
        }
        return id;
      });
    },

    async unfinishedRuns() {
      const rows = db
        .select()
        .from(runs)
        .where(isNull(runs.finishedAt))
        .orderBy(asc(runs.id))
        .all();
      return rows.map((row) => {
        const over = db
          .select({ id: runFindings.findingId, revision: runFindings.revision })
          .from(runFindings)
          .where(eq(runFindings.runId, row.id))
          .all();
        const journal = db
          .select()
          .from(steps)
          .where(eq(steps.runId, row.id))
          .orderBy(asc(steps.index))
          .all();
        const run = { ...row, findings: over.map(({ id }) => id), steps: journal };
        return { run, findings: over };
      });
    },

    async noteUntrusted(runId) {
      db.update(runs).set({ readUntrusted: true }).where(eq(runs.id, runId)).run();
    },

    async beginStep(step) {
      return db.insert(steps).values(step).returning({ id: steps.id }).get().id;
    },

    async finishStep(stepId, { usage, ...result }) {
      db.update(steps)
        .set({ ...result, ...usage })
        .where(eq(steps.id, stepId))
        .run();
    },

    async finishRun(id, { outcome, error, summary, ...result }) {
      db.transaction(() => {
        db.update(runs)
          .set({ outcome, error, summary, finishedAt: result.at })
          .where(eq(runs.id, id))
          .run();
        saveVerdicts(db, id, result);
      });
    },

    async applyVerdicts(result) {
      db.transaction(() => saveVerdicts(db, null, result));
    },
  };
}

function saveVerdicts(
  db: Db,
  runId: number | null,
  { at, verdicts, notifications }: Verdicts,
): void {
  for (const { findingId, revision, verdict, decidedBy, message, told } of verdicts) {
    db.update(findings)
      .set({
        verdict,
        decidedBy,
        handledRevision: sql`max(${findings.handledRevision}, ${revision})`,
        ...(told ? { toldRevision: sql`max(${findings.toldRevision}, ${revision})` } : {}),
      })
      .where(eq(findings.id, findingId))
      .run();
    if (runId === null) continue;
    db.insert(runFindings)
      .values({ runId, findingId, revision, verdict, decidedBy, message })
      .onConflictDoUpdate({
        target: [runFindings.runId, runFindings.findingId],
        set: { verdict, decidedBy, message },
      })
      .run();
  }
  insertNotifications(db, runId, notifications, at);
}
