import { startOf, wallClockAt } from "../domain/zoned-time.ts";
import type { SpendCall } from "../store/port.ts";

/** What the watch has cost, and what it will cost when it goes on like this. */

export interface CostInput {
  readonly calls: readonly SpendCall[];
  readonly now: number;
  readonly timezone: string;
  /** How many days to look back, today included. */
  readonly days: number;
  /** When the first beat was, or null. */
  readonly watchingSince: number | null;
}

export type CostView = ReturnType<typeof costView>;

const dayMs = 86_400_000;
const daysOfMonth = 30;
/** The days before it say little of the present schedule. */
const forecastDays = 7;
/** Earlier in a day its pace says nothing. */
const leastPaceMs = 60 * 60_000;

interface Sum {
  readonly costUsd: number;
  readonly tokens: number;
  readonly calls: number;
  readonly runs: Set<number>;
}

export function costView({ calls, now, timezone, days, watchingSince }: CostInput) {
  const today = dateOf(now, timezone);
  const perDay = new Map<string, Sum>();
  const perModel = new Map<string, Sum>();
  const perSkill = new Map<string, Sum>();
  for (const call of calls) {
    add(perDay, dateOf(call.at, timezone), call, 1);
    add(perModel, call.model, call, 1);
    // A run is over the findings of several skills at once: each bears its share of them.
    const skills = Object.entries(call.skills);
    const all = skills.reduce((count, [, findings]) => count + findings, 0);
    for (const [skill, findings] of skills) add(perSkill, skill, call, findings / all);
    if (all === 0) add(perSkill, "other", call, 1);
  }
  const total = calls.reduce(
    (sum, { costUsd, tokens }) => ({
      costUsd: sum.costUsd + costUsd,
      tokens: sum.tokens + tokens,
    }),
    { costUsd: 0, tokens: 0 },
  );
  const lastDays = datesBefore(now, timezone, Math.min(forecastDays, days - 1)).filter(
    (date) => watchingSince !== null && date > dateOf(watchingSince, timezone),
  );
  const ofLastDays = lastDays.reduce((sum, date) => sum + (perDay.get(date)?.costUsd ?? 0), 0);
  const elapsedMs = now - Math.max(startOf("day", now, timezone), watchingSince ?? now);
  const ofToday = perDay.get(today)?.costUsd ?? 0;
  return {
    days: rows(perDay, ({ name }) => name, "date"),
    models: rows(perModel, ({ costUsd }) => -costUsd, "model"),
    skills: rows(perSkill, ({ costUsd }) => -costUsd, "skill"),
    total,
    /** US dollars for 30 days; null where there is too little to go by. */
    forecast: {
      monthUsd: lastDays.length > 0 ? (ofLastDays / lastDays.length) * daysOfMonth : null,
      fromDays: lastDays.length,
      monthUsdAtTodaysPace:
        elapsedMs >= leastPaceMs ? (ofToday / elapsedMs) * dayMs * daysOfMonth : null,
    },
  };
}

function add(sums: Map<string, Sum>, name: string, call: SpendCall, share: number): void {
  const before = sums.get(name);
  sums.set(name, {
    costUsd: (before?.costUsd ?? 0) + call.costUsd * share,
    tokens: (before?.tokens ?? 0) + call.tokens * share,
    calls: (before?.calls ?? 0) + 1,
    runs: (before?.runs ?? new Set<number>()).add(call.runId),
  });
}

function rows<Name extends string>(
  sums: ReadonlyMap<string, Sum>,
  order: (row: Sum & { readonly name: string }) => string | number,
  label: Name,
) {
  return [...sums]
    .map(([name, sum]) => ({ name, ...sum }))
    .sort((a, b) => compare(order(a), order(b)) || compare(a.name, b.name))
    .map(({ name, costUsd, tokens, calls, runs }) => ({
      ...({ [label]: name } as Record<Name, string>),
      costUsd,
      tokens: Math.round(tokens),
      calls,
      runs: runs.size,
    }));
}

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** The date in the zone, `2026-11-23`. */
const dateOf = (at: number, timezone: string): string =>
  new Date(wallClockAt(at, timezone)).toISOString().slice(0, 10);

/** The dates of whole days before today's, the last one first. */
function datesBefore(now: number, timezone: string, count: number): string[] {
  const today = Date.parse(dateOf(now, timezone));
  return Array.from({ length: count }, (_, index) =>
    new Date(today - (index + 1) * dayMs).toISOString().slice(0, 10),
  );
}
