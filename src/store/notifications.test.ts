import { describe, expect, it } from "vitest";
import type { NewNotification, Store } from "./index.ts";
import { commit, observation, openTemporaryStore, seen } from "./store-fixture.ts";

const notification = (changes: Partial<NewNotification> = {}): NewNotification => ({
  kind: "finding",
  state: "ready",
  findings: [1],
  severity: "warning",
  title: "the title",
  body: "the body",
  why: "the reason",
  dueAt: 100,
  ...changes,
});

const add = (store: Store, at: number, ...notifications: NewNotification[]) =>
  store.applyVerdicts({ at, verdicts: [], notifications });

const ids = (notifications: readonly { id: number }[]) => notifications.map(({ id }) => id);

describe("what waits for the digest", () => {
  it("is held until its time and folded into one message, once", async () => {
    const { store } = await openTemporaryStore();
    expect(await store.nextDigestAt()).toBeNull();
    await add(
      store,
      1,
      notification({ state: "held", dueAt: 200 }),
      notification({ state: "held", dueAt: 100, findings: [2] }),
      notification(),
    );
    expect(await store.nextDigestAt()).toBe(100);
    expect(await store.heldNotifications(99)).toEqual([]);
    expect(await store.heldNotifications(100)).toMatchObject([{ id: 2, findings: [2] }]);
    expect(ids(await store.heldNotifications(200))).toEqual([1, 2]);

    const digest = notification({ kind: "digest", findings: [1, 2] });
    await store.foldIntoDigest([1, 2], digest, 200);
    expect(await store.nextDigestAt()).toBeNull();
    expect(await store.heldNotifications(999)).toEqual([]);
    expect(ids(await store.readyNotifications())).toEqual([3, 4]);
    expect(await store.listNotifications({ limit: 3 })).toMatchObject([
      { id: 4, kind: "digest", state: "ready", findings: [1, 2], createdAt: 200 },
      { id: 3, state: "ready" },
      { id: 2, state: "folded" },
    ]);
  });

  it("is dropped when nothing of it is left to tell", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification({ state: "held" }));
    await store.foldIntoDigest([1], null, 100);
    expect(await store.nextDigestAt()).toBeNull();
    expect(await store.listNotifications({ limit: 9 })).toMatchObject([{ id: 1, state: "folded" }]);
  });

  it("takes back nothing that has gone out already", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification());
    await store.beginDelivery(1, "terminal", 2);
    await store.finishDelivery(1, "terminal", { at: 3, error: null });
    await store.foldIntoDigest([1], notification({ kind: "digest" }), 4);
    expect(await store.listNotifications({ limit: 9 })).toMatchObject([
      { id: 2 },
      { id: 1, state: "delivered" },
    ]);
  });
});

describe("a delivery", () => {
  it("that succeeded is never begun again", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification());
    expect((await store.status()).undelivered).toBe(1);
    expect(await store.beginDelivery(1, "terminal", 2)).toBe(true);
    await store.finishDelivery(1, "terminal", { at: 3, error: null });
    expect(await store.beginDelivery(1, "terminal", 4)).toBe(false);
    expect(await store.readyNotifications()).toEqual([]);
    expect((await store.status()).undelivered).toBe(0);
  });

  it("that failed is tried again and counted, its cause kept", async () => {
    const { store, sql } = await openTemporaryStore();
    await add(store, 1, notification());
    await store.beginDelivery(1, "terminal", 2);
    await store.finishDelivery(1, "terminal", { at: 3, error: "no terminal" });
    expect(ids(await store.readyNotifications())).toEqual([1]);
    expect(sql.prepare("select state, last_error from deliveries").all()).toEqual([
      { state: "failed", last_error: "no terminal" },
    ]);
    expect(await store.beginDelivery(1, "terminal", 4)).toBe(true);
    expect(sql.prepare("select attempts from deliveries").pluck().get()).toBe(2);
  });

  it("that is under way is not begun beside it, unless it is lost", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification());
    expect(await store.beginDelivery(1, "terminal", 1_000)).toBe(true);
    expect(await store.beginDelivery(1, "terminal", 1_000)).toBe(false);
    expect(await store.beginDelivery(1, "other", 1_000)).toBe(true);
    expect(await store.beginDelivery(1, "terminal", 1_000 + 10 * 60_000 - 1)).toBe(false);
    expect(await store.beginDelivery(1, "terminal", 1_000 + 10 * 60_000)).toBe(true);
  });

  it("that a killed daemon had begun is tried again by the next one", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification());
    await store.beginDelivery(1, "terminal", 2);
    await store.recordStart({ pid: 1, version: "1", heartbeatMs: 1, at: 3 });
    expect(await store.beginDelivery(1, "terminal", 4)).toBe(true);
  });
});

it("counts what interrupted the owner since an instant: no digests, nothing held", async () => {
  const { store } = await openTemporaryStore();
  await add(store, 10, notification(), notification({ state: "held" }));
  await add(store, 20, notification(), notification({ kind: "digest" }));
  await add(store, 20, notification({ kind: "notice" }));
  await store.beginDelivery(1, "terminal", 21);
  await store.finishDelivery(1, "terminal", { at: 21, error: null });
  expect(await store.countInterruptions(0)).toBe(3);
  expect(await store.countInterruptions(10)).toBe(3);
  expect(await store.countInterruptions(11)).toBe(2);
  expect(await store.countInterruptions(21)).toBe(0);
});

it("tells ahead of the verdict: the message and what it told, together; the verdict still waits", async () => {
  const { store } = await openTemporaryStore();
  await commit(store, seen("web/api", 1, [observation("a", { severity: "critical" })]));
  const told = [{ findingId: 1, revision: 1 }];
  await store.tellNow({ notification: notification(), told, at: 5 });
  expect(await store.getFindings([1])).toMatchObject([{ toldRevision: 1, handledRevision: 0 }]);
  expect(await store.readyNotifications()).toMatchObject([{ runId: null, createdAt: 5 }]);

  const broken = notification({ title: null as unknown as string });
  await expect(
    store.tellNow({ notification: broken, told: [{ findingId: 1, revision: 2 }], at: 6 }),
  ).rejects.toThrow("NOT NULL");
  expect(await store.getFindings([1])).toMatchObject([{ toldRevision: 1 }]);
});
