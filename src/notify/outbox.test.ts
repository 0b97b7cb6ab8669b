import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Severity } from "../domain/finding.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { silentLog } from "../telemetry/log.ts";
import type { NewNotification, Store } from "../store/port.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import type { ConfiguredChannel } from "./channel.ts";
import { createOutbox, type OutboxDependencies } from "./outbox.ts";
import { scriptedChannel, type ScriptedChannel } from "../../tests/daemon/scripted-channel.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

const always = (channel: ScriptedChannel, severity: Severity = "info"): ConfiguredChannel => ({
  ...{ channel, use: "always", severity },
});
const fallback = (channel: ScriptedChannel): ConfiguredChannel => ({
  ...always(channel),
  use: "fallback",
});
const titles = ({ arrived }: ScriptedChannel): string[] => arrived.map(({ title }) => title);

async function bench(
  channels: readonly ConfiguredChannel[],
  changes: Partial<OutboxDependencies> = {},
) {
  const { store, sql } = await openTemporaryStore();
  const clock = new FakeClock();
  const stop = new AbortController();
  const lastResort = scriptedChannel("terminal", { repeatable: true });
  const open = (named = channels, more: Partial<OutboxDependencies> = {}) =>
    createOutbox(
      {
        ...{ store, channels: named, lastResort, clock, log: silentLog, signal: stop.signal },
        ...changes,
        ...more,
      },
      () => undefined,
    );
  let outbox = open();

  /** Until nothing can be tried at present. @returns when something can be again */
  async function settle(): Promise<number | null> {
    for (;;) {
      const next = await outbox.start();
      if (!outbox.busy()) return next;
      await outbox.ended();
    }
  }
  return {
    ...{ store, sql, clock, stop, lastResort, settle },
    outbox: () => outbox,
    tell: (title: string, change: Partial<NewNotification> = {}) =>
      store.applyVerdicts({
        at: clock.now(),
        verdicts: [],
        notifications: [
          {
            ...{ kind: "finding", state: "ready", findings: [], severity: "warning", title },
            ...{ body: "", why: "", dueAt: 0, ...change },
          },
        ],
      }),
    /** Lets time pass, trying what becomes due at its time. */
    async pass(ms: number) {
      const end = clock.now() + ms;
      for (;;) {
        const next = await settle();
        if (next === null || next > end) break;
        await clock.advance(next - clock.now());
      }
      await clock.advance(end - clock.now());
      await settle();
    },
    /** As after a kill: the same store, with nothing in memory; what was begun stays begun. */
    async restart(named = channels, more: Partial<OutboxDependencies> = {}) {
      await store.recordStart({ pid: 1, version: "1", heartbeatMs: 1, at: clock.now() });
      outbox = open(named, more);
    },
    states: () =>
      sql.prepare("select channel || ' ' || state from deliveries order by id").pluck().all(),
    findings: async () => (await store.listFindings({ all: true, limit: 99 })).toReversed(),
  };
}

describe("what is ready", () => {
  it("goes to every channel, in order, once, under a key of its own", async () => {
    const [first, second] = [scriptedChannel("first"), scriptedChannel("second")];
    const { tell, settle, store } = await bench([always(first), always(second)]);
    await tell("one");
    await tell("two");
    await settle();
    await settle();
    expect([titles(first), titles(second)]).toEqual([
      ["one", "two"],
      ["one", "two"],
    ]);
    const keys = [...first.arrived, ...second.arrived].map(({ key }) => key);
    expect(new Set(keys).size).toBe(4);
    expect(await store.undelivered()).toEqual([]);
    expect((await store.listNotifications({ limit: 9 })).map(({ state }) => state)).toEqual([
      "delivered",
      "delivered",
    ]);
  });

  it("is not delivered twice when many ask for it at the same time", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, settle } = await bench([always(channel)]);
    await tell("one");
    await Promise.all([settle(), settle(), settle()]);
    expect(titles(channel)).toEqual(["one"]);
  });

  it("goes only to channels whose severity it reaches, and to the last resort rather than nowhere", async () => {
    const [loud, quiet] = [scriptedChannel("sms"), scriptedChannel("email")];
    const { tell, settle, lastResort } = await bench([
      always(loud, "critical"),
      always(quiet, "notice"),
    ]);
    await tell("fire", { severity: "critical" });
    await tell("news", { severity: "notice" });
    await tell("chatter", { severity: "info" });
    await settle();
    expect(titles(loud)).toEqual(["fire"]);
    expect(titles(quiet)).toEqual(["fire", "news"]);
    expect(titles(lastResort)).toEqual(["chatter"]);
  });

  it("bears what is made for it at its delivery, and goes out without when that fails", async () => {
    const channel = scriptedChannel("ntfy");
    const link = { label: "Approve", url: "http://localhost/a/1" };
    const { tell, settle, sql } = await bench([always(channel)], {
      async extrasFor({ title }) {
        if (title === "bad") throw new Error("no key");
        return { links: [link], replyToken: `token-of-${title}` };
      },
    });
    await tell("good");
    await tell("bad");
    await settle();
    expect(channel.arrived).toMatchObject([
      { title: "good", links: [link], replyToken: "token-of-good" },
      { title: "bad", links: [], replyToken: null },
    ]);
    const stored = JSON.stringify([
      sql.prepare("select * from notifications").all(),
      sql.prepare("select * from deliveries").all(),
    ]);
    expect(stored).not.toContain("token-of-good");
  });
});

