import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder, type KeptWatch } from "./harness.ts";

/** The clock set forward and back under a running daemon: it neither storms nor falls silent. */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

async function openWorld() {
  const folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T07:00:00Z");
  let looks = 0;
  let round = 0;
  const play = {
    checks: {
      hand: {
        every: "10m",
        async observe() {
          looks += 1;
          return {
            observations: [
              seen("shop"),
              // New in each stretch of time: it waits for the digest.
              seen(`note ${round}`, { severity: "notice" }),
            ],
          };
        },
      },
      nightly: { cron: "0 8 * * *", observe: async () => ({ observations: [] }) },
    },
  };
  const config = { heartbeat: { every: "10m" }, notify: { digestAt: "08:30" } };
  const kept = await keepWatch({ folder: folder.path, clock, play, config });
  let [toldBefore, missedBefore] = [0, 0];

  /** Two hours around the digest. */
  async function live() {
    round += 1;
    const before = looks;
    await kept.pass(2 * hour);
    const told = (await kept.notifications()).slice(toldBefore);
    const missed = (await kept.store.listBeats({ limit: 5_000 })).filter(
      ({ outcome }) => outcome === "missed",
    );
    const counts = {
      looks: looks - before,
      digests: told.filter(({ kind }) => kind === "digest").length,
      reminders: told.filter(({ kind }) => kind === "reminder").length,
      missed: missed.length - missedBefore,
    };
    [toldBefore, missedBefore] = [toldBefore + told.length, missed.length];
    return counts;
  }
  return {
    clock,
    kept,
    live,
    /** From now on there is something new to see. */
    renew: () => void (round += 1),
    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const beatsInOrder = (kept: KeptWatch) =>
  kept.store.listBeats({ limit: 5_000 }).then((beats) => beats.toReversed());

test("back a day, forward a year, and back again: looks, digests, reminders and missed rows as on any day", async () => {
  await using world = await openWorld();
  const { clock, kept, live } = world;
  const usual = await live();
  expect(usual).toEqual({ looks: 12, digests: 1, reminders: 1, missed: 0 });
  /** Sets the clock so that the stretch that follows is seven to nine again. */
  const shift = (ms: number) => clock.set(clock.now() - 2 * hour + ms);
  const around = { digests: 1, missed: 0 };

  shift(-day);
  const back = await live();
  expect(back).toMatchObject(around);
  expect(Math.abs(back.looks - usual.looks)).toBeLessThanOrEqual(1);
  expect(back.reminders).toBeLessThanOrEqual(1);

  shift(year);
  const ahead = await live();
  expect(ahead).toMatchObject({ ...around, missed: 1 });
  expect(Math.abs(ahead.looks - usual.looks)).toBeLessThanOrEqual(1);
  expect(ahead.reminders).toBeLessThanOrEqual(2);

  shift(-year);
  const home = await live();
  expect(home).toMatchObject(around);
  expect(Math.abs(home.looks - usual.looks)).toBeLessThanOrEqual(1);
  expect(home.reminders).toBeLessThanOrEqual(1);

  shift(day);
  const next = await live();
  expect(next).toMatchObject({ ...around, missed: 1 });
  expect(next.reminders).toBeLessThanOrEqual(1);
  const missed = (await beatsInOrder(kept)).filter(({ outcome }) => outcome === "missed");
  expect(missed.every(({ startedAt, finishedAt }) => startedAt < (finishedAt ?? 0))).toBe(true);
  expect((await kept.store.status()).checks.every(({ status }) => status === "ok")).toBe(true);
});

test("what a wrong clock held for the digest of a year ahead is told in the next one", async () => {
  await using world = await openWorld();
  const { clock, kept, renew } = world;
  const today = clock.now();
  clock.set(today + year + 2 * hour);
  renew();
  await kept.pass(11 * minute);
  const isHeld = (state: string) => state === "held";
  expect((await kept.notifications()).filter(({ state }) => isHeld(state))).not.toEqual([]);
  clock.set(today + 3 * hour);
  await kept.pass(11 * minute);
  expect((await kept.notifications()).filter(({ state }) => isHeld(state))).toEqual([]);
});

test("the interruptions of a wrong day do not use up those of the right one", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T10:00:00Z");
  let keys: string[] = [];
  await using kept = await keepWatch({
    ...{ folder: folder.path, clock },
    config: { heartbeat: { every: "10m" }, notify: { interruptionsPerDay: 2 } },
    play: {
      checks: {
        hand: {
          every: "10m",
          observe: async () => ({
            observations: keys.map((key) => seen(key, { severity: "warning" })),
          }),
        },
      },
    },
  });
  const today = clock.now();
  clock.set(today + year);
  for (const key of ["a", "b", "c"]) {
    keys = [key];
    await kept.pass(11 * minute);
  }
  const toldAtOnce = async () =>
    (await kept.notifications()).filter(({ kind, dueAt, createdAt }) => {
      return kind === "finding" && dueAt === createdAt;
    }).length;
  expect(await toldAtOnce()).toBe(2);
  clock.set(today);
  keys = ["d"];
  await kept.pass(11 * minute);
  expect(await toldAtOnce()).toBe(3);
});
