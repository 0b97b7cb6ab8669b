import { expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { silentLog, type Log } from "./log.ts";
import { createServiceManager, type Assignments } from "./service-manager.ts";

const minute = 60_000;
const turn = { lastBeatAt: Date.parse("2026-11-23T08:00:00Z"), failing: 0 };

function manage({
  watchdogMs = 2 * minute,
  fails = false,
  holds = false,
}: { watchdogMs?: number | null; fails?: boolean; holds?: boolean } = {}) {
  const told: Assignments[] = [];
  const said: string[] = [];
  const clock = new FakeClock("2026-11-23T08:00:00Z");
  const log: Log = {
    ...silentLog,
    warn: (fields, message) => void said.push(`${message} ${JSON.stringify(fields)}`),
  };
  const world = { fails, hold: Promise.withResolvers<void>() };
  const manager = createServiceManager({
    ...{ clock, log, timezone: "UTC", watchdogMs },
    async send(assignments) {
      told.push(assignments);
      if (holds) await world.hold.promise;
      if (world.fails) throw new Error("no such socket");
    },
  });
  return { manager, clock, told, said, world };
}

it("is ready with the first turn, and with no other", async () => {
  const { manager, clock, told } = manage();
  expect(told).toEqual([]);
  manager.turned(turn);
  await manager.ended();
  await clock.advance(minute);
  manager.turned({ ...turn, failing: 2 });
  await manager.ended();
  expect(told).toEqual([
    { READY: "1", WATCHDOG: "1", STATUS: "last beat 08:00 (UTC), no check fails" },
    { WATCHDOG: "1", STATUS: "last beat 08:00 (UTC), failing checks: 2" },
  ]);
});

it("feeds the watchdog with turns alone, four times in the time that it waits", async () => {
  const { manager, clock, told } = manage();
  for (let second = 0; second < 120; second += 10) {
    manager.turned(turn);
    await manager.ended();
    await clock.advance(10_000);
  }
  expect(told).toHaveLength(4);
  // Time alone says nothing: without a turn the watchdog starves.
  await clock.advance(60 * minute);
  expect(told).toHaveLength(4);
});

it("goes on feeding when the clock is set back", async () => {
  const { manager, clock, told } = manage();
  manager.turned(turn);
  await manager.ended();
  clock.set("2026-11-23T02:00:00Z");
  manager.turned(turn);
  await manager.ended();
  expect(told).toHaveLength(2);
});

it("says nothing of a watchdog where there is none", async () => {
  const { manager, told } = manage({ watchdogMs: null });
  manager.turned({ ...turn, lastBeatAt: null });
  await manager.ended();
  expect(told).toEqual([{ READY: "1", STATUS: "no beat yet, no check fails" }]);
});

it("is ready with the next turn when it could not be told, which it logs once", async () => {
  const { manager, told, said, world } = manage({ fails: true });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    manager.turned(turn);
    await manager.ended();
  }
  world.fails = false;
  manager.turned(turn);
  await manager.ended();
  expect(told.map(({ READY }) => READY)).toEqual(["1", "1", "1", "1"]);
  expect(said).toEqual(['the service manager cannot be told {"error":"no such socket"}']);
});

it("has one word under way at a time, and the next one holds all that was to be said meanwhile", async () => {
  const { manager, clock, told, world } = manage({ holds: true });
  manager.turned(turn);
  await clock.advance(minute);
  manager.turned(turn);
  manager.stopping();
  expect(told).toHaveLength(1);
  world.hold.resolve();
  await manager.ended();
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject({ WATCHDOG: "1", STOPPING: "1", STATUS: "stopping" });
});

it("says nothing more once the daemon stops", async () => {
  const { manager, clock, told } = manage();
  manager.stopping();
  await manager.ended();
  await clock.advance(minute);
  manager.turned(turn);
  await manager.ended();
  expect(told).toEqual([{ STOPPING: "1", STATUS: "stopping" }]);
});