describe("a channel that is down", () => {
  it("is tried ever more rarely, and gets everything in order once it works again", async () => {
    const channel = scriptedChannel("ntfy", { repeatable: true });
    const { tell, pass, settle, clock } = await bench([always(channel)]);
    const begunAt = clock.now();
    const triedAt: number[] = [];
    channel.mood = () => {
      triedAt.push((clock.now() - begunAt) / second);
      return "down";
    };
    await tell("one");
    await tell("two");
    await tell("three");
    await pass(4 * minute);
    expect(triedAt).toEqual([0, 30, 90, 210]);
    channel.mood = "ok";
    await pass(30 * minute);
    expect(titles(channel)).toEqual(["one", "two", "three"]);
    expect(await settle()).toBeNull();
  });

  it("keeps their order over a short outage", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, pass } = await bench([always(channel)]);
    channel.mood = "down";
    await tell("one");
    await tell("two");
    await pass(minute);
    channel.mood = "ok";
    await pass(minute);
    expect(titles(channel)).toEqual(["one", "two"]);
  });

  it("does not keep the others from the message, nor the message from it", async () => {
    const [down, up] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass, states, store } = await bench([always(down), always(up)]);
    down.mood = "down";
    await tell("one");
    await pass(0);
    expect(titles(up)).toEqual(["one"]);
    expect(states()).toEqual(["ntfy failed", "email sent"]);
    expect((await store.status()).undelivered).toBe(0);
    down.mood = "ok";
    await pass(minute);
    expect(titles(down)).toEqual(["one"]);
  });

  it("is left alone for as long as it asks, within an hour; a critical message is handed on meanwhile", async () => {
    const clock = new FakeClock();
    const busy = scriptedChannel("ntfy", { retryAt: () => clock.now() + 10 * minute });
    const other = scriptedChannel("email");
    const { tell, pass, states } = await bench([always(busy), fallback(other)], { clock });
    busy.mood = "down";
    await tell("one");
    await tell("fire", { severity: "critical" });
    const start = clock.now();
    const tick = async (ms: number) => {
      await clock.advance(ms);
      await pass(0);
    };
    await pass(0);
    expect(busy.tried).toEqual(["one"]);
    expect(titles(other)).toEqual(["fire"]);
    await tick(9 * minute);
    expect(busy.tried).toHaveLength(1);
    busy.mood = "ok";
    await tick(minute);
    expect(clock.now() - start).toBe(10 * minute);
    expect(titles(other)).toEqual(["fire", "one"]);
    expect(states()).toContain("ntfy handed-on");
  });

  it("is tried at once with a critical message, whatever its rest", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, pass } = await bench([always(channel)]);
    channel.mood = "down";
    await tell("one");
    await pass(20 * minute);
    const before = channel.tried.length;
    channel.mood = "ok";
    await tell("fire", { severity: "critical" });
    await pass(0);
    expect(channel.tried.slice(before)[0]).toBe("fire");
    // And as it works again, what waited follows at once.
    expect(titles(channel)).toContain("one");
  });

  it("is a finding while it lasts, told through the others, with how long it lasted", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, pass, findings, clock, store } = await bench([always(channel)]);
    channel.mood = "down";
    const since = clock.now();
    await tell("one");
    await pass(minute);
    expect(await findings()).toEqual([]);
    await pass(minute);
    expect(await findings()).toMatchObject([
      {
        ...{ check: "watchkeeper/channels", key: "ntfy", state: "opened", severity: "warning" },
        ...{ title: "Messages do not get through ntfy", since },
      },
    ]);
    expect((await store.status()).channels).toMatchObject([
      {
        name: "ntfy",
        failingSince: since,
        consecutiveFailures: 3,
        lastError: "it is down",
        waiting: 1,
      },
      { name: "terminal", use: "last-resort", failingSince: null },
    ]);
    channel.mood = "ok";
    await pass(10 * minute);
    expect(await findings()).toMatchObject([{ state: "resolved", revision: 2 }]);
    expect((await store.status()).channels).toMatchObject([
      { name: "ntfy", failingSince: null, consecutiveFailures: 0, waiting: 0 },
      {},
    ]);
  });

  it("is not given the word that it is down", async () => {
    const [down, up] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass, findings, store } = await bench([always(down), always(up)]);
    down.mood = "down";
    await tell("one");
    await pass(3 * minute);
    const [finding] = await findings();
    await tell("ntfy is down", { findings: [finding?.id ?? 0] });
    await pass(0);
    expect(titles(up)).toContain("ntfy is down");
    down.mood = "ok";
    await pass(hour);
    expect(down.tried).not.toContain("ntfy is down");
    expect(await store.undelivered()).toEqual([]);
  });

  it("keeps counting over a restart, which tries it at once", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, pass, restart, store, findings } = await bench([always(channel)]);
    channel.mood = "down";
    await tell("one");
    await pass(20 * minute);
    const tried = channel.tried.length;
    await restart();
    await pass(0);
    expect(channel.tried).toHaveLength(tried + 1);
    const [ntfy] = (await store.status()).channels;
    expect(ntfy?.consecutiveFailures).toBe(tried + 1);
    expect(await findings()).toHaveLength(1);
    channel.mood = "ok";
    await restart();
    await pass(0);
    expect(titles(channel)).toEqual(["one"]);
    expect(await findings()).toMatchObject([{ state: "resolved" }]);
  });
});

