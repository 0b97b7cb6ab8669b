import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { silentLog } from "../telemetry/log.ts";
import type { Store } from "../store/port.ts";
import { openTemporaryStore } from "../store/store-fixture.ts";
import { scriptedChannel, type Mood } from "../../tests/daemon/scripted-channel.ts";
import type { ConfiguredChannel } from "./channel.ts";
import { createOutbox } from "./outbox.ts";

/** Whatever channels, kills and changes of the config do: nothing twice, and nobody is left without a word. */

const minute = 60_000;
const moods: readonly Mood[] = ["ok", "down", "refuse", "lost", "cut", "hang"];

/** The store of one process: once that is killed, nothing it still wants to write is written. */
function mortal(store: Store) {
  const life = { isOver: false };
  const proxy = new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== "function") return method;
      return (...given: unknown[]): unknown =>
        life.isOver ? new Promise(() => undefined) : Reflect.apply(method, target, given);
    },
  });
  return { life, store: proxy };
}

type Step =
  | { kind: "tell"; severity: "info" | "warning" | "critical" }
  | { kind: "pass"; ms: number }
  | { kind: "mood"; channel: number; mood: Mood }
  | { kind: "kill"; named: number[] };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("tell" as const),
      severity: fc.constantFrom("info" as const, "warning" as const, "critical" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.integer({ min: 1, max: 40 * minute }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("mood" as const),
      channel: fc.nat(2),
      mood: fc.constantFrom(...moods),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("kill" as const), named: fc.subarray([0, 1, 2]) }),
  },
);

/** Of random ones alone all may be without a kill, or without a doubt. */
const surely: Step[] = [
  { kind: "mood", channel: 0, mood: "lost" },
  { kind: "mood", channel: 1, mood: "down" },
  { kind: "mood", channel: 2, mood: "down" },
  { kind: "tell", severity: "critical" },
  { kind: "pass", ms: 30 * minute },
  { kind: "kill", named: [0, 1, 2] },
  { kind: "pass", ms: 30 * minute },
];

it("delivers nothing twice and leaves nothing untold and undoubted, whatever happens", async () => {
  let [arrivals, doubts, kills] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async (steps) => {
      const { store, sql } = await openTemporaryStore();
      const clock = new FakeClock();
      const channels = [
        scriptedChannel("plain"),
        scriptedChannel("repeatable", { repeatable: true }),
        scriptedChannel("confirming", { canConfirm: true }),
      ];
      const configured: readonly ConfiguredChannel[] = channels.map((channel, index) => ({
        ...{ channel, use: index === 1 ? "fallback" : "always", severity: "info" },
      }));
      const lastResort = scriptedChannel("terminal", { repeatable: true });
      let process = mortal(store);
      const open = (named: readonly number[]) =>
        createOutbox(
          {
            ...{ store: process.store, lastResort, clock, log: silentLog },
            channels: named.flatMap((index) => configured[index] ?? []),
            signal: new AbortController().signal,
          },
          () => undefined,
        );
      let outbox = open([0, 1, 2]);
      const restart = async (named: readonly number[]) => {
        process.life.isOver = true;
        process = mortal(store);
        await store.recordStart({ pid: 1, version: "1", heartbeatMs: 1, at: clock.now() });
        outbox = open(named);
      };
      /** Lets everything happen that needs no time, as the heartbeat would. */
      const turn = async () => {
        for (;;) {
          const next = await outbox.start();
          for (let count = 0; count < 8; count += 1) await nextTurn();
          const again = outbox.busy() ? null : await outbox.start();
          if (outbox.busy() || (again ?? Infinity) > clock.now()) return next;
        }
      };
      const pass = async (ms: number) => {
        const end = clock.now() + ms;
        while (clock.now() < end) {
          const next = Math.min((await turn()) ?? end, clock.nextWakeAt ?? end, end);
          await clock.advance(Math.max(1, next - clock.now()));
        }
        await turn();
      };
      let told = 0;
      for (const step of steps) {
        if (step.kind === "pass") await pass(step.ms);
        else if (step.kind === "kill") {
          kills += 1;
          await outbox.start();
          await nextTurn();
          await restart(step.named);
        } else if (step.kind === "mood") {
          const channel = channels[step.channel];
          if (channel) channel.mood = step.mood;
        } else {
          told += 1;
          await store.applyVerdicts({
            ...{ at: clock.now(), verdicts: [] },
            notifications: [
              {
                ...{ kind: "finding", state: "ready", findings: [], severity: step.severity },
                ...{ title: `message ${told}`, body: "", why: "", dueAt: 0 },
              },
            ],
          });
        }
      }
      // At the end everything works again.
      for (const channel of channels) channel.mood = "ok";
      await restart([0, 1, 2]);
      await pass(3 * 60 * minute);

      for (const channel of channels) {
        const keys = channel.arrived.map(({ key }) => key);
        if (!channel.repeatable) expect(new Set(keys).size).toBe(keys.length);
        // One key for one message, whatever was repeated.
        const titles = new Map(channel.arrived.map(({ key, title }) => [title, key]));
        expect(titles.size).toBe(new Set(keys).size);
      }
      expect(await store.undelivered()).toEqual([]);
      const doubted = (await store.listFindings({ all: true, limit: 500 }))
        .filter(({ check }) => check === "watchkeeper/deliveries")
        .map(({ title }) => title);
      const heard = [...channels, lastResort].flatMap(({ arrived }) => arrived);
      for (let number = 1; number <= told; number += 1) {
        const title = `message ${number}`;
        const isHeard = heard.some((message) => message.title === title);
        expect([title, isHeard || doubted.some((words) => words.endsWith(title))]).toEqual([
          title,
          true,
        ]);
      }
      const ready = sql
        .prepare("select count(*) from notifications where state = 'ready'")
        .pluck()
        .get();
      expect(ready).toBe(0);
      arrivals += heard.length;
      doubts += doubted.length;
    }),
    { numRuns: 26, examples: [[surely]] },
  );
  expect(Math.min(arrivals, doubts, kills)).toBeGreaterThan(0);
});
