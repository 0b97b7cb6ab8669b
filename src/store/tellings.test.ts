import { describe, expect, it } from "vitest";
import { commit, observation, openTemporaryStore, seen } from "./store-fixture.ts";
import type { NewNotification, Store } from "./index.ts";

const hour = 3_600_000;
const day = 24 * hour;

const told = (
  findingId: number,
  changes: Partial<NewNotification> = {},
  kind: "told" | "reminder" | "digest" = "told",
): NewNotification => ({
  ...{ kind: "finding", state: "ready", findings: [findingId], severity: "critical" },
  ...{ title: "the title", body: "", why: "", dueAt: 0 },
  tellings: [{ findingId, kind, state: "opened", severity: "critical" }],
  ...changes,
});

const tell = (store: Store, at: number, ...notifications: NewNotification[]) =>
  store.applyVerdicts({ at, verdicts: [], notifications });

const critical = (key: string, title = key) => observation(key, { severity: "critical", title });

describe("what was told of a finding", () => {
  it("on a clock a year ahead makes nothing flap when that is set back", async () => {
    const { store } = await openTemporaryStore();
    for (let at = 365 * day; at < 365 * day + 5; at += 1) {
      await commit(store, seen("web/api", at, [critical("a", `title ${at}`)]));
    }
    expect((await store.tellingHistories([1], 365 * day)).get(1)?.timesWithinHour).toBe(5);
    expect((await store.tellingHistories([1], day)).get(1)?.timesWithinHour).toBe(1);
  });

  it("is kept with the message, or neither is", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [critical("a")]));
    await tell(store, 5, told(1));
    const broken = told(1, { title: null as unknown as string });
    await expect(tell(store, 6, broken)).rejects.toThrow("NOT NULL");
    const unknown = told(1, {
      tellings: [{ findingId: 99, kind: "told", state: "opened", severity: "critical" }],
    });
    await expect(tell(store, 6, unknown)).rejects.toThrow("FOREIGN KEY");
    expect(await store.undelivered()).toHaveLength(1);
    expect((await store.tellingHistories([1], 7)).get(1)).toEqual({
      tellings: [{ findingId: 1, kind: "told", state: "opened", severity: "critical", at: 5 }],
      timesWithinHour: 1,
      latestFindingId: 1,
      ackedAt: null,
      snoozedUntil: null,
    });
  });

  it("has with it what was told under its key within a day, and under no other", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [critical("a"), critical("b")]));
    await commit(store, seen("web/shop", 1, [critical("a")]));
    await tell(store, 10, told(1));
    await tell(store, 20, told(2), told(3));
    await commit(store, seen("web/api", 30, [], { gone: ["a"] }));
    await commit(store, seen("web/api", 40, [critical("a")]));
    await tell(store, 50, told(4), told(4, {}, "reminder"));
    const of = async (id: number, now: number) =>
      (await store.tellingHistories([id], now)).get(id)?.tellings.map(({ at, kind }) => [at, kind]);
    expect(await of(4, 60)).toEqual([
      [10, "told"],
      [50, "told"],
      [50, "reminder"],
    ]);
    expect(await of(4, 40 + day)).toEqual([
      [50, "told"],
      [50, "reminder"],
    ]);
    // Of the finding itself all is known, however long ago it was.
    expect(await of(1, 10 * day)).toEqual([[10, "told"]]);
    expect(await store.tellingHistories([99], 60)).toEqual(new Map());
    expect((await store.tellingHistories([1, 4], 60)).get(1)?.latestFindingId).toBe(4);
  });

  it("counts how often its key opened or changed within an hour, not how often it was over", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [critical("a")]));
    await commit(store, seen("web/api", 2, [critical("a", "other")]));
    await commit(store, seen("web/api", 3, [], { gone: ["a"] }));
    await commit(store, seen("web/api", hour, [critical("a")]));
    const times = async (now: number) =>
      (await store.tellingHistories([2], now)).get(2)?.timesWithinHour;
    expect(await times(hour)).toBe(3);
    expect(await times(hour + 2)).toBe(2);
    expect(await times(hour + 3)).toBe(1);
  });

  it("has the owner's word, until it gets worse", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [observation("a", { severity: "notice" })]));
    const word = async () => {
      const history = (await store.tellingHistories([1], 60)).get(1);
      return [history?.ackedAt, history?.snoozedUntil];
    };
    await store.acknowledge(1, 5);
    expect(await word()).toEqual([5, null]);
    await store.snooze(1, 50);
    expect(await word()).toEqual([null, 50]);
    await store.wakeSnoozed(50);
    expect(await word()).toEqual([null, 50]);
    await commit(store, seen("web/api", 60, [critical("a")]));
    expect(await word()).toEqual([null, null]);
  });
});

describe("what the owner may have to be reminded of", () => {
  it("is open, of that severity, with what was told of it in its order", async () => {
    const { store, sql } = await openTemporaryStore();
    const all = [critical("a"), critical("b"), critical("c"), critical("d")];
    await commit(store, seen("web/api", 1, [...all, observation("e", { severity: "warning" })]));
    await store.acknowledge(2, 2);
    await store.snooze(3, 99);
    await commit(store, seen("web/api", 3, [], { gone: ["d"] }));
    await tell(store, 7, told(1));
    // A clock that was set back: the order is that of the telling.
    await tell(store, 4, told(1, {}, "reminder"));
    expect(await store.openFindingsTold("critical")).toMatchObject([
      { finding: { id: 1 }, tellings: [{ at: 7 }, { at: 4 }] },
    ]);
    expect(await store.openFindingsTold("warning")).toMatchObject([
      { finding: { id: 5 }, tellings: [] },
    ]);
    const plan = sql
      .prepare(
        "explain query plan select * from findings where status = 'open' and severity = ? order by id",
      )
      .all("critical");
    expect(JSON.stringify(plan)).toContain("findings_open_severity");
  });

  it("counts as an interruption when it was said at once", async () => {
    const { store } = await openTemporaryStore();
    await commit(store, seen("web/api", 1, [critical("a")]));
    const held = told(1, { kind: "reminder", state: "held", heldBecause: "cap" }, "reminder");
    await tell(store, 5, told(1, { kind: "reminder" }, "reminder"), held);
    expect(await store.countInterruptions(0)).toBe(1);
    expect(await store.heldNotifications(9)).toMatchObject([{ heldBecause: "cap" }]);
  });
});