describe("handing on", () => {
  it("gives a critical message to the next channel after the first failure", async () => {
    const [first, next] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass, states } = await bench([always(first), fallback(next)]);
    first.mood = "down";
    await tell("fire", { severity: "critical" });
    await pass(0);
    expect(titles(next)).toEqual(["fire"]);
    expect(states()).toEqual(["ntfy handed-on", "email sent"]);
    first.mood = "ok";
    await pass(hour);
    expect(titles(first)).toEqual([]);
  });

  it("waits with others for three attempts, and uses fallbacks for nothing else", async () => {
    const [first, next] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass } = await bench([always(first), fallback(next)]);
    await tell("fine");
    await pass(0);
    first.mood = "down";
    await tell("one");
    await pass(89 * second);
    expect(next.tried).toEqual([]);
    await pass(second);
    expect(titles(next)).toEqual(["one"]);
    expect(titles(first)).toEqual(["fine"]);
  });

  it("goes through all fallbacks in order to the last resort, and goes on trying the owner's", async () => {
    const [first, next] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass, lastResort, store, states } = await bench([always(first), fallback(next)]);
    [first.mood, next.mood] = ["down", "down"];
    await tell("fire", { severity: "critical" });
    await pass(0);
    expect([first.tried, next.tried, titles(lastResort)]).toEqual([["fire"], ["fire"], ["fire"]]);
    expect((await store.status()).undelivered).toBe(1);
    next.mood = "ok";
    await pass(30 * second);
    expect(states()).toEqual(["ntfy handed-on", "email sent", "terminal sent"]);
    expect((await store.status()).undelivered).toBe(0);
  });

  it("happens at once with what a channel refuses, and the channel goes on with the rest", async () => {
    const [first, next] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass } = await bench([always(first), fallback(next)]);
    first.mood = ({ title }) => (title === "too long" ? "refuse" : "ok");
    await tell("too long");
    await tell("fine");
    await pass(0);
    expect(titles(next)).toEqual(["too long"]);
    await pass(30 * second);
    expect(titles(first)).toEqual(["fine"]);
    await pass(2 * hour);
    expect(first.tried).toEqual(["too long", "fine"]);
  });

  it("does not let a message that a channel cannot take stand in the way of the others for long", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, pass } = await bench([always(channel)]);
    channel.mood = ({ title }) => (title === "poison" ? "down" : "ok");
    await tell("poison");
    await tell("fine");
    await pass(5 * minute);
    expect(titles(channel)).toEqual(["fine"]);
    await tell("later");
    await pass(minute);
    expect(titles(channel)).toEqual(["fine", "later"]);
  });

  it("gives up after a day, and says so once", async () => {
    const [down, up] = [scriptedChannel("ntfy"), scriptedChannel("email")];
    const { tell, pass, findings, states } = await bench([always(down), always(up)]);
    down.mood = "down";
    await tell("one");
    await tell("two");
    await pass(26 * hour);
    expect(states().filter((state) => state === "ntfy given-up")).toHaveLength(2);
    const about = (await findings()).filter(({ check }) => check === "watchkeeper/deliveries");
    expect(about).toMatchObject([{ key: "channel-ntfy", severity: "notice", revision: 1 }]);
    const tried = down.tried.length;
    await pass(5 * hour);
    expect(down.tried).toHaveLength(tried);
  });

  it("takes what waits for a channel that was taken out of the config to another one; a new one gets no old news", async () => {
    const [old, added, kept] = ["ntfy", "chat", "email"].map((name) => scriptedChannel(name));
    if (!old || !added || !kept) throw new Error("no channels");
    const { tell, pass, restart, states, lastResort } = await bench([always(old), always(kept)]);
    [old.mood, kept.mood] = ["down", "down"];
    await tell("one");
    await pass(0);
    kept.mood = "ok";
    await restart([always(kept), always(added)]);
    await tell("two");
    await pass(hour);
    expect(titles(kept)).toEqual(["one", "two"]);
    expect(titles(added)).toEqual(["two"]);
    expect(titles(lastResort)).toEqual([]);
    expect(states().slice(0, 2)).toEqual(["ntfy handed-on", "email sent"]);
  });

  it("takes it to the new one when there is no other", async () => {
    const [old, added] = [scriptedChannel("ntfy"), scriptedChannel("chat")];
    const { tell, pass, restart } = await bench([always(old)]);
    old.mood = "down";
    await tell("one");
    await pass(0);
    await restart([always(added)]);
    await pass(0);
    expect(titles(added)).toEqual(["one"]);
  });
});

