import { beforeEach, describe, expect, test } from "vitest";
import type Database from "better-sqlite3";
import {
  daysAgo,
  planter,
  pruneAll,
  usualRetention,
  dayMs,
  type Planter,
} from "./prune-fixture.ts";
import { openTemporaryStore } from "./store-fixture.ts";
import type { Store } from "./index.ts";

/** Each rule on a row that is just too old, beside one that is not, and beside what protects it. */

let store: Store;
let sql: Database.Database;
let put: Planter;
beforeEach(async () => {
  ({ store, sql } = await openTemporaryStore());
  put = planter(sql);
  // The last beats say how the watch stands: what a test plants before them is history.
  sql.exec("update beats set finished_at = 0, outcome = 'quiet', checks = '[]'");
});

/** The ids that are left of those that were planted. */
const left = (table: string): number[] =>
  sql.prepare<[], number>(`select id from ${table} order by id`).pluck().all();

function recentBeats(): void {
  for (let index = 0; index < 25; index += 1) put.beat(daysAgo(0));
}

describe("beats", () => {
  const look = (changes: object) =>
    JSON.stringify([{ name: "mail/work", outcome: "ok", durationMs: 1, error: null, ...changes }]);
  test.each<[string, Readonly<Record<string, string>>, number]>([
    ["with nothing to tell", { checks: look({}) }, 7],
    ["with a look that failed", { checks: look({ outcome: "failed", error: "no answer" }) }, 180],
    ["with a note", { checks: look({ notes: ["one mail was left alone"] }) }, 180],
    ["that found what is no longer kept", { outcome: "found" }, 180],
    ["that failed", { outcome: "failed", error: "the disk is full" }, 730],
    ["that were missed", { outcome: "missed" }, 730],
  ])("%s", async (_, row, days) => {
    const old = put.beat(daysAgo(days) - 1, row);
    const young = put.beat(daysAgo(days), row);
    recentBeats();
    await pruneAll(store);
    expect(left("beats")).not.toContain(old);
    expect(left("beats")).toContain(young);
  });

  test("of what found something or woke a run stay with that", async () => {
    const found = put.beat(daysAgo(300));
    put.event(put.finding(daysAgo(300)), found, daysAgo(300));
    const woke = put.beat(daysAgo(300));
    put.run(daysAgo(300), { beat_id: woke });
    recentBeats();
    await pruneAll(store);
    expect(left("beats")).toEqual(expect.arrayContaining([found, woke]));
  });

  test("the first, the last ones and one that goes on stay", async () => {
    const going = put.beat(daysAgo(900), { outcome: null, finished_at: null });
    const old = Array.from({ length: 30 }, () => put.beat(daysAgo(900)));
    await pruneAll(store);
    expect(left("beats")).toEqual([1, going, ...old.slice(-21)]);
  });
});

