import { describe, expect, it } from "vitest";
import type { ChannelRegistration, NewNotification, Store } from "./index.ts";
import { openTemporaryStore } from "./store-fixture.ts";

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

const always = (name: string): ChannelRegistration => ({ name, use: "always", severity: "info" });
const lastResort: ChannelRegistration = { name: "terminal", use: "last-resort", severity: "info" };
const nothing = { plan: [], end: [], settle: null, tell: [] } as const;
const ok = { error: null, nextAt: null, health: { consecutiveFailures: 0, failingSince: null } };

/** One notification that is planned for the channels: its deliveries have the ids 1, 2 and so on. */
async function planned(...channels: ChannelRegistration[]) {
  const place = await openTemporaryStore();
  const { store } = place;
  await store.registerChannels(channels, { at: 0 });
  await add(store, 1, notification());
  const plan = channels.map(({ name }) => name);
  await store.moveDeliveries(1, { ...nothing, plan, at: 2 });
  return place;
}

const statesOf = async (store: Store): Promise<unknown[]> =>
  (await store.undelivered()).flatMap(({ deliveries }) => deliveries.map(({ state }) => state));

describe("what is undelivered", () => {
  it("is what is ready, with every delivery that was planned for it", async () => {
    const { store } = await openTemporaryStore();
    await add(store, 1, notification(), notification({ state: "held" }));
    expect(await store.undelivered()).toEqual([
      { notificationId: 1, severity: "warning", deliveries: [] },
    ]);
    await store.moveDeliveries(1, { ...nothing, plan: ["ntfy", "email"], at: 2 });
    const waiting = { state: "waiting", attempts: 0, plannedAt: 2, nextAt: null };
    expect(await store.undelivered()).toMatchObject([
      { notificationId: 1, deliveries: [{ channel: "ntfy", ...waiting }, { channel: "email" }] },
    ]);
    expect((await store.status()).undelivered).toBe(1);
  });

  it("stays so for a channel that does not have it when another has", async () => {
    const { store } = await planned(always("ntfy"), always("email"));
    await store.beginDelivery(1, 3);
    await store.finishDelivery(1, { at: 4, state: "sent", ...ok });
    expect(await store.getNotification(1)).toMatchObject({ state: "delivered" });
    expect(await statesOf(store)).toEqual(["sent", "waiting"]);
    expect((await store.status()).undelivered).toBe(0);
    await store.beginDelivery(2, 5);
    await store.finishDelivery(2, { at: 6, state: "sent", ...ok });
    expect(await store.undelivered()).toEqual([]);
  });

  it("is looked up by indexes alone", async () => {
    const { sql } = await openTemporaryStore();
    const plan = sql
      .prepare(
        `explain query plan select * from notifications left join deliveries
         on deliveries.notification_id = notifications.id where notifications.id in (
           select id from notifications where state = 'ready' union select notification_id
           from deliveries where deliveries.state in ('waiting', 'sending', 'failed'))
         order by notifications.id, deliveries.id`,
      )
      .all() as { detail: string }[];
    const scans = plan.map(({ detail }) => detail).filter((detail) => detail.startsWith("SCAN"));
    expect(scans.filter((detail) => !detail.includes("INDEX deliveries_open"))).toEqual([]);
  });
});