describe("an attempt that does not end", () => {
  it("holds up neither the other channels nor the caller, and is over after its bound", async () => {
    const [stuck, fine] = [scriptedChannel("ntfy", { repeatable: true }), scriptedChannel("email")];
    const { tell, outbox, clock, states } = await bench([always(stuck), always(fine)]);
    stuck.mood = "hang";
    await tell("one");
    await tell("two");
    await outbox().start();
    while (titles(fine).length < 2) await nextTurn();
    expect(titles(fine)).toEqual(["one", "two"]);
    expect(outbox().busy()).toBe(true);
    await clock.whenPending();
    await clock.advance(20 * second);
    await outbox().ended();
    expect(outbox().busy()).toBe(false);
    expect(states()).toContain("ntfy failed");
  });

  it("is left behind where the channel does not even hear of it", async () => {
    const deaf = scriptedChannel("ntfy", { repeatable: true });
    const { tell, outbox, clock, sql } = await bench([
      always({ ...deaf, deliver: () => new Promise(() => undefined) }),
    ]);
    await tell("one");
    await outbox().start();
    await clock.whenPending();
    await clock.advance(20 * second);
    expect(outbox().busy()).toBe(true);
    await clock.advance(second);
    await outbox().ended();
    expect(sql.prepare("select state, last_error from deliveries").all()).toEqual([
      { state: "failed", last_error: "no end after 20s" },
    ]);
  });

  it("is cut short when the daemon has no time left, and found out at the next start", async () => {
    const channel = scriptedChannel("ntfy", { canConfirm: true });
    const place = await bench([always(channel)]);
    channel.mood = "hang";
    await place.tell("one");
    await place.outbox().start();
    await place.clock.whenPending();
    place.stop.abort();
    await place.outbox().ended();
    expect(place.states()).toEqual(["ntfy sending"]);
    channel.mood = "ok";
    await place.restart([always(channel)], { signal: new AbortController().signal });
    await place.settle();
    expect(titles(channel)).toEqual(["one"]);
    expect(place.states()).toEqual(["ntfy sent"]);
  });

  it("begins nothing more once the daemon has no time left", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, stop, settle } = await bench([always(channel)]);
    channel.mood = () => {
      stop.abort();
      return "ok";
    };
    await tell("one");
    await tell("two");
    await settle();
    expect(titles(channel)).toEqual(["one"]);
  });
});

