import { describe, expect, it } from "vitest";
import { openTemporaryStore } from "./store-fixture.ts";

const hour = 3_600_000;

async function setUp() {
  const { store, sql } = await openTemporaryStore();
  let count = 0;
  return {
    store,
    sql,
    note: (text: string, more: { trust?: "untrusted"; expiresAt?: number } = {}) =>
      store.addMemory({
        runId: null,
        text,
        trust: "trusted",
        createdAt: (count += 1) * hour,
        expiresAt: null,
        noteKey: `key-${count}`,
        ...more,
      }),
    ids: async (now = 0, all = true) =>
      (await store.listMemories({ all, now })).map(({ id }) => id),
    find: async (text: string) =>
      (await store.searchMemories({ text, limit: 9, now: 0 })).map(({ id }) => id),
  };
}

describe("listing", () => {
  it("is the newest first, and leaves out what is past its time", async () => {
    const { note, ids, store } = await setUp();
    await note("a");
    await note("b", { expiresAt: 10 * hour });
    await note("c");
    expect(await ids()).toEqual([3, 2, 1]);
    expect(await ids(10 * hour, false)).toEqual([3, 1]);
    expect(await ids(10 * hour - 1, false)).toEqual([3, 2, 1]);
    const after = await store.memoriesAfter({ id: 1, limit: 5, now: 10 * hour });
    expect(after.map(({ id }) => id)).toEqual([3]);
    expect(await store.getMemory(9)).toBeUndefined();
  });
});

describe("tidying", () => {
  it("forgets what is past its time and merges what says the same; the index knows", async () => {
    const { note, ids, find, store } = await setUp();
    await note("Ann likes tea");
    await note("An old tale", { expiresAt: 5 * hour });
    await note("Ann likes tea. Ben does not.");
    await note("ann likes tea", { trust: "untrusted" });
    expect(await store.tidyMemories(5 * hour)).toEqual({ expired: 1, merged: 1 });
    // The same words as an untrusted note: untrusted, so it does not go into the trusted one.
    expect(await ids()).toEqual([3, 1]);
    expect(await store.getMemory(1)).toMatchObject({ trust: "untrusted", createdAt: hour });
    expect(await find("tale")).toEqual([]);
    expect((await find("tea")).toSorted()).toEqual([1, 3]);
  });

  it("done again changes nothing: a process killed after it has lost nothing", async () => {
    const { note, sql, store } = await setUp();
    await note("One. Two.");
    await note("Two");
    await note("one");
    await store.tidyMemories(0);
    const rows = () => sql.prepare("select * from memories order by id").all();
    const before = rows();
    expect(before).toHaveLength(1);
    expect(await store.tidyMemories(0)).toEqual({ expired: 0, merged: 0 });
    expect(rows()).toEqual(before);
  });

  it("keeps the number of a note that is merged away from being given again", async () => {
    const { note, ids, store } = await setUp();
    await note("One");
    await note("one");
    await store.tidyMemories(0);
    await note("Two");
    expect(await ids()).toEqual([3, 1]);
  });
});
