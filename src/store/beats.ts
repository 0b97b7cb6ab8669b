import { desc, eq, sql } from "drizzle-orm";
import { isOneOf, writing, type Db } from "./database.ts";
import type { BeatRecord, ReceiptLine, Store, StoreReader } from "./port.ts";
import { beats, findingEvents, runs } from "./schema.ts";

/** Beats and their receipts. */

type BeatReads = Pick<StoreReader, "listBeats" | "getBeat">;
type BeatWrites = Pick<Store, "beginBeat" | "finishBeat" | "amendBeat" | "recordMissed">;

export function beatReads(db: Db): BeatReads {
  function complete(rows: (typeof beats.$inferSelect)[]): BeatRecord[] {
    const ids = rows.map((row) => row.id);
    const found = Map.groupBy(
      db
        .selectDistinct({ beatId: findingEvents.beatId, findingId: findingEvents.findingId })
        .from(findingEvents)
        .where(isOneOf(findingEvents.beatId, ids))
        .all(),
      (row) => row.beatId,
    );
    const ran = Map.groupBy(
      db
        .select({ id: runs.id, beatId: runs.beatId, costUsd: runs.costUsd })
        .from(runs)
        .where(isOneOf(runs.beatId, ids))
        .all(),
      (row) => row.beatId,
    );
    return rows.map((row) => ({
      ...row,
      checks: (row.checks ?? []) as ReceiptLine[],
      findings: (found.get(row.id) ?? []).map(({ findingId }) => findingId),
      runId: ran.get(row.id)?.at(-1)?.id ?? null,
      costUsd: (ran.get(row.id) ?? []).reduce((sum, run) => sum + run.costUsd, 0),
    }));
  }

  return {
    async listBeats({ limit }) {
      return complete(db.select().from(beats).orderBy(desc(beats.id)).limit(limit).all());
    },
    async getBeat(id) {
      return complete(db.select().from(beats).where(eq(beats.id, id)).all())[0];
    },
  };
}

export function beatWrites(db: Db): BeatWrites {
  const begin = db
    .insert(beats)
    .values({ trigger: sql.placeholder("trigger"), startedAt: sql.placeholder("at") })
    .returning({ id: beats.id })
    .prepare();
  const finish = db
    .update(beats)
    .set({
      finishedAt: sql`${sql.placeholder("at")}`,
      outcome: sql`${sql.placeholder("outcome")}`,
      checks: sql`${sql.placeholder("checks")}`,
      error: sql`${sql.placeholder("error")}`,
    })
    .where(eq(beats.id, sql.placeholder("id")))
    .prepare();
  return {
    async beginBeat({ trigger, at }) {
      return begin.get({ trigger, at }).id;
    },
    async finishBeat(id, { at, outcome, checks, error }) {
      finish.run({ id, at, outcome, checks: JSON.stringify(checks), error });
    },
    async amendBeat(id, { line, found }) {
      db.transaction(() => {
        const beat = db.select().from(beats).where(eq(beats.id, id)).get();
        if (!beat) return;
        const lines = (beat.checks ?? []) as ReceiptLine[];
        const outcome = found && beat.outcome === "quiet" ? "found" : beat.outcome;
        const amended = lines.map((before) => (before.name === line.name ? line : before));
        db.update(beats).set({ checks: amended, outcome }).where(eq(beats.id, id)).run();
      }, writing);
    },
    async recordMissed({ from, to, count }) {
      return db
        .insert(beats)
        .values({
          trigger: "catch-up",
          outcome: "missed",
          startedAt: from,
          finishedAt: to,
          missedCount: count,
          checks: [],
        })
        .returning({ id: beats.id })
        .get().id;
    },
  };
}