describe("an outcome that nobody knows", () => {
  it("is asked for where the channel can tell: what arrived is not repeated, what did not is", async () => {
    const channel = scriptedChannel("email", { canConfirm: true });
    const { tell, pass, states, findings } = await bench([always(channel)]);
    channel.mood = ({ title }) => (title === "one" ? "lost" : "cut");
    await tell("one");
    await tell("two");
    await pass(0);
    expect(states()).toEqual(["email sent", "email failed"]);
    channel.mood = "ok";
    await pass(minute);
    expect(titles(channel)).toEqual(["one", "two"]);
    expect(await findings()).toEqual([]);
  });

  it("is repeated under the same key where that harms nobody", async () => {
    const channel = scriptedChannel("ntfy", { repeatable: true });
    const { tell, pass } = await bench([always(channel)]);
    channel.mood = "lost";
    await tell("one");
    await pass(0);
    channel.mood = "ok";
    await pass(minute);
    expect(titles(channel)).toEqual(["one", "one"]);
    expect(new Set(channel.arrived.map(({ key }) => key)).size).toBe(1);
  });

  it("is never repeated otherwise: the owner is told once, critical as it was", async () => {
    const channel = scriptedChannel("slack");
    const { tell, pass, states, findings, store } = await bench([always(channel)]);
    channel.mood = "lost";
    await tell("fire", { severity: "critical" });
    await pass(0);
    channel.mood = "ok";
    await tell("news", { severity: "notice" });
    await pass(minute);
    channel.mood = "cut";
    await tell("more news", { severity: "notice" });
    await pass(26 * hour);
    expect(channel.tried).toEqual(["fire", "news", "more news"]);
    expect(states()).toEqual(["slack unknown", "slack sent", "slack unknown"]);
    const about = { check: "watchkeeper/deliveries", state: "opened", revision: 1 };
    expect(await findings()).toMatchObject([
      { ...about, severity: "critical", title: "You may not have been told: fire" },
      { ...about, severity: "notice", title: "You may not have been told: more news" },
    ]);
    expect((await store.getNotification(1))?.state).toBe("untold");
    expect((await store.status()).undelivered).toBe(0);
  });

  it("is no matter when another channel has the message", async () => {
    const [doubtful, sure] = [scriptedChannel("slack"), scriptedChannel("email")];
    const { tell, pass, findings, store } = await bench([always(doubtful), always(sure)]);
    doubtful.mood = "cut";
    await tell("fire", { severity: "critical" });
    await pass(hour);
    expect(titles(sure)).toEqual(["fire"]);
    expect(await findings()).toEqual([]);
    expect((await store.getNotification(1))?.state).toBe("delivered");
  });

  it("of a message about such messages is told to nobody: that would have no end", async () => {
    const channel = scriptedChannel("slack");
    const { tell, pass, findings } = await bench([always(channel)]);
    channel.mood = "lost";
    await tell("fire", { severity: "critical" });
    await pass(0);
    for (let round = 0; round < 5; round += 1) {
      const all = await findings();
      const newest = all.at(-1);
      await tell(newest?.title ?? "", { severity: "critical", findings: [newest?.id ?? 0] });
      await pass(hour);
    }
    const about = (await findings()).filter(({ check }) => check === "watchkeeper/deliveries");
    expect(about).toHaveLength(1);
  });

  it("of a reminder is told to nobody: the next one comes by itself", async () => {
    const channel = scriptedChannel("slack");
    const { tell, pass, findings, store } = await bench([always(channel)]);
    channel.mood = "cut";
    await tell("Still open: fire", { kind: "reminder", severity: "critical" });
    await pass(hour);
    expect(await findings()).toEqual([]);
    expect((await store.getNotification(1))?.state).toBe("untold");
  });

  it("keeps the label of a stranger's title", async () => {
    const channel = scriptedChannel("slack");
    const { tell, pass, findings, store, sql } = await bench([always(channel)]);
    const own = { check: "inbox/work", key: "a", severity: "critical", text: null } as const;
    const id = await store.setOwnFinding({ ...own, title: "A stranger's words", at: 1 });
    sql.prepare("update findings set trust = 'untrusted'").run();
    channel.mood = "lost";
    await tell("A stranger's words", { findings: [id] });
    await pass(0);
    expect((await findings()).at(-1)).toMatchObject({
      ...{ check: "watchkeeper/deliveries", trust: "untrusted" },
    });
  });

  it("is `unknown` too when something else than a DeliveryError is thrown", async () => {
    const channel = scriptedChannel("slack");
    const { tell, pass, states } = await bench([
      always({ ...channel, deliver: () => Promise.reject(new TypeError("a bug")) }),
    ]);
    await tell("one");
    await pass(hour);
    expect(states()).toEqual(["slack unknown"]);
  });
});

