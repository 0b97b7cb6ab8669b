import fc from "fast-check";
import type Database from "better-sqlite3";
import { expect, it } from "vitest";
import { cutoffsOf, pruneWalks, retentionKinds, type Retention } from "../domain/retention.ts";
import type { Store } from "./index.ts";
import { dayMs, daysAgo, planter, pruneAll, today, type Planter } from "./prune-fixture.ts";
import { openTemporaryStore } from "./store-fixture.ts";

/**
 * Random histories, random retention: whatever the watch asks of its store has the same answer before and after,
 * also when pruning was cut short anywhere, and no row refers to one that is gone.
 */

const days = fc.integer({ min: 0, max: 1_000 });
const any = fc.nat({ max: 30 });

const happening = fc.oneof(
  fc.record({
    kind: fc.constant("beat" as const),
    days,
    outcome: fc.constantFrom("quiet", "found", "failed", "missed", null),
    looked: fc.constantFrom("ok", "failed"),
  }),
  fc.record({
    kind: fc.constant("finding" as const),
    days,
    status: fc.constantFrom("open", "acked", "snoozed", "resolved", "resolved", "resolved"),
    judged: fc.constantFrom(true, true, false),
    gone: fc.boolean(),
    beat: fc.option(any),
  }),
  fc.record({
    kind: fc.constant("run" as const),
    days,
    outcome: fc.constantFrom("ok", "failed", "interrupted", null),
    findings: fc.array(any, { maxLength: 3 }),
    beat: fc.option(any),
    spent: fc.constantFrom("settled", "settled", "reserved", null),
    note: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("notification" as const),
    days,
    state: fc.constantFrom("held", "ready", "delivered", "untold", "folded"),
    into: fc.option(any),
    run: fc.option(any),
    findings: fc.array(any, { maxLength: 2 }),
    approval: fc.option(any),
    delivery: fc.constantFrom("sent", "failed", "waiting", "given-up", null),
  }),
  fc.record({
    kind: fc.constant("approval" as const),
    days,
    status: fc.constantFrom("pending", "approved", "denied", "expired"),
    run: fc.option(any),
  }),
  fc.record({
    kind: fc.constant("effect" as const),
    days,
    state: fc.constantFrom("planned", "sent", "done", "failed", "unknown"),
    run: fc.option(any),
    approval: fc.option(any),
    rule: fc.boolean(),
    undo: fc.constantFrom("none", "none", "begun", "done"),
  }),
);

const retention = fc.record(
  Object.fromEntries(
    retentionKinds.map((kind) => [kind, fc.integer({ min: 1, max: 300 }).map((d) => d * dayMs)]),
  ) as Record<keyof Retention, fc.Arbitrary<number>>,
);

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

it("nothing that the watch goes by is ever removed", async () => {
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 40, maxLength: 120, size: "max" }),
      retention,
      fc.nat({ max: 12 }),
      async (happenings, keep, cutShortAfter) => {
        const { store, sql } = await openTemporaryStore();
        sql.pragma("foreign_keys = on");
        sql.pragma("synchronous = off");
        plantAll(planter(sql), sql, happenings);
        const before = await answers(store, sql);

        await pruneSome(store, keep, cutShortAfter);
        expect(sql.pragma("foreign_key_check")).toEqual([]);
        expect(await answers(store, sql)).toEqual(before);

        const summary = await pruneAll(store, keep);
        removed += summary.removed.rows;
        expect(sql.pragma("foreign_key_check")).toEqual([]);
        expect(await answers(store, sql)).toEqual(before);
      },
    ),
    { numRuns: 40, endOnFailure: true },
  );
  // A test that removes nothing would prove nothing.
  expect(removed).toBeGreaterThan(100);
});

/** As far as a process comes that is killed after so many transactions. */
async function pruneSome(store: Store, keep: Retention, slices: number): Promise<void> {
  const cutoffs = cutoffsOf(keep, today);
  const bounds = await store.pruneBounds(cutoffs);
  for (const walk of pruneWalks.slice(0, slices)) {
    await store.pruneSlice({ walk, after: 0, upTo: bounds[walk], cutoffs });
  }
}