describe("a delivery", () => {
  it("has a key of its own, which stays the same over all attempts", async () => {
    const { store } = await planned(always("ntfy"), always("email"));
    const keysOf = async () =>
      (await store.undelivered()).flatMap(({ deliveries }) => deliveries.map(({ key }) => key));
    const keys = await keysOf();
    expect(new Set(keys).size).toBe(2);
    await store.beginDelivery(1, 3);
    await store.finishDelivery(1, { ...ok, at: 4, state: "failed", error: "no" });
    await store.beginDelivery(1, 5);
    expect(await keysOf()).toEqual(keys);
    const other = await planned(always("ntfy"));
    const [elsewhere] = await other.store.undelivered();
    expect(keys).not.toContain(elsewhere?.deliveries[0]?.key);
  });

  it("is planned once for a channel, however often it is decided", async () => {
    const { store } = await planned(always("ntfy"));
    await store.moveDeliveries(1, { ...nothing, plan: ["ntfy"], at: 9 });
    expect(await statesOf(store)).toEqual(["waiting"]);
  });

  it("is begun by one only, and never again once it is sent or unknown", async () => {
    const { store } = await planned(always("ntfy"), always("email"));
    expect(await store.beginDelivery(1, 3)).toBe(true);
    expect(await store.beginDelivery(1, 3)).toBe(false);
    await store.finishDelivery(1, { at: 4, state: "sent", ...ok });
    expect(await store.beginDelivery(1, 5)).toBe(false);
    await store.beginDelivery(2, 5);
    await store.finishDelivery(2, { ...ok, at: 6, state: "unknown", error: "cut" });
    expect(await store.beginDelivery(2, 7)).toBe(false);
  });

  it("that failed is tried again with its cause and its time, and counted", async () => {
    const { store, sql } = await planned(always("ntfy"));
    await store.beginDelivery(1, 3);
    await store.finishDelivery(1, { ...ok, at: 4, state: "failed", error: "no paper", nextAt: 30 });
    expect(
      sql.prepare("select state, attempts, last_error, next_at from deliveries").get(),
    ).toEqual({
      ...{ state: "failed", attempts: 1, last_error: "no paper", next_at: 30 },
    });
    expect(await store.beginDelivery(1, 30)).toBe(true);
  });

  it("that a killed daemon had begun stays begun at the next start; the waits of failed ones end", async () => {
    const { store } = await planned(always("ntfy"), always("email"));
    await store.beginDelivery(1, 2);
    await store.beginDelivery(2, 2);
    await store.finishDelivery(2, { ...ok, at: 4, state: "failed", error: "no", nextAt: 9_999 });
    await store.recordStart({ pid: 1, version: "1", heartbeatMs: 1, at: 5 });
    expect(await store.undelivered()).toMatchObject([
      { deliveries: [{ state: "sending" }, { state: "failed", nextAt: null }] },
    ]);
  });

  it("of an earlier version gets a key and a beginning at the next start", async () => {
    const { store, sql } = await planned(always("terminal"));
    sql.exec("update deliveries set key = null, planned_at = 0, updated_at = 77");
    await store.recordStart({ pid: 1, version: "1", heartbeatMs: 1, at: 5 });
    const [message] = await store.undelivered();
    expect(message?.deliveries).toMatchObject([
      { plannedAt: 77, key: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });
});

describe("what is decided for a message", () => {
  it("is carried out together: deliveries that end, new ones, its state and what is told of it", async () => {
    const { store, sql } = await planned(always("ntfy"));
    await store.moveDeliveries(1, {
      ...{ plan: ["email"], end: [{ id: 1, state: "handed-on" }], settle: null, at: 7 },
      tell: [
        {
          ...{ check: "watchkeeper/deliveries", key: "a", severity: "notice" },
          ...{ title: "doubt", text: null, trust: "untrusted", at: 7 },
        },
      ],
    });
    expect(await statesOf(store)).toEqual(["handed-on", "waiting"]);
    expect(await store.listFindings({ all: true, limit: 5 })).toMatchObject([
      { title: "doubt", trust: "untrusted", skill: "watchkeeper" },
    ]);

    const broken = { check: "c", key: "k", severity: "notice", title: null as unknown as string };
    const end = [{ id: 2, state: "given-up" }] as const;
    await expect(
      store.moveDeliveries(1, {
        ...{ plan: [], end, settle: "untold", at: 8 },
        tell: [{ ...broken, severity: "notice", text: null, at: 8 }],
      }),
    ).rejects.toThrow("NOT NULL");
    expect(await store.getNotification(1)).toMatchObject({ state: "ready" });
    expect(sql.prepare("select state from deliveries where id = 2").pluck().get()).toBe("waiting");
  });

  it("takes back nothing that was sent in the meantime", async () => {
    const { store, sql } = await planned(always("ntfy"));
    await store.beginDelivery(1, 3);
    await store.finishDelivery(1, { at: 4, state: "sent", ...ok });
    const end = [{ id: 1, state: "given-up" }] as const;
    await store.moveDeliveries(1, { ...nothing, end, settle: "untold", at: 5 });
    expect(sql.prepare("select state from deliveries").pluck().all()).toEqual(["sent"]);
    expect(await store.getNotification(1)).toMatchObject({ state: "delivered" });
  });

  it("what only the last resort has told counts as undelivered while others are tried", async () => {
    const { store } = await planned(always("ntfy"), lastResort);
    await store.beginDelivery(2, 3);
    await store.finishDelivery(2, { at: 4, state: "sent", ...ok });
    expect(await store.getNotification(1)).toMatchObject({ state: "ready" });
    expect((await store.status()).undelivered).toBe(1);
  });
});

describe("a channel", () => {
  it("remembers over restarts how it stands, and what waits for it", async () => {
    const { store } = await planned(always("ntfy"), lastResort);
    const health = { consecutiveFailures: 3, failingSince: 4 };
    await store.beginDelivery(1, 3);
    await store.finishDelivery(1, { at: 4, state: "failed", error: "down", nextAt: 9, health });
    const fallback = { ...always("ntfy"), use: "fallback" } as const;
    const records = await store.registerChannels([lastResort, fallback], { at: 5 });
    expect(records).toEqual([
      {
        ...{ name: "terminal", use: "last-resort", severity: "info", waiting: 1 },
        ...{ consecutiveFailures: 0, failingSince: null, lastError: null, lastSentAt: null },
      },
      { ...fallback, ...health, lastError: "down", lastSentAt: null, waiting: 1 },
    ]);
    expect((await store.status()).channels).toEqual(records);
  });

  it("that works again makes due at once what failed there, and there only", async () => {
    const { store, sql } = await planned(always("ntfy"), always("email"));
    await add(store, 1, notification());
    await store.moveDeliveries(2, { ...nothing, plan: ["ntfy"], at: 2 });
    const health = { consecutiveFailures: 1, failingSince: 4 };
    for (const id of [1, 2]) {
      await store.beginDelivery(id, 3);
      await store.finishDelivery(id, { at: 4, state: "failed", error: "no", nextAt: 99, health });
    }
    await store.beginDelivery(3, 5);
    await store.finishDelivery(3, { at: 6, state: "sent", ...ok });
    expect(sql.prepare("select channel, next_at from deliveries order by id").all()).toEqual([
      { channel: "ntfy", next_at: null },
      { channel: "email", next_at: 99 },
      { channel: "ntfy", next_at: null },
    ]);
    expect((await store.status()).channels).toMatchObject([
      { name: "ntfy", failingSince: null, lastError: "no", lastSentAt: 6 },
      { name: "email", failingSince: 4 },
    ]);
  });

  it("that is taken out of the config is forgotten, and no finding speaks of it any more", async () => {
    const { store } = await planned(always("ntfy"), always("email"));
    const down = { check: "watchkeeper/channels", severity: "warning", text: null, at: 3 } as const;
    await store.setOwnFinding({ ...down, key: "ntfy", title: "ntfy is down", since: 1 });
    await store.setOwnFinding({ ...down, key: "email", title: "email is down" });
    await store.registerChannels([always("email")], { at: 5 });
    expect((await store.status()).channels.map(({ name }) => name)).toEqual(["email"]);
    expect(await store.listFindings({ all: true, limit: 5 })).toMatchObject([
      { key: "email", state: "opened" },
      { key: "ntfy", state: "resolved", revision: 2, handledRevision: 2, since: 1 },
    ]);
  });
});

it("counts deliveries by channel and state", async () => {
  const { store } = await planned(always("ntfy"), always("email"));
  await store.beginDelivery(1, 3);
  await store.finishDelivery(1, { at: 4, state: "sent", ...ok });
  expect((await store.totals()).deliveries).toEqual([
    { channel: "email", state: "waiting", count: 1 },
    { channel: "ntfy", state: "sent", count: 1 },
  ]);
});