describe("at a restart", () => {
  it.each([
    ["repeatable", { repeatable: true }, true, "sent", 2],
    ["repeatable, cut before it arrived", { repeatable: true }, false, "sent", 1],
    ["that can tell, and has it", { canConfirm: true }, true, "sent", 1],
    ["that can tell, and has it not", { canConfirm: true }, false, "sent", 1],
    ["that nobody can ask, and has it", {}, true, "unknown", 1],
    ["that nobody can ask, and has it not", {}, false, "unknown", 0],
  ] as const)(
    "what a kill cut off is settled: a channel %s",
    async (_, options, hadArrived, state, arrivals) => {
      const channel = scriptedChannel("ntfy", options);
      const place = await bench([always(channel)]);
      await place.tell("one");
      // Killed in the middle of the attempt: begun, and no outcome.
      await place.outbox().start();
      await place.outbox().ended();
      place.sql.exec("update deliveries set state = 'sending', last_error = null");
      place.sql.exec("update notifications set state = 'ready'");
      if (!hadArrived) (channel.arrived as unknown[]).length = 0;
      await place.restart();
      await place.pass(hour);
      expect(place.states()).toEqual([`ntfy ${state}`]);
      expect(channel.arrived).toHaveLength(arrivals);
      expect(new Set(channel.arrived.map(({ key }) => key)).size).toBe(Math.min(1, arrivals));
      const [ntfy] = (await place.store.status()).channels;
      expect(ntfy?.consecutiveFailures).toBe(0);
    },
  );

  it("what was ready and not planned yet is planned; what has ended is left alone", async () => {
    const channel = scriptedChannel("ntfy");
    const { tell, restart, pass, states } = await bench([always(channel)]);
    await tell("one");
    await pass(0);
    await tell("two");
    await restart();
    await pass(hour);
    expect(titles(channel)).toEqual(["one", "two"]);
    expect(states()).toEqual(["ntfy sent", "ntfy sent"]);
  });
});

it("does not repeat what was sent when the outcome could not be saved at first", async () => {
  const channel = scriptedChannel("slack");
  let isFull = true;
  const { store } = await openTemporaryStore();
  const full: Store = {
    ...store,
    finishDelivery: (id, end) =>
      isFull ? Promise.reject(new Error("disk full")) : store.finishDelivery(id, end),
  };
  const { clock, outbox, pass } = await bench([always(channel)], { store: full });
  await store.applyVerdicts({
    ...{ at: clock.now(), verdicts: [] },
    notifications: [
      {
        ...{ kind: "finding", state: "ready", findings: [], severity: "warning", title: "one" },
        ...{ body: "", why: "", dueAt: 0 },
      },
    ],
  });
  await outbox().start();
  await outbox().ended();
  expect(titles(channel)).toEqual(["one"]);
  isFull = false;
  await pass(hour);
  expect(titles(channel)).toEqual(["one"]);
  expect((await store.getNotification(1))?.state).toBe("delivered");
});
