import { and, count, eq, isNotNull, lte, ne, sql, sum } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { StoreReader } from "./port.ts";
import {
  approvals,
  beats,
  deliveries,
  effects,
  findingEvents,
  findings,
  runs,
  spend,
} from "./schema.ts";

/** What is counted for `/metrics`: from the tables, so that a restart forgets nothing. */
export function totalsReads(db: Db): Pick<StoreReader, "totals" | "lastCompletedBeatAt"> {
  const beatsBy = db
    .select({ outcome: beats.outcome, count: count() })
    .from(beats)
    .where(isNotNull(beats.outcome))
    .groupBy(beats.outcome)
    .prepare();
  const events = db
    .select({ state: findingEvents.state, severity: findingEvents.severity, count: count() })
    .from(findingEvents)
    .groupBy(findingEvents.state, findingEvents.severity)
    .prepare();
  const open = db
    .select({ severity: findings.severity, count: count() })
    .from(findings)
    .where(ne(findings.status, "resolved"))
    .groupBy(findings.severity)
    .prepare();
  const runsBy = db
    .select({
      outcome: sql<NonNullable<typeof runs.$inferSelect.outcome>>`${runs.outcome}`,
      count: count(),
    })
    .from(runs)
    .where(isNotNull(runs.outcome))
    .groupBy(runs.outcome)
    .prepare();
  const spendBy = db
    .select({
      model: spend.model,
      calls: count(),
      inputTokens: sum(spend.inputTokens).mapWith(Number),
      outputTokens: sum(spend.outputTokens).mapWith(Number),
      cachedTokens: sum(spend.cachedTokens).mapWith(Number),
      costUsd: sum(spend.costUsd).mapWith(Number),
    })
    .from(spend)
    .where(eq(spend.state, "settled"))
    .groupBy(spend.model)
    .prepare();
  const effectsBy = db
    .select({ effect: effects.effect, state: effects.state, count: count() })
    .from(effects)
    .groupBy(effects.effect, effects.state)
    .prepare();
  const approvalsBy = db
    .select({ status: approvals.status, count: count() })
    .from(approvals)
    .groupBy(approvals.status)
    .prepare();
  const deliveriesBy = db
    .select({ channel: deliveries.channel, state: deliveries.state, count: count() })
    .from(deliveries)
    .groupBy(deliveries.channel, deliveries.state)
    .prepare();
  // By its index each kind is looked up from its end.
  const lastEnded = (outcome: "quiet" | "found") =>
    db
      .select({ at: sql<number | null>`max(${beats.finishedAt})` })
      .from(beats)
      .where(and(eq(beats.outcome, outcome), lte(beats.finishedAt, sql.placeholder("until"))))
      .prepare();
  const lastQuiet = lastEnded("quiet");
  const lastFound = lastEnded("found");
  return {
    async totals() {
      return db.transaction(() => {
        const ended = new Map(beatsBy.all().map((row) => [row.outcome, row.count]));
        const found = ended.get("found") ?? 0;
        return {
          beats: {
            completed: (ended.get("quiet") ?? 0) + found,
            found,
            missed: ended.get("missed") ?? 0,
            failed: ended.get("failed") ?? 0,
          },
          findingEvents: events.all(),
          openFindings: open.all(),
          runs: runsBy.all(),
          spend: spendBy.all(),
          effects: effectsBy.all(),
          approvals: approvalsBy.all(),
          deliveries: deliveriesBy.all(),
        };
      });
    },
    async lastCompletedBeatAt(until = Number.MAX_SAFE_INTEGER) {
      const ends = [lastQuiet, lastFound].flatMap((query) => query.get({ until })?.at ?? []);
      return ends.length > 0 ? Math.max(...ends) : null;
    },
  };
}
