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

async function sent(store: Store, notificationId: number): Promise<void> {
  const move = { plan: [], end: [], settle: "delivered", at: 9, tell: [] } as const;
  await store.moveDeliveries(notificationId, move);
}

describe("what waits for the digest", () => {
  it("is held until its time and folded into one message, once", async () => {
    const { store } = await openTemporaryStore();
    expect(await store.nextDigestAt(0)).toBeNull();
    await add(
      store,
      1,
      notification({ state: "held", dueAt: 200 }),
      notification({ state: "held", dueAt: 100, findings: [2] }),
      notification(),
    );
    expect(await store.nextDigestAt(0)).toBe(100);
    expect(await store.heldNotifications(99)).toEqual([]);
    expect(await store.heldNotifications(100)).toMatchObject([{ id: 2, findings: [2] }]);
    expect(ids(await store.heldNotifications(200))).toEqual([1, 2]);

    const digest = notification({ kind: "digest", findings: [1, 2] });
    await store.foldIntoDigest([1, 2], digest, 200);
    expect(await store.nextDigestAt(0)).toBeNull();
    expect(await store.heldNotifications(999)).toEqual([]);
    expect(await store.listNotifications({ limit: 3 })).toMatchObject([
      { id: 4, kind: "digest", state: "ready", findings: [1, 2], createdAt: 200 },
      { id: 3, state: "ready" },
      { id: 2, state: "folded" },
    ]);
  });

  it("does not wait for a time so far ahead that only a clock set back since can have meant it", async () => {
    const { store } = await openTemporaryStore();
    const year = 365 * 24 * 3_600_000;
    await add(store, year, notification({ state: "held", dueAt: year + 1_000 }));
    expect(await store.nextDigestAt(5)).toBe(5);
    expect(ids(await store.heldNotifications(5))).toEqual([1]);
    expect(await store.nextDigestAt(year)).toBe(year + 1_000);
    expect(await store.heldNotifications(year)).toEqual([]);
  });

  it("is dropped when nothing of it is left to tell", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification({ state: "held" }));
    await store.foldIntoDigest([1], null, 100);
    expect(await store.nextDigestAt(0)).toBeNull();
    expect(await store.listNotifications({ limit: 9 })).toMatchObject([{ id: 1, state: "folded" }]);
  });

  it("takes back nothing that has gone out already", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification());
    await sent(store, 1);
    await store.foldIntoDigest([1], notification({ kind: "digest" }), 4);
    expect(await store.listNotifications({ limit: 9 })).toMatchObject([
      { id: 2 },
      { id: 1, state: "delivered" },
    ]);
  });
});

it("counts what interrupted the owner since an instant: no digests, nothing held", async () => {
  const { store } = await openTemporaryStore();
  await add(store, 10, notification(), notification({ state: "held" }));
  await add(store, 20, notification(), notification({ kind: "digest" }));
  await add(store, 20, notification({ kind: "notice" }));
  await sent(store, 1);
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
  expect(await store.getNotification(1)).toMatchObject({ runId: null, createdAt: 5 });

  const broken = notification({ title: null as unknown as string });
  await expect(
    store.tellNow({ notification: broken, told: [{ findingId: 1, revision: 2 }], at: 6 }),
  ).rejects.toThrow("NOT NULL");
  expect(await store.getFindings([1])).toMatchObject([{ toldRevision: 1 }]);
});