describe("findings that are over", () => {
  test("go a year after, with their events, verdicts and observations", async () => {
    const [old, young] = [put.finding(daysAgo(365) - 1), put.finding(daysAgo(365))];
    put.event(old, 1, daysAgo(366));
    put.observation(old, "k", daysAgo(366), daysAgo(366));
    put.verdict(put.run(daysAgo(366)), old);
    await pruneAll(store);
    expect(left("findings")).toEqual([young]);
    expect(sql.prepare("select count(*) from observations").pluck().get()).toBe(0);
    expect(left("finding_events")).toEqual([]);
  });

  test.each<[string, (id: number) => void]>([
    ["is open", (id) => sql.exec(`update findings set status = 'open' where id = ${id}`)],
    ["is snoozed", (id) => sql.exec(`update findings set status = 'snoozed' where id = ${id}`)],
    ["has no verdict yet", (id) => sql.exec(`update findings set revision = 3 where id = ${id}`)],
    ["is still compared with", (id) => put.observation(id, "k", daysAgo(900), null)],
    ["was told of in a message that is kept", (id) => tell(id, put.notification(daysAgo(1)))],
    ["a run is over at present", (id) => put.verdict(unfinishedRun(), id)],
  ])("stay when it %s", async (_, protect) => {
    const id = put.finding(daysAgo(900));
    protect(id);
    await pruneAll(store);
    expect(left("findings")).toEqual([id]);
  });

  test("go from a digest that is of something open, too", async () => {
    const [over, open] = [put.finding(daysAgo(400)), put.finding(daysAgo(400), { status: "open" })];
    const digest = put.notification(daysAgo(400), { kind: "digest" });
    for (const finding of [over, open]) put.telling(finding, digest, daysAgo(400));
    await pruneAll(store);
    expect([left("findings"), left("notifications")]).toEqual([[open], [digest]]);
    expect(left("tellings")).toHaveLength(1);
  });

  const tell = (finding: number, notification: number) =>
    put.telling(finding, notification, daysAgo(1));
  const unfinishedRun = () => put.run(daysAgo(1), { finished_at: null, outcome: null });

  test("lose their text after three months, and keep the rest", async () => {
    const [old, young] = [put.finding(daysAgo(90) - 1), put.finding(daysAgo(90))];
    const open = put.finding(daysAgo(200), { status: "open", state: "opened" });
    await pruneAll(store);
    const texts = sql.prepare("select id from findings where text is not null").pluck().all();
    expect(texts).toEqual([young, open]);
    expect(left("findings")).toEqual([old, young, open]);
  });
});

describe("notifications", () => {
  test("go after half a year, with deliveries and tellings; a digest after what it took in", async () => {
    const folded = put.notification(daysAgo(181), { state: "folded" });
    const digest = put.notification(daysAgo(181), { kind: "digest" });
    sql.exec(`update notifications set folded_into = ${digest} where id = ${folded}`);
    put.delivery(digest, daysAgo(181));
    put.telling(put.finding(daysAgo(181)), digest, daysAgo(181));
    const young = put.notification(daysAgo(180));
    await pruneAll(store);
    expect(left("notifications")).toEqual([young]);
    expect([...left("deliveries"), ...left("tellings")]).toEqual([]);
  });

  test.each<[string, () => void]>([
    ["waits for the digest", () => put.notification(daysAgo(900), { state: "held" })],
    ["no channel has", () => put.notification(daysAgo(900), { state: "ready" })],
    ["is still tried", () => put.delivery(put.notification(daysAgo(900)), 0, "failed")],
    ["is of something open", () => put.telling(open(), put.notification(daysAgo(900)), 0)],
    ["asks for a word", () => put.notification(daysAgo(900), { approval_id: pending() })],
  ])("stay when one %s", async (_, plant) => {
    plant();
    await pruneAll(store);
    expect(left("notifications")).toHaveLength(1);
  });

  const open = () => put.finding(daysAgo(900), { status: "open", state: "opened" });
  const pending = () => put.approval(daysAgo(900), { status: "pending", decided_at: null });
});

