import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { silentLog } from "../telemetry/log.ts";
import type { NewNotification } from "../store/port.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import type { Channel } from "./channel.ts";
import { noExtras, type Message } from "./message.ts";
import { deliverReady } from "./outbox.ts";

const notification = (title: string): NewNotification => ({
  kind: "finding",
  state: "ready",
  findings: [1],
  severity: "warning",
  title,
  body: "",
  why: "",
  dueAt: 0,
});

async function bench(...titles: string[]) {
  const { store, sql } = await openTemporaryStore();
  await store.applyVerdicts({ at: 1, verdicts: [], notifications: titles.map(notification) });
  const stop = new AbortController();
  return {
    store,
    stop,
    deliver: (...channels: Channel[]) =>
      deliverReady({
        store,
        channels,
        extrasFor: async () => noExtras,
        clock: new FakeClock(),
        log: silentLog,
        signal: stop.signal,
      }),
    deliveries: () =>
      sql.prepare("select channel, state, attempts, last_error from deliveries").all(),
  };
}

function channel(name: string, deliver: (title: string) => Promise<void> | void) {
  const got: string[] = [];
  return {
    got,
    name,
    repeatable: true,
    async deliver({ title }: Message) {
      got.push(title);
      await deliver(title);
    },
  };
}

it("delivers what is ready, in order, to every channel, once", async () => {
  const { deliver, deliveries } = await bench("one", "two");
  const [first, second] = [channel("first", () => {}), channel("second", () => {})];
  await deliver(first, second);
  await deliver(first, second);
  expect(first.got).toEqual(["one", "two"]);
  expect(second.got).toEqual(["one", "two"]);
  expect(deliveries()).toHaveLength(4);
});

it("delivers nothing twice when two ends of work deliver at the same time", async () => {
  const { deliver } = await bench("one", "two");
  const slow = channel("slow", () => new Promise((resolve) => setImmediate(resolve)));
  await Promise.all([deliver(slow), deliver(slow), deliver(slow)]);
  expect(slow.got).toEqual(["one", "two"]);
});

it("keeps what could not be delivered ready, with the cause, and tries the rest", async () => {
  const { deliver, deliveries, store } = await bench("one", "two");
  let down = true;
  const flaky = channel("flaky", (title) => {
    if (down && title === "one") throw new Error("no paper");
  });
  await deliver(flaky);
  expect(flaky.got).toEqual(["one", "two"]);
  expect((await store.readyNotifications()).map(({ title }) => title)).toEqual(["one"]);
  expect(deliveries()).toContainEqual({
    channel: "flaky",
    state: "failed",
    attempts: 1,
    last_error: "no paper",
  });
  down = false;
  await deliver(flaky);
  expect(flaky.got).toEqual(["one", "two", "one"]);
  expect(await store.readyNotifications()).toEqual([]);
});

it("stops between two deliveries when the daemon does", async () => {
  const { deliver, stop, store } = await bench("one", "two");
  const last = channel("last", () => stop.abort());
  await deliver(last);
  expect(last.got).toEqual(["one"]);
  expect((await store.readyNotifications()).map(({ title }) => title)).toEqual(["two"]);
});

it("keeps everything when there is no channel", async () => {
  const { deliver, store } = await bench("one");
  await deliver();
  expect(await store.readyNotifications()).toHaveLength(1);
});
