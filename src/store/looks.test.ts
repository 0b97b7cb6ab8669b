import { describe, expect, it } from "vitest";
import type { Look } from "./index.ts";
import { commit, failed, observation, openTemporaryStore, said, seen } from "./store-fixture.ts";

const count = "select count(*) as count from";

describe("a look is saved whole", () => {
  it("with its findings, its cursor and its check's row", async () => {
    const { store, sql } = await openTemporaryStore();
    const data = { uid: 7, tags: ["a"] };
    const mail = observation("m1", { severity: "warning", text: "Hello", data, since: 900 });
    const events = await commit(store, seen("mail/work", 1_000, [mail], { cursor: { uid: 7 } }));

    expect(events).toEqual([
      {
        findingId: 1,
        state: "opened",
        severity: "warning",
        title: "title of m1",
        check: "mail/work",
        news: true,
      },
    ]);
    expect(await store.checkCursor("mail/work")).toEqual({ uid: 7 });
    const [finding] = await store.getFindings([1]);
    expect(finding).toMatchObject({
      id: 1,
      skill: "mail",
      check: "mail/work",
      key: "m1",
      state: "opened",
      status: "open",
      trust: "untrusted",
      text: "Hello",
      data,
      revision: 1,
      handledRevision: 0,
      toldRevision: 0,
      openedAt: 1_000,
      changedAt: 1_000,
      resolvedAt: null,
      since: 900,
      verdict: null,
    });
    expect((await store.status()).checks.find(({ name }) => name === "mail/work")).toMatchObject({
      status: "ok",
      lastRunAt: 1_000,
      lastOkAt: 1_000,
      nextDueAt: 61_000,
      lastError: null,
    });
    expect(sql.prepare("select * from finding_events").all()).toMatchObject([
      { finding_id: 1, beat_id: 1, revision: 1, state: "opened", at: 1_000 },
    ]);
  });

  const spoiled: [string, (good: Look) => Look][] = [
    [
      "data that is not JSON",
      (look) => withObservations(look, [observation("a"), observation("b", { data: 1n })]),
    ],
    ["a cursor in a circle", (look) => withCursor(look, circle())],
    ["a check nobody registered", (look) => ({ ...look, check: "mail/nobody" })],
    ["a beat that is not there", (look) => ({ ...look, beatId: 99 })],
    [
      "a title that is no text",
      (look) => withObservations(look, [observation("a", { title: null as unknown as string })]),
    ],
  ];

  it.each(spoiled)("or not at all: %s fails alone among good ones", async (_, spoil) => {
    const { store, sql } = await openTemporaryStore();
    const bad = spoil(seen("web/api", 1_000, [observation("a")], { cursor: "new" }));
    const outcomes = await store.commitLooks([
      seen("mail/work", 1_000, [observation("m1")], { cursor: 1 }),
      bad,
      seen("web/shop", 1_000, [observation("s1")], { cursor: 2 }),
    ]);

    expect(outcomes).toMatchObject([
      { check: "mail/work", events: [{ state: "opened" }] },
      { check: bad.check, error: expect.stringMatching(/\w/) },
      { check: "web/shop", events: [{ state: "opened" }] },
    ]);
    expect((await store.listFindings({ all: true, limit: 10 })).map(({ key }) => key)).toEqual([
      "s1",
      "m1",
    ]);
    expect(await store.knownObservations(bad.check)).toEqual([]);
    expect(await store.checkCursor("web/api")).toBeNull();
    expect((await store.status()).checks).toMatchObject([
      { name: "mail/work", lastRunAt: 1_000 },
      { name: "web/api", lastRunAt: null },
      { name: "web/shop", lastRunAt: 1_000 },
    ]);
    expect(sql.prepare(`${count} finding_events`).get()).toEqual({ count: 2 });

    // Nothing is lost either: the next look finds what this one could not save.
    expect(said(await commit(store, seen("web/api", 2_000, [observation("a")])))).toEqual([
      "opened 3",
    ]);
  });

  it("and says what is wrong without repeating what was seen", async () => {
    const { store } = await openTemporaryStore();
    const look = seen("web/api", 1_000, [observation("a", { title: "a secret" })]);
    const [outcome] = await store.commitLooks([{ ...look, beatId: 99 }]);
    expect(outcome).toEqual({ check: "web/api", error: expect.stringContaining("FOREIGN KEY") });
    expect(JSON.stringify(outcome)).not.toContain("a secret");
  });

  it("and nothing to save is nothing done", async () => {
    const { store } = await openTemporaryStore();
    expect(await store.commitLooks([])).toEqual([]);
  });
});