describe("runs", () => {
  test("lose what steps were given after three months, the steps after six, themselves after two years", async () => {
    const ages = [91, 181, 731];
    const ids = ages.map((days) => {
      const id = put.run(daysAgo(days));
      put.step(id, 0, daysAgo(days));
      put.spend(id, daysAgo(days));
      return id;
    });
    for (let index = 0; index < 20; index += 1) put.run(daysAgo(1));
    await pruneAll(store);
    expect(left("runs").slice(0, 2)).toEqual(ids.slice(0, 2));
    expect(left("runs")).not.toContain(ids[2]);
    expect(sql.prepare("select run_id, input, output from steps").all()).toEqual([
      { run_id: ids[0], input: null, output: null },
    ]);
    expect(left("spend")).toHaveLength(2);
  });

  test.each<[string, (id: number) => void]>([
    [
      "is not over",
      (id) => sql.exec(`update runs set outcome = null, finished_at = null where id = ${id}`),
    ],
    ["has a call that is not settled", (id) => put.spend(id, 0, { state: "reserved" })],
    ["has an effect", (id) => put.effect(daysAgo(1), "k", { run_id: id })],
    ["wrote a note", (id) => put.note(id, daysAgo(800))],
    ["was over what is open", (id) => put.verdict(id, put.finding(0, { status: "open" }))],
  ])("stay when one %s", async (_, protect) => {
    const id = put.run(daysAgo(800));
    protect(id);
    for (let index = 0; index < 20; index += 1) put.run(daysAgo(1));
    await pruneAll(store);
    expect(left("runs")).toContain(id);
  });

  test("a step that an effect came of stays with it", async () => {
    const run = put.run(daysAgo(300));
    const step = put.step(run, 0, daysAgo(300));
    put.step(run, 1, daysAgo(300));
    put.effect(daysAgo(300), "k", { run_id: run, step_id: step });
    await pruneAll(store);
    expect(left("steps")).toEqual([step]);
  });
});

describe("effects and approvals", () => {
  test("go after two years, what was approved together with what came of it", async () => {
    const approval = put.approval(daysAgo(732), { status: "approved" });
    put.effect(daysAgo(732), "approval-1", { approval_id: approval });
    put.approval(daysAgo(732));
    const young = put.effect(daysAgo(730), "run-1");
    await pruneAll(store);
    expect(left("effects")).toEqual([young]);
    expect(left("approvals")).toEqual([]);
    expect(await store.approvedCalls()).toEqual([]);
  });

  test.each<[string, () => void]>([
    ["planned", () => put.effect(daysAgo(900), "k", { state: "planned" })],
    ["sent", () => put.effect(daysAgo(900), "k", { state: "sent" })],
    ["unknown", () => put.effect(daysAgo(900), "k", { state: "unknown" })],
    ["being undone", () => put.effect(daysAgo(900), "k", { undo_begun_at: 1 })],
    ["of a rule, whose key may come again", () => put.effect(0, "k", { check_name: "mail/work" })],
  ])("stay when the effect is %s", async (_, plant) => {
    plant();
    await pruneAll(store);
    expect(left("effects")).toHaveLength(1);
  });

  test("a call that is approved and not carried out yet waits, however long", async () => {
    const id = put.approval(daysAgo(900), { status: "approved" });
    await pruneAll(store);
    expect((await store.approvedCalls()).map((call) => call.id)).toEqual([id]);
  });
});

test("counters of what happened never go back", async () => {
  const beat = put.beat(daysAgo(800));
  put.event(put.finding(daysAgo(800)), beat, daysAgo(800));
  const run = put.run(daysAgo(800));
  put.spend(run, daysAgo(800));
  put.approval(daysAgo(800));
  put.effect(daysAgo(800), "k");
  put.delivery(put.notification(daysAgo(800)), daysAgo(800));
  for (let index = 0; index < 20; index += 1) put.run(daysAgo(1), { outcome: "failed" });
  recentBeats();
  // To what is gone is added what is here.
  put.spend(put.run(daysAgo(1)), daysAgo(1));
  const before = await store.totals();
  const { removed } = await pruneAll(store);
  expect(removed).toMatchObject({ beats: 1, findings: 1, runs: 1, approvals: 1, effects: 1 });
  expect(sorted(await store.totals())).toEqual(sorted(before));

  const again = await pruneAll(store);
  expect(again.removed.rows + again.removed.thinned).toBe(0);
});

test("nobody can have it shorter than what others look back at", async () => {
  const run = put.run(daysAgo(40));
  put.spend(run, daysAgo(40));
  for (let index = 0; index < 20; index += 1) put.run(daysAgo(1));
  await pruneAll(store, { ...usualRetention, runs: dayMs });
  expect(left("spend")).toHaveLength(1);
});

/** In any order. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    : value && typeof value === "object"
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, part]) => [key, sorted(part)]),
        )
      : value;
