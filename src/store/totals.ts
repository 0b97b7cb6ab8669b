import { and, count, eq, isNotNull, lte, ne, sql, sum } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { StoreReader, TotalsRecord } from "./port.ts";
import { readTallies } from "./tallies.ts";
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
        const gone = goneCounts(db);
        const ended = new Map(
          gone("beats", ["outcome"], beatsBy.all()).map((row) => [row.outcome, row.count]),
        );
        const found = ended.get("found") ?? 0;
        return {
          beats: {
            completed: (ended.get("quiet") ?? 0) + found,
            found,
            missed: ended.get("missed") ?? 0,
            failed: ended.get("failed") ?? 0,
          },
          findingEvents: gone("finding_events", ["state", "severity"], events.all()),
          openFindings: open.all(),
          runs: gone("runs", ["outcome"], runsBy.all()),
          spend: goneSpend(db, spendBy.all()),
          effects: gone("effects", ["effect", "state"], effectsBy.all()),
          approvals: gone("approvals", ["status"], approvalsBy.all()),
          deliveries: gone("deliveries", ["channel", "state"], deliveriesBy.all()),
        };
      });
    },
    async lastCompletedBeatAt(until = Number.MAX_SAFE_INTEGER) {
      const ends = [lastQuiet, lastFound].flatMap((query) => query.get({ until })?.at ?? []);
      return ends.length > 0 ? Math.max(...ends) : null;
    },
  };
}

/** Adds to what is counted of the rows that are here what was counted of those that are gone. */
function goneCounts(db: Db) {
  const tallies = Map.groupBy(readTallies(db.$client), ({ name }) => name);
  return <Row extends { readonly count: number }>(
    name: string,
    labels: readonly (keyof Row & string)[],
    rows: readonly Row[],
  ): Row[] => {
    const sums = new Map(rows.map((row) => [labelsOf(row, labels), row]));
    for (const { labels: values, amount } of tallies.get(name) ?? []) {
      const key = JSON.stringify(values);
      const row = sums.get(key);
      const named = Object.fromEntries(labels.map((label, index) => [label, values[index]]));
      sums.set(key, { ...(row ?? named), count: (row?.count ?? 0) + amount } as Row);
    }
    return [...sums.values()];
  };
}

const labelsOf = <Row>(row: Row, labels: readonly (keyof Row & string)[]): string =>
  JSON.stringify(labels.map((label) => row[label]));

type SpendTotal = TotalsRecord["spend"][number];

function goneSpend(db: Db, rows: readonly SpendTotal[]): SpendTotal[] {
  const sums = new Map(rows.map((row) => [row.model, row]));
  for (const { name, labels, amount } of readTallies(db.$client)) {
    const column = spendColumns[name];
    const [model] = labels;
    if (!column || model === undefined) continue;
    const row = sums.get(model) ?? { model, ...nothingSpent };
    sums.set(model, { ...row, [column]: row[column] + amount });
  }
  return [...sums.values()];
}

const nothingSpent = { calls: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0, costUsd: 0 };
const spendColumns: Readonly<Record<string, keyof typeof nothingSpent>> = {
  spend_calls: "calls",
  spend_input_tokens: "inputTokens",
  spend_output_tokens: "outputTokens",
  spend_cached_tokens: "cachedTokens",
  spend_cost_usd: "costUsd",
};