describe("a cursor", () => {
  it.each([["text"], [0], [false], [[1, { a: null }]], [null]])(
    "comes back as it was given: %j",
    async (cursor) => {
      const { store } = await openTemporaryStore();
      await commit(store, seen("mail/work", 1, [], { cursor }));
      expect(await store.checkCursor("mail/work")).toEqual(cursor);
    },
  );

  it("stays when a look gives none, and when a look fails", async () => {
    const { store } = await openTemporaryStore();
    expect(await store.checkCursor("mail/work")).toBeNull();
    await commit(store, seen("mail/work", 1, [], { cursor: "kept" }));
    await commit(store, seen("mail/work", 2, []));
    await commit(store, failed("mail/work", 3));
    expect(await store.checkCursor("mail/work")).toBe("kept");
    expect(await store.checkCursor("no/such")).toBeNull();
  });
});

describe("what a look says against what was known", () => {
  it("opens once, and changes with a new fingerprint", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1_000, [observation("a")]));
    expect(await commit(store, seen("web/api", 2_000, [observation("a")]))).toEqual([]);
    const worse = observation("a", { title: "worse", severity: "critical", trust: "trusted" });
    expect(said(await commit(store, seen("web/api", 3_000, [worse])))).toEqual(["changed 1"]);
    expect(await store.getFindings([1])).toMatchObject([
      {
        state: "changed",
        status: "open",
        severity: "critical",
        trust: "trusted",
        title: "worse",
        revision: 2,
        openedAt: 1_000,
        changedAt: 3_000,
      },
    ]);
    expect(await commit(store, seen("web/api", 4_000, [worse]))).toEqual([]);
  });

  it("keeps equal keys of two checks apart", async () => {
    const { store } = await openTemporaryStore();
    const events = await commit(
      store,
      seen("web/api", 1, [observation("a")]),
      seen("web/shop", 1, [observation("a")]),
    );
    expect(said(events)).toEqual(["opened 1", "opened 2"]);
    expect(said(await commit(store, seen("web/api", 2, [], { gone: ["a"] })))).toEqual([
      "resolved 1",
    ]);
    expect(await store.getFindings([2])).toMatchObject([{ status: "open" }]);
  });

  it("resolves what is named gone, and what a complete look misses; nothing else", async () => {
    const { store } = await openTemporaryStore();
    await commit(
      store,
      seen(
        "web/api",
        1,
        ["a", "b", "c"].map((key) => observation(key)),
      ),
    );
    expect(await commit(store, seen("web/api", 2, []), failed("web/api", 3))).toEqual([]);
    const gone = ["a", "never seen"];
    expect(said(await commit(store, seen("web/api", 4, [], { gone })))).toEqual(["resolved 1"]);
    const rest = [observation("b")];
    expect(said(await commit(store, seen("web/api", 5, rest, { complete: true })))).toEqual([
      "resolved 3",
    ]);
    expect(await store.getFindings([1, 2, 3])).toMatchObject([
      { id: 1, state: "resolved", status: "resolved", resolvedAt: 4, revision: 2 },
      { id: 2, state: "opened", status: "open", resolvedAt: null },
      { id: 3, state: "resolved", status: "resolved", resolvedAt: 5 },
    ]);
  });

  it("opens a new finding for what comes back", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a")]));
    await commit(store, seen("web/api", 2, [], { complete: true }));
    expect(said(await commit(store, seen("web/api", 3, [observation("a")])))).toEqual(["opened 2"]);
    expect(await store.getFindings([1, 2])).toMatchObject([
      { status: "resolved", openedAt: 1 },
      { status: "open", openedAt: 3 },
    ]);
    expect(said(await commit(store, seen("web/api", 4, [], { gone: ["a"] })))).toEqual([
      "resolved 2",
    ]);
  });

  it("takes 10,000 observations in one look, and none of them twice", async () => {
    const { store } = await openTemporaryStore();
    const many = Array.from({ length: 10_000 }, (_, index) => observation(`m${index}`));
    expect(await commit(store, seen("mail/work", 1, many))).toHaveLength(10_000);
    expect(await commit(store, seen("mail/work", 2, many, { complete: true }))).toEqual([]);
  });
});

