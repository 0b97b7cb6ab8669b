import { and, asc, eq, gte, lt, sql } from "drizzle-orm";
import { decideCall, overrunOf, type Used } from "../domain/budget.ts";
import { longestDayMs, longestMonthMs } from "../domain/zoned-time.ts";
import { isOneOf, writing, type Db } from "./database.ts";
import type { BudgetPeriods, SpendCall, Store, StoreReader, Usage } from "./port.ts";
import { beats, findings, runFindings, runs, spend, stoppedModels } from "./schema.ts";

/**
 * What model calls cost. A row is written before its call, with the worst that the call can come to,
 * and again after it, with what it came to; so at any moment the sum of all rows is the most that can
 * have been spent.
 */

type SpendReads = Pick<
  StoreReader,
  "spendSince" | "budgetUse" | "spendCalls" | "watchingSince" | "stoppedModels"
>;
type SpendWrites = Pick<Store, "reserveSpend" | "settleSpend" | "liftModelStop">;

const tokensOf = sql<number>`${spend.inputTokens} + ${spend.outputTokens} + ${spend.cachedTokens}`;
const sums = {
  costUsd: sql<number>`coalesce(sum(${spend.costUsd}), 0)`,
  tokens: sql<number>`coalesce(sum(${tokensOf}), 0)`,
};
const nothing: Used = { costUsd: 0, tokens: 0 };

export function spendReads(db: Db): SpendReads {
  return {
    async spendSince(since, until = Number.MAX_SAFE_INTEGER) {
      const within = and(gte(spend.at, since), lt(spend.at, until));
      const settled = and(within, eq(spend.state, "settled"));
      return db.select(sums).from(spend).where(settled).get() ?? nothing;
    },

    async budgetUse({ dayStart, monthStart }) {
      return usedWithin(db, { dayStart, monthStart });
    },

    async spendCalls({ since }) {
      const calls = db
        .select({
          runId: spend.runId,
          at: spend.at,
          model: spend.model,
          costUsd: spend.costUsd,
          tokens: tokensOf,
        })
        .from(spend)
        .where(and(gte(spend.at, since), eq(spend.state, "settled")))
        .orderBy(asc(spend.at))
        .all();
      const skills = skillsOf(db, [...new Set(calls.map(({ runId }) => runId))]);
      return calls.map((call): SpendCall => ({ ...call, skills: skills.get(call.runId) ?? {} }));
    },

    async watchingSince() {
      const first = db.select({ at: sql<number | null>`min(${beats.startedAt})` }).from(beats);
      return first.get()?.at ?? null;
    },

    async stoppedModels() {
      return db.select().from(stoppedModels).orderBy(asc(stoppedModels.model)).all();
    },
  };
}

export function spendWrites(db: Db): SpendWrites {
  return {
    async reserveSpend({ runId, at, model, call, price, caps, dayStart, monthStart }) {
      return db.transaction(() => {
        const stop = db.select().from(stoppedModels).where(eq(stoppedModels.model, model)).get();
        if (stop) return { ok: false, because: "model-stopped", reason: stop.reason } as const;
        const run = db.select(sums).from(spend).where(eq(spend.runId, runId)).get() ?? nothing;
        const used = { run, ...usedWithin(db, { dayStart, monthStart }) };
        const decision = decideCall(call, price, caps, used);
        if (!decision.fits) {
          return { ok: false, because: decision.cap, reason: decision.reason } as const;
        }
        const { worst, maxTokens } = decision;
        const { id } = db
          .insert(spend)
          .values({
            runId,
            at,
            model,
            state: "reserved",
            reservedUsd: worst.usd,
            reservedTokens: worst.tokens,
            inputTokens: call.requestBytes,
            outputTokens: maxTokens,
            cachedTokens: 0,
            costUsd: worst.usd ?? 0,
          })
          .returning({ id: spend.id })
          .get();
        return { ok: true, id, maxTokens } as const;
      }, writing);
    },

    async settleSpend(id, { at, usage, atLeast }) {
      return db.transaction(() => {
        const row = db.select().from(spend).where(eq(spend.id, id)).get();
        if (!row || row.state === "settled") return null;
        const worst = { usd: row.reservedUsd, tokens: row.reservedTokens };
        const overrun = usage && overrunOf(asUsed(usage), worst);
        // What is only a lower bound counts when it is the higher of the two all the same.
        const settled = usage && (overrun || !atLeast) ? usage : usageOf(row);
        db.update(spend)
          .set({ ...settled, state: "settled" })
          .where(eq(spend.id, id))
          .run();
        addToRun(db, row.runId, settled);
        if (!overrun) return { settled, stopped: null };
        const stopped = { model: row.model, at, reason: `${row.model} ${overrun}` };
        db.insert(stoppedModels).values(stopped).onConflictDoNothing().run();
        return { settled, stopped };
      }, writing);
    },

    async liftModelStop(model) {
      return db.delete(stoppedModels).where(eq(stoppedModels.model, model)).run().changes > 0;
    },
  };
}

/**
 * Reservations whose process was killed: what their calls came to is not known, so it is taken to be
 * the worst. For callers that are in a transaction already.
 */
export function settleLeftOver(db: Db): void {
  const left = db
    .update(spend)
    .set({ state: "settled" })
    .where(eq(spend.state, "reserved"))
    .returning()
    .all();
  for (const row of left) addToRun(db, row.runId, usageOf(row));
}

type SpendRow = typeof spend.$inferSelect;

const usageOf = ({ inputTokens, outputTokens, cachedTokens, costUsd }: SpendRow): Usage => ({
  inputTokens,
  outputTokens,
  cachedTokens,
  costUsd,
});

const asUsed = (usage: Usage): Used => ({
  costUsd: usage.costUsd,
  tokens: usage.inputTokens + usage.outputTokens + usage.cachedTokens,
});

/**
 * Reserved and settled together: the most that can have been used. Each day and month by the clock has its cap
 * once, whichever way the clock was set meanwhile: what it was set back from is not spent again and again.
 */
function usedWithin(db: Db, { dayStart, monthStart }: BudgetPeriods): { day: Used; month: Used } {
  const used = (since: number, longestMs: number): Used => {
    const within = and(gte(spend.at, since), lt(spend.at, since + longestMs));
    return db.select(sums).from(spend).where(within).get() ?? nothing;
  };
  return { day: used(dayStart, longestDayMs), month: used(monthStart, longestMonthMs) };
}

function addToRun(db: Db, runId: number, usage: Usage): void {
  db.update(runs)
    .set({
      inputTokens: sql`${runs.inputTokens} + ${usage.inputTokens}`,
      outputTokens: sql`${runs.outputTokens} + ${usage.outputTokens}`,
      cachedTokens: sql`${runs.cachedTokens} + ${usage.cachedTokens}`,
      costUsd: sql`${runs.costUsd} + ${usage.costUsd}`,
    })
    .where(eq(runs.id, runId))
    .run();
}

/** Of each run, how many of its findings each skill had. */
function skillsOf(db: Db, runIds: readonly number[]): Map<number, Record<string, number>> {
  const rows = db
    .select({
      runId: runFindings.runId,
      skill: findings.skill,
      count: sql<number>`count(*)`,
    })
    .from(runFindings)
    .innerJoin(findings, eq(findings.id, runFindings.findingId))
    .where(isOneOf(runFindings.runId, runIds))
    .groupBy(runFindings.runId, findings.skill)
    .all();
  const skills = new Map<number, Record<string, number>>();
  for (const { runId, skill, count } of rows) {
    skills.set(runId, { ...skills.get(runId), [skill]: count });
  }
  return skills;
}
