import { describe, expect, it } from "vitest";
import { commit, observation, openTemporaryStore, said, seen } from "./store-fixture.ts";
import type { Store } from "./index.ts";

const verdict = (store: Store, findingId: number, revision: number, told = false) =>
  store.applyVerdicts({
    at: 50,
    verdicts: [{ findingId, revision, verdict: "digest", decidedBy: "rules", message: null, told }],
    notifications: [],
  });

const pendingIds = async (store: Store) => (await store.pendingFindings(50)).map(({ id }) => id);

describe("what waits for a verdict", () => {
  it("is the most severe first, then the oldest, up to the limit", async () => {
    const { store } = await openTemporaryStore();
    const severities = ["info", "critical", "notice", "warning", "critical"] as const;
    const all = severities.map((severity, index) => observation(`k${index}`, { severity }));
    await commit(store, seen("web/api", 1, all));
    expect(await pendingIds(store)).toEqual([2, 5, 4, 3, 1]);
    expect((await store.pendingFindings(2)).map(({ id }) => id)).toEqual([2, 5]);
  });

  it("is done with once it has a verdict, and waits again when it changes", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await verdict(store, 1, 1, true);
    expect(await pendingIds(store)).toEqual([]);
    expect(await store.getFindings([1])).toMatchObject([
      { verdict: "digest", decidedBy: "rules", handledRevision: 1, toldRevision: 1 },
    ]);
    await commit(store, seen("web/api", 2, [observation("a", { title: "new" })]));
    expect(await pendingIds(store)).toEqual([1]);
  });

  it("stays when it changed while its earlier form was judged", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await commit(store, seen("web/api", 2, [observation("a", { title: "new" })]));
    await verdict(store, 1, 1, true);
    expect(await store.pendingFindings(5)).toMatchObject([
      { id: 1, revision: 2, handledRevision: 1, toldRevision: 1 },
    ]);
  });

  it("is not taken back by a verdict on an earlier form", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await commit(store, seen("web/api", 2, [observation("a", { title: "new" })]));
    await verdict(store, 1, 2, true);
    await verdict(store, 1, 1, true);
    expect(await store.getFindings([1])).toMatchObject([{ handledRevision: 2, toldRevision: 2 }]);
  });

  it("says when it is over by itself, not by what was seen later under its key", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a", { closesAt: 70 }), observation("b")]));
    expect(await store.pendingFindings(5)).toMatchObject([{ closesAt: 70 }, { closesAt: null }]);
    await commit(store, seen("web/api", 2, [], { gone: ["a"] }));
    await commit(store, seen("web/api", 3, [observation("a", { closesAt: 90 })]));
    expect(await store.pendingFindings(5)).toMatchObject([
      { id: 1, closesAt: null },
      { id: 2, closesAt: null },
      { id: 3, closesAt: 90 },
    ]);
  });

  it("counts a resolution as news of its own", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await verdict(store, 1, 1);
    await commit(store, seen("web/api", 2, [], { gone: ["a"] }));
    expect(await store.pendingFindings(5)).toMatchObject([{ id: 1, state: "resolved" }]);
  });
});

describe("what the owner has acknowledged", () => {
  it("is done with, and comes back only when it gets worse", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a", { severity: "warning" })]));
    expect(await store.acknowledge(1, 5)).toMatchObject({ id: 1, status: "acked" });
    expect(await pendingIds(store)).toEqual([]);

    const same = observation("a", { severity: "warning", title: "still" });
    expect(said(await commit(store, seen("web/api", 6, [same])))).toEqual(["changed 1 quietly"]);
    const better = observation("a", { severity: "notice", title: "better" });
    expect(said(await commit(store, seen("web/api", 7, [better])))).toEqual(["changed 1 quietly"]);
    expect(await pendingIds(store)).toEqual([]);
    expect(await store.getFindings([1])).toMatchObject([{ status: "acked", title: "better" }]);

    const worse = observation("a", { severity: "critical", title: "worse" });
    expect(said(await commit(store, seen("web/api", 8, [worse])))).toEqual(["changed 1"]);
    expect(await store.pendingFindings(5)).toMatchObject([{ id: 1, status: "open" }]);
  });

  it("ends without a word", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await store.acknowledge(1, 5);
    expect(said(await commit(store, seen("web/api", 6, [], { gone: ["a"] })))).toEqual([
      "resolved 1 quietly",
    ]);
    expect(await pendingIds(store)).toEqual([]);
  });

  it("is nothing that is over, or that never was", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await commit(store, seen("web/api", 2, [], { gone: ["a"] }));
    expect(await store.acknowledge(1, 5)).toBeUndefined();
    expect(await store.snooze(1, 5)).toBeUndefined();
    expect(await store.acknowledge(99, 5)).toBeUndefined();
    expect(await pendingIds(store)).toEqual([1]);
  });
});

describe("what the owner has snoozed", () => {
  it("is quiet until its time, and then waits for a verdict again", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    expect(await store.snooze(1, 100)).toMatchObject({ status: "snoozed" });
    const changed = observation("a", { title: "other" });
    expect(said(await commit(store, seen("web/api", 50, [changed])))).toEqual([
      "changed 1 quietly",
    ]);
    await store.wakeSnoozed(99);
    expect(await pendingIds(store)).toEqual([]);
    await store.wakeSnoozed(100);
    expect(await store.pendingFindings(5)).toMatchObject([{ id: 1, status: "open" }]);
    const [{ revision = 0 } = {}] = await store.getFindings([1]);
    await store.wakeSnoozed(200);
    expect(await store.getFindings([1])).toMatchObject([{ revision }]);
  });

  it("does not wait for its time when it gets worse, nor when it is over", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a"), observation("b")]));
    await store.snooze(1, 100);
    await store.snooze(2, 100);
    const worse = observation("a", { title: "worse", severity: "critical" });
    const events = await commit(store, seen("web/api", 50, [worse], { gone: ["b"] }));
    expect(said(events)).toEqual(["changed 1", "resolved 2"]);
    await store.wakeSnoozed(100);
    expect(await store.getFindings([1, 2])).toMatchObject([
      { status: "open" },
      { status: "resolved" },
    ]);
  });
});

describe("lists of findings", () => {
  it("show what is open, the most severe and newest first, or all, newest first", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a"), observation("b")]));
    await commit(store, seen("web/api", 2, [observation("c", { severity: "critical" })]));
    await commit(store, seen("web/api", 3, [observation("d")], { gone: ["a"] }));
    const ids = async (all: boolean, limit = 10) =>
      (await store.listFindings({ all, limit })).map(({ id }) => id);
    expect(await ids(false)).toEqual([3, 4, 2]);
    expect(await ids(true)).toEqual([4, 3, 2, 1]);
    expect(await ids(true, 2)).toEqual([4, 3]);
    expect((await store.status()).openFindings).toBe(3);
  });

  it("take more ids than SQLite takes parameters", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    const ids = Array.from({ length: 40_000 }, (_, index) => index);
    expect((await store.getFindings(ids)).map(({ id }) => id)).toEqual([1]);
    expect(await store.getFindings([])).toEqual([]);
  });
});