describe("what is over by itself", () => {
  it("is resolved without a word once its time has come", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a", { closesAt: 100 })]));
    await store.closeOver(99);
    expect(await store.pendingFindings(10)).toHaveLength(1);
    await store.closeOver(100);
    expect(await store.pendingFindings(10)).toEqual([]);
    expect(await store.getFindings([1])).toMatchObject([{ status: "resolved", resolvedAt: 100 }]);
  });

  it("is so by a look too, quietly", async () => {
    const { store } = await openTemporaryStore();
    const meeting = observation("a", { closesAt: 100 });
    await commit(store, seen("web/api", 1, [meeting]));
    expect(said(await commit(store, seen("web/api", 100, [meeting])))).toEqual([
      "resolved 1 quietly",
    ]);
    expect(await commit(store, seen("web/api", 101, [meeting]))).toEqual([]);
  });

  it("lasts until the time that the last look named, which alone is no news", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a", { closesAt: 100 })]));
    expect(await commit(store, seen("web/api", 50, [observation("a", { closesAt: 150 })]))).toEqual(
      [],
    );
    await store.closeOver(149);
    expect(await store.getFindings([1])).toMatchObject([{ status: "open", revision: 1 }]);
    await store.closeOver(150);
    expect(await store.getFindings([1])).toMatchObject([{ status: "resolved" }]);
  });
});

describe("a check that cannot see", () => {
  const blind = { title: "I have not seen web/api since 09:00", text: "3 looks have failed." };

  it("is one finding of ours, opened once and resolved by the first look that sees", async () => {
    const { store } = await openTemporaryStore();
    expect(await commit(store, failed("web/api", 1), failed("web/api", 2))).toEqual([]);
    expect(said(await commit(store, failed("web/api", 3, blind)))).toEqual(["opened 1"]);
    expect(await commit(store, failed("web/api", 4, blind))).toEqual([]);
    expect(await store.getFindings([1])).toMatchObject([
      { skill: "watchkeeper", key: "web/api", severity: "warning", trust: "trusted", ...blind },
    ]);
    expect(said(await commit(store, seen("web/api", 5, [])))).toEqual(["resolved 1"]);
    expect(await commit(store, seen("web/api", 6, []))).toEqual([]);
  });

  it("is blind again as a new finding, and does not stand for another check", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, failed("web/api", 1, blind), failed("web/shop", 1, blind));
    await commit(store, seen("web/api", 2, []));
    expect(await store.getFindings([1, 2])).toMatchObject([
      { status: "resolved" },
      { key: "web/shop", status: "open" },
    ]);
    expect(said(await commit(store, failed("web/api", 3, blind)))).toEqual(["opened 3"]);
  });

  it("has its error and its failures on the check's row", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, failed("web/api", 7));
    expect((await store.status()).checks).toContainEqual(
      expect.objectContaining({
        name: "web/api",
        status: "failing",
        lastError: "no answer",
        consecutiveFailures: 1,
        failingSince: 7,
      }),
    );
    await commit(store, seen("web/api", 8, []));
    expect((await store.status()).checks).toContainEqual(
      expect.objectContaining({ name: "web/api", status: "ok", lastError: null }),
    );
  });
});

function withObservations(look: Look, observations: ReturnType<typeof observation>[]): Look {
  return look.result.kind === "seen" ? { ...look, result: { ...look.result, observations } } : look;
}

function withCursor(look: Look, cursor: unknown): Look {
  return look.result.kind === "seen" ? { ...look, result: { ...look.result, cursor } } : look;
}

function circle(): unknown {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  return ring;
}
