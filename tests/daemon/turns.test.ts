import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import type { Store } from "../../src/store/port.ts";
import { keepWatch, temporaryFolder } from "./harness.ts";

/** What a watchdog is fed with: turns of the heartbeat that have come to their end. */

const play = {
  checks: { gauge: { every: "1m", observe: async () => ({ observations: [] }) } },
};

/** A watch whose store can be made to fail or to hang at the beginning of a beat. */
async function watchTurns(folder: string) {
  const trouble: { begin?: () => Promise<never> } = {};
  let turns = 0;
  const kept = await keepWatch({
    ...{ folder, play, clock: new FakeClock("2026-11-23T08:00:00Z") },
    turned: () => void (turns += 1),
    decorateStore: (store): Store => ({
      ...store,
      beginBeat: (beat) => trouble.begin?.() ?? store.beginBeat(beat),
    }),
  });
  return {
    kept,
    trouble,
    async turnsIn(ms: number, patience: "all" | "nothing" = "all"): Promise<number> {
      const before = turns;
      if (patience === "all") await kept.pass(ms);
      // Nobody can be waited for who never comes.
      else for (let second = 0; second < ms / 1_000; second += 1) await kept.clock.advance(1_000);
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      return turns - before;
    },
  };
}

test("there is one at least every 20 s, with a beat in it or not", async () => {
  await using folder = await temporaryFolder();
  const { kept, turnsIn } = await watchTurns(folder.path);
  await using _kept = kept;
  const turns = await turnsIn(10 * 60_000);
  expect(kept.beats.length).toBeGreaterThanOrEqual(10);
  expect(turns).toBeGreaterThanOrEqual(30);
});

test("a beat that never ends is in no turn that comes to its end, however long", async () => {
  await using folder = await temporaryFolder();
  const { kept, trouble, turnsIn } = await watchTurns(folder.path);
  const hold = Promise.withResolvers<never>();
  await using _kept = kept;
  // So that the daemon can be let go of in the end.
  using _end = { [Symbol.dispose]: () => hold.reject(new Error("let go")) };
  trouble.begin = () => hold.promise;
  // The turn that is under way when the trouble comes may still end.
  expect(await turnsIn(60 * 60_000, "nothing")).toBeLessThanOrEqual(4);
});

test("a turn that fails counts for nothing, until one is well again", async () => {
  await using folder = await temporaryFolder();
  const { kept, trouble, turnsIn } = await watchTurns(folder.path);
  await using _kept = kept;
  trouble.begin = () => Promise.reject(new Error("the disk is full"));
  await turnsIn(2 * 60_000, "nothing");
  // Between two attempts nothing is due, and nothing else fails.
  expect(await turnsIn(60 * 60_000, "nothing")).toBe(0);
  delete trouble.begin;
  expect(await turnsIn(10 * 60_000)).toBeGreaterThan(0);
});
