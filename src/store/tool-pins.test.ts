import { expect, test } from "vitest";
import { openTemporaryStore } from "./store-fixture.ts";

const said = (name: string, hash: string, server = "desk") => ({
  ...{ name, server, hash },
  definition: { says: hash },
});

test("what is first seen is accepted; what it says later waits for the owner's word", async () => {
  const { store } = await openTemporaryStore();
  expect(await store.pinTools([said("desk_a", "1"), said("desk_b", "1")], 10)).toMatchObject([
    { name: "desk_a", hash: "1", seenAt: 10, acceptedAt: 10, offeredHash: null },
    { name: "desk_b" },
  ]);
  await store.pinTools([said("desk_a", "2"), said("desk_b", "1")], 20);
  await store.pinTools([said("desk_a", "2")], 30);
  const changed = { hash: "1", offeredHash: "2", offered: { says: "2" }, offeredAt: 20 };
  expect((await store.listToolPins())[0]).toMatchObject(changed);

  expect(await store.acceptTools("desk", 40)).toMatchObject([
    { name: "desk_a", hash: "2", definition: { says: "2" }, acceptedAt: 40, offeredHash: null },
  ]);
  expect(await store.acceptTools("desk", 50)).toEqual([]);
});

test("a tool that says again what was accepted is taken again, and one tool may be accepted alone", async () => {
  const { store } = await openTemporaryStore();
  await store.pinTools([said("desk_a", "1"), said("desk_b", "1")], 10);
  await store.pinTools([said("desk_a", "2"), said("desk_b", "2")], 20);
  expect(await store.pinTools([said("desk_a", "1")], 30)).toMatchObject([
    { hash: "1", offeredHash: null, offeredAt: null },
  ]);
  expect((await store.acceptTools("desk_b", 40)).map(({ name }) => name)).toEqual(["desk_b"]);
  expect(await store.acceptTools("elsewhere", 40)).toEqual([]);
});

test("servers are as they were last, and those not named are forgotten", async () => {
  const { store } = await openTemporaryStore();
  await store.recordToolServer({ name: "desk", state: "connecting", error: null, changedAt: 1 });
  await store.recordToolServer({ name: "desk", state: "failed", error: "gone", changedAt: 2 });
  await store.recordToolServer({ name: "old", state: "ready", error: null, changedAt: 1 });
  await store.keepToolServers(["desk"]);
  expect(await store.listToolServers()).toEqual([
    { name: "desk", state: "failed", error: "gone", changedAt: 2 },
  ]);
  await store.keepToolServers([]);
  expect(await store.listToolServers()).toEqual([]);
});
