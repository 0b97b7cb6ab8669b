import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { keepWatch, temporaryFolder } from "./harness.ts";

const minute = 60_000;
const hour = 60 * minute;

/** A check that sees nothing and notes when it looked. */
function timepiece(clock: FakeClock, every: string) {
  const lookedAt: number[] = [];
  const hand = {
    every,
    async observe() {
      lookedAt.push(clock.now());
      return { observations: [] };
    },
  };
  return { lookedAt, play: { checks: { hand } } };
}

test("time that went by while the daemon was down is caught up once, and is one missed row", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const { lookedAt, play } = timepiece(clock, "10m");
  const config = { heartbeat: { every: "10m" } };
  {
    await using kept = await keepWatch({ folder: folder.path, clock, config, play });
    await kept.pass(5 * minute);
  }
  clock.set("2026-01-05T14:03:00Z");
  lookedAt.length = 0;
  await using again = await keepWatch({ folder: folder.path, clock, config, play });
  expect(lookedAt).toEqual([Date.parse("2026-01-05T14:03:00Z")]);
  const missed = () =>
    again.store
      .listBeats({ limit: 100 })
      .then((beats) => beats.filter(({ outcome }) => outcome === "missed"));
  // Due at 09:10, 09:20 … 14:00, which are thirty; the last one is the one that was caught up.
  expect(await missed()).toMatchObject([
    {
      trigger: "catch-up",
      startedAt: Date.parse("2026-01-05T09:10:00Z"),
      finishedAt: Date.parse("2026-01-05T14:03:00Z"),
      missedCount: 29,
    },
  ]);
  expect(again.beats).toMatchObject([{ trigger: "catch-up", outcome: "quiet" }]);

  await again.pass(17 * minute);
  expect(lookedAt.slice(1)).toEqual([
    Date.parse("2026-01-05T14:10:00Z"),
    Date.parse("2026-01-05T14:20:00Z"),
  ]);
  expect(await missed()).toHaveLength(1);
});

test("a laptop that sleeps for hours catches up once within half a minute of waking", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const { lookedAt, play } = timepiece(clock, "10m");
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "10m" } },
    play,
  });
  await kept.pass(minute);
  clock.set("2026-01-05T17:02:00Z");
  await kept.pass(minute / 2);
  expect(lookedAt).toHaveLength(2);
  const beats = await kept.store.listBeats({ limit: 100 });
  expect(beats.map(({ outcome }) => outcome)).toEqual(["quiet", "missed", "quiet"]);
  expect(beats[1]).toMatchObject({ startedAt: Date.parse("2026-01-05T09:10:00Z") });
  await kept.pass(8 * minute);
  expect(lookedAt).toHaveLength(3);
});

test("checks go on when the clock is set back by a day, in the same process and after a restart", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const { lookedAt, play } = timepiece(clock, "10m");
  const config = { heartbeat: { every: "10m" } };
  {
    await using kept = await keepWatch({ folder: folder.path, clock, config, play });
    await kept.pass(15 * minute);
    lookedAt.length = 0;
    clock.set(clock.now() - 24 * hour);
    await kept.pass(30 * minute);
    expect(lookedAt.filter((at) => at % (10 * minute) === 0)).toEqual([
      Date.parse("2026-01-04T09:20:00Z"),
      Date.parse("2026-01-04T09:30:00Z"),
      Date.parse("2026-01-04T09:40:00Z"),
    ]);
  }
  lookedAt.length = 0;
  clock.set(clock.now() - 24 * hour);
  await using again = await keepWatch({ folder: folder.path, clock, config, play });
  await again.pass(20 * minute);
  expect(lookedAt.filter((at) => at % (10 * minute) === 0)).toEqual([
    Date.parse("2026-01-03T09:50:00Z"),
    Date.parse("2026-01-03T10:00:00Z"),
  ]);
  const beats = await again.store.listBeats({ limit: 100 });
  expect(beats.filter(({ outcome }) => outcome === "missed")).toEqual([]);
});
