import {
  and,
  asc,
  between,
  desc,
  eq,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  or,
  sql,
} from "drizzle-orm";
import { usedUp } from "../domain/policy.ts";
import { longestDayMs } from "../domain/zoned-time.ts";
import { isOneOf, writing, type Db } from "./database.ts";
import type { EffectRecord, Store, StoreReader } from "./port.ts";
import { putOwnFinding } from "./own-findings.ts";
import { effects, runFindings, runs } from "./schema.ts";

/** The write-ahead journal of what tools do: intent before, outcome after. */

type EffectReads = Pick<
  StoreReader,
  | "getEffect"
  | "getEffectByKey"
  | "listEffects"
  | "ruleEffects"
  | "listStandingWrites"
  | "effectsOfGivenUpRuns"
  | "grantUses"
>;
type EffectWrites = Pick<
  Store,
  | "planEffect"
  | "markEffectSent"
  | "finishEffect"
  | "unsettledEffects"
  | "plannedActions"
  | "beginUndo"
  | "finishUndo"
  | "failUndo"
  | "unfinishedUndos"
>;

export function effectReads(db: Db): EffectReads {
  return {
    async getEffect(id) {
      return db.select().from(effects).where(eq(effects.id, id)).get();
    },
    async getEffectByKey(key) {
      return db.select().from(effects).where(eq(effects.idempotencyKey, key)).get();
    },
    async listEffects({ limit }): Promise<EffectRecord[]> {
      return db.select().from(effects).orderBy(desc(effects.id)).limit(limit).all();
    },
    async ruleEffects({ from, to, limit }): Promise<EffectRecord[]> {
      return db
        .select()
        .from(effects)
        .where(and(isNotNull(effects.check), between(effects.plannedAt, from, to)))
        .orderBy(asc(effects.id))
        .limit(limit)
        .all();
    },
    async listStandingWrites({ limit }): Promise<EffectRecord[]> {
      const stands = and(
        eq(effects.effect, "write"),
        eq(effects.state, "done"),
        isNull(effects.undoneAt),
      );
      return db.select().from(effects).where(stands).orderBy(desc(effects.id)).limit(limit).all();
    },
    async effectsOfGivenUpRuns(findingIds): Promise<EffectRecord[]> {
      const over = db
        .select({ id: runs.id })
        .from(runs)
        .innerJoin(runFindings, eq(runFindings.runId, runs.id))
        .where(and(eq(runs.outcome, "interrupted"), isOneOf(runFindings.findingId, findingIds)));
      return db
        .select()
        .from(effects)
        .where(
          and(
            inArray(effects.runId, over),
            isNull(effects.approvalId),
            inArray(effects.state, ["sent", "done", "unknown"]),
          ),
        )
        .orderBy(asc(effects.id))
        .all();
    },
    async grantUses(key, since) {
      return usesOf(db, key, since);
    },
  };
}

/** Only what was never begun does not use a grant up: a tool that failed may have done something. */
function usesOf(db: Db, key: string, since: number): number {
  const row = db
    .select({ count: sql<number>`count(*)` })
    .from(effects)
    .where(
      and(
        eq(effects.grantKey, key),
        gte(effects.plannedAt, since),
        lt(effects.plannedAt, since + longestDayMs),
        sql`(${effects.state} <> 'failed' or ${effects.sentAt} is not null)`,
      ),
    )
    .get();
  return row?.count ?? 0;
}

export function effectWrites(db: Db): EffectWrites {
  return {
    async planEffect({ grant, at, ...effect }) {
      return db.transaction(() => {
        if (grant && usesOf(db, grant.key, grant.since) >= grant.maxPerDay) {
          return { ok: false, reason: usedUp(grant) };
        }
        const inserted = db
          .insert(effects)
          .values({ ...effect, grantKey: grant?.key ?? null, state: "planned", plannedAt: at })
          .onConflictDoNothing()
          .returning({ id: effects.id })
          .get() as { id: number } | undefined;
        return inserted
          ? { ok: true, id: inserted.id }
          : { ok: false, reason: "this very call was made already" };
      }, writing);
    },

    async markEffectSent(id, at) {
      const sent = db
        .update(effects)
        .set({ state: "sent", sentAt: at })
        .where(and(eq(effects.id, id), eq(effects.state, "planned")))
        .run();
      return sent.changes > 0;
    },

    async finishEffect(id, { state, result, error, at, tell }) {
      db.transaction(() => {
        db.update(effects)
          .set({ state, result, error, finishedAt: at })
          .where(and(eq(effects.id, id), inArray(effects.state, ["planned", "sent", "unknown"])))
          .run();
        if (tell) putOwnFinding(db, tell);
      }, writing);
    },

    async unsettledEffects() {
      return db
        .select()
        .from(effects)
        .where(
          or(eq(effects.state, "sent"), and(eq(effects.state, "planned"), isNull(effects.check))),
        )
        .orderBy(asc(effects.id))
        .all();
    },

    async plannedActions() {
      return db
        .select()
        .from(effects)
        .where(and(eq(effects.state, "planned"), isNotNull(effects.check)))
        .orderBy(asc(effects.id))
        .all();
    },

    async beginUndo(id, at) {
      const begun = db
        .update(effects)
        .set({ undoBegunAt: at })
        .where(
          and(
            eq(effects.id, id),
            eq(effects.state, "done"),
            isNull(effects.undoBegunAt),
            isNull(effects.undoneAt),
          ),
        )
        .run();
      return begun.changes > 0;
    },

    async finishUndo(id, at) {
      db.update(effects).set({ undoneAt: at }).where(eq(effects.id, id)).run();
    },

    async failUndo(id, tell) {
      db.transaction(() => {
        db.update(effects).set({ undoBegunAt: null }).where(eq(effects.id, id)).run();
        if (tell) putOwnFinding(db, tell);
      }, writing);
    },

    async unfinishedUndos() {
      return db
        .select()
        .from(effects)
        .where(and(isNotNull(effects.undoBegunAt), isNull(effects.undoneAt)))
        .orderBy(asc(effects.id))
        .all();
    },
  };
}
