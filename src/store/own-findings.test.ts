import { describe, expect, test } from "vitest";
import type { Store } from "./index.ts";
import { openTemporaryStore, registerUsualChecks } from "./store-fixture.ts";

const about = { check: "watchkeeper/model", key: "model" };
const down = {
  ...about,
  severity: "warning",
  title: "No model can be asked",
  text: "The rules decide.",
} as const;
const allOf = (store: Store) => store.listFindings({ all: true, limit: 10 });

describe("a finding about ourselves", () => {
  test("is opened once, trusted, and resolved once, each with its event", async () => {
    const { store, sql } = await openTemporaryStore();
    await store.setOwnFinding({ ...down, at: 1_000 });
    await store.setOwnFinding({ ...down, at: 2_000 });
    expect(await store.pendingFindings(10)).toMatchObject([
      { skill: "watchkeeper", trust: "trusted", state: "opened", openedAt: 1_000, revision: 1 },
    ]);
    await store.resolveOwnFinding({ ...about, at: 3_000 });
    await store.resolveOwnFinding({ ...about, at: 4_000 });
    expect(await allOf(store)).toMatchObject([
      { state: "resolved", status: "resolved", resolvedAt: 3_000, revision: 2 },
    ]);
    expect(sql.prepare("select state, at from finding_events order by at").all()).toEqual([
      { state: "opened", at: 1_000 },
      { state: "resolved", at: 3_000 },
    ]);
    await store.setOwnFinding({ ...down, at: 5_000 });
    expect(await allOf(store)).toMatchObject([{ status: "open" }, { status: "resolved" }]);
  });

  test("changes when it says something else", async () => {
    const { store } = await openTemporaryStore();
    await store.setOwnFinding({ ...down, at: 1_000 });
    const worse = { ...down, severity: "critical", title: "Still no model" } as const;
    await store.setOwnFinding({ ...worse, at: 2_000 });
    expect(await allOf(store)).toMatchObject([
      { state: "changed", severity: "critical", title: "Still no model", changedAt: 2_000 },
    ]);
  });

  test("that the owner has acknowledged ends without a word", async () => {
    const { store } = await openTemporaryStore();
    await store.setOwnFinding({ ...down, at: 1_000 });
    const [opened] = await allOf(store);
    await store.acknowledge(opened!.id, 2_000);
    await store.resolveOwnFinding({ ...about, at: 3_000 });
    expect(await allOf(store)).toMatchObject([{ status: "resolved" }]);
    expect(await store.pendingFindings(10)).toEqual([]);
  });

  test("outlives the change of checks", async () => {
    const { store } = await openTemporaryStore();
    await store.setOwnFinding({ ...down, at: 1_000 });
    await registerUsualChecks(store);
    await store.registerChecks([], { at: 2_000, keepSkills: [] });
    expect(await allOf(store)).toMatchObject([{ status: "open" }]);
  });

  test("to resolve that is not there is nothing", async () => {
    const { store } = await openTemporaryStore();
    await store.resolveOwnFinding({ ...about, at: 1_000 });
    expect(await allOf(store)).toEqual([]);
  });

  test("that is only news is closed once it is old and judged; states, and what is put off, are not", async () => {
    const { store, sql } = await openTemporaryStore();
    const news = { severity: "notice", text: null, at: 1_000 } as const;
    const checks = ["watchkeeper/approvals"];
    const put = async (check: string, key: string, at = 1_000) =>
      store.setOwnFinding({ ...news, check, key, title: key, at });
    for (const key of ["old", "unjudged", "put-off"]) await put("watchkeeper/approvals", key);
    await put("watchkeeper/approvals", "young", 9_000);
    await put("watchkeeper/model", "state");
    sql.exec("update findings set handled_revision = revision where key <> 'unjudged'");
    const putOff = (await allOf(store)).find(({ key }) => key === "put-off");
    await store.snooze(putOff!.id, 50_000);

    expect(await store.closeOldNews({ checks, before: 5_000, at: 10_000 })).toBe(1);
    expect(await store.closeOldNews({ checks, before: 5_000, at: 11_000 })).toBe(0);
    const over = (await allOf(store)).filter(({ status }) => status === "resolved");
    expect(over).toMatchObject([{ key: "old", state: "resolved", resolvedAt: 10_000 }]);
    expect((await store.pendingFindings(10)).map(({ key }) => key)).toEqual(["unjudged"]);
  });
});