function plantAll(put: Planter, sql: Database.Database, happenings: readonly Happening[]): void {
  const made: Record<Happening["kind"], number[]> = {
    ...{ beat: [1], finding: [], run: [], notification: [], approval: [], effect: [] },
  };
  const oneOf = (kind: Happening["kind"], index: number | null): number | null =>
    index === null ? null : (made[kind][index % Math.max(1, made[kind].length)] ?? null);
  const isAsked = (column: string, table: string, id: number | null) =>
    id !== null && sql.prepare(`select 1 from ${table} where ${column} = ?`).get(id) !== undefined;

  // As in life, what came first has the lower id.
  for (const [index, each] of happenings.toSorted((a, b) => b.days - a.days).entries()) {
    const at = daysAgo(each.days) - index;
    const ids = made[each.kind];
    switch (each.kind) {
      case "beat": {
        const { outcome, looked } = each;
        const checks = JSON.stringify([{ name: "mail/work", outcome: looked, error: null }]);
        ids.push(put.beat(at, { outcome, checks, finished_at: outcome === null ? null : at }));
        break;
      }
      case "finding": {
        const { status, judged, gone, beat } = each;
        const isOver = status === "resolved";
        const id = put.finding(at, {
          ...{ key: `k${index}`, status, state: isOver ? "resolved" : "opened" },
          ...{ resolved_at: isOver ? at : null, handled_revision: judged ? 2 : 1 },
        });
        put.observation(id, `k${index}`, at, isOver && gone ? at : null);
        put.event(id, oneOf("beat", beat), at);
        ids.push(id);
        break;
      }
      case "run": {
        const { outcome, findings, beat, spent, note } = each;
        const ended = outcome === null ? null : at;
        const id = put.run(at, { outcome, finished_at: ended, beat_id: oneOf("beat", beat) });
        for (const finding of new Set(findings.map((which) => oneOf("finding", which)))) {
          if (finding !== null) put.verdict(id, finding);
        }
        put.step(id, 0, at);
        if (spent !== null) put.spend(id, at, { state: spent });
        if (note) put.note(id, at);
        ids.push(id);
        break;
      }
      case "notification": {
        const { state, into, run, findings, approval, delivery } = each;
        const asked = oneOf("approval", approval);
        const id = put.notification(at, {
          ...{ state, run_id: oneOf("run", run) },
          folded_into: state === "folded" ? oneOf("notification", into) : null,
          approval_id: isAsked("approval_id", "notifications", asked) ? null : asked,
        });
        for (const finding of new Set(findings.map((which) => oneOf("finding", which)))) {
          if (finding !== null) put.telling(finding, id, at);
        }
        if (delivery !== null) put.delivery(id, at, delivery);
        ids.push(id);
        break;
      }
      case "approval": {
        const { status, run } = each;
        const decided = status === "pending" ? null : at;
        ids.push(put.approval(at, { status, decided_at: decided, run_id: oneOf("run", run) }));
        break;
      }
      case "effect": {
        const { state, run, approval, rule, undo } = each;
        const of = oneOf("approval", approval);
        ids.push(
          put.effect(at, `key-${index}`, {
            ...{ state, run_id: oneOf("run", run), grant_key: "g" },
            approval_id: isAsked("approval_id", "effects", of) ? null : of,
            check_name: rule ? "mail/work" : null,
            finished_at: state === "done" || state === "failed" ? at : null,
            undo_begun_at: undo === "none" ? null : at,
            undone_at: undo === "done" ? at : null,
          }),
        );
        break;
      }
    }
  }
}

/** All that beats, runs, channels, budgets and the owner's next command go by. */
async function answers(store: Store, sql: Database.Database) {
  const open = await store.listFindings({ all: false, limit: 1_000 });
  const pending = await store.pendingFindings(1_000);
  const ids = [...open, ...pending].map(({ id }) => id);
  const { file: _, ...status } = await store.status();
  const totals = await store.totals();
  return {
    ...{ status, open, pending },
    told: await store.openFindingsTold("warning"),
    histories: await store.tellingHistories(ids, today),
    givenUp: await store.effectsOfGivenUpRuns(ids),
    undelivered: await store.undelivered(),
    held: await store.heldNotifications(today + dayMs),
    digestAt: await store.nextDigestAt(today),
    interruptions: await store.countInterruptions(daysAgo(1)),
    pendingApprovals: await store.listApprovals({ all: false, limit: 1_000 }),
    claims: await store.listApprovalClaims({ expiringAfter: today }),
    answered: await store.answeredCalls({ since: daysAgo(90), limit: 1_000 }),
    approved: await store.approvedCalls(),
    unsettled: await store.unsettledEffects(),
    planned: await store.plannedActions(),
    undos: await store.unfinishedUndos(),
    unknown: sql.prepare("select * from effects where state = 'unknown'").all(),
    ruleKeys: sql.prepare("select * from effects where check_name is not null").all(),
    grant: await store.grantUses("g", daysAgo(1)),
    unfinished: await store.unfinishedRuns(),
    lastRuns: (await store.listRuns({ limit: 12 })).map(({ findings: __, ...run }) => run),
    budget: await store.budgetUse({ dayStart: daysAgo(1), monthStart: daysAgo(31) }),
    lastMonth: await store.spendSince(daysAgo(62)),
    reserved: sql.prepare("select * from spend where state = 'reserved'").all(),
    known: (await store.knownObservations("mail/work")).filter(({ goneAt }) => goneAt === null),
    notes: await store.listMemories({ all: true, now: today }),
    watchingSince: await store.watchingSince(),
    lastCompletedBeatAt: await store.lastCompletedBeatAt(),
    totals: Object.fromEntries(
      Object.entries(totals).map(([name, rows]) => [name, comparable(rows)]),
    ),
  };
}

/** Counts in any order; sums of money but for their last bits. */
const comparable = (rows: unknown): unknown =>
  Array.isArray(rows)
    ? rows.map((row) => JSON.stringify(Object.entries(row as object).toSorted())).toSorted()
    : rows;
