import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FakeClock, fault, findingIds, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

const second = 1_000;
const minute = 60 * second;
const quiet = async () => ({ observations: [] });

test("checks that fall due within their slack share a beat, and keep their own times", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1h", slack: "1m" } },
    play: {
      checks: {
        four: { every: "4m", observe: quiet },
        five: { every: "5m", observe: quiet },
        ten: { every: "10m", observe: quiet },
        nine: { cron: "9 9 * * *", observe: quiet },
      },
    },
  });
  await kept.pass(20 * minute);
  const taken = kept.beats.map(({ startedAt, checks }) => {
    const at = new Date(startedAt).toISOString().slice(11, 16);
    return `${at} ${checks
      .map(({ name }) => name.replace("stage/", ""))
      .sort()
      .join(" ")}`;
  });
  expect(taken).toEqual([
    "09:00 five four nine ten",
    "09:04 five four",
    "09:08 four",
    "09:09 five nine ten",
    "09:12 four",
    "09:15 five four",
    "09:20 five four ten",
  ]);
});

test("a check that hangs delays and fails none of its beat, and is looked at again when it has let go", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const letGo = Promise.withResolvers<void>();
  let looks = 0;
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1m", slack: "1s" } },
    play: {
      checks: {
        quick: {
          every: "1m",
          observe: async () => ({ observations: looks > 0 ? [seen("leak")] : [] }),
        },
        stuck: {
          every: "1m",
          timeout: "20s",
          async observe() {
            looks += 1;
            if (looks === 2) await letGo.promise;
            return { observations: [] };
          },
        },
      },
    },
  });
  await kept.pass(minute, "nothing");
  // The beat goes on, and what the other check saw is saved already.
  await expect.poll(async () => (await kept.findings()).map(({ key }) => key)).toEqual(["leak"]);
  expect(kept.beats).toHaveLength(1);

  await kept.pass(20 * second, "nothing");
  await kept.settle();
  expect(kept.beats[1]).toMatchObject({
    outcome: "found",
    checks: [
      { name: "stage/quick", outcome: "ok" },
      { name: "stage/stuck", outcome: "late" },
    ],
  });
  // The receipt is whole once the late look has ended.
  expect(await kept.store.getBeat(kept.beats[1]!.id)).toMatchObject({
    outcome: "found",
    checks: [
      { name: "stage/quick", outcome: "ok" },
      {
        name: "stage/stuck",
        outcome: "timeout",
        error: "took longer than 20s",
        durationMs: 20_000,
      },
    ],
  });
  expect(kept.printed).toHaveLength(1);

  await kept.pass(minute);
  expect(kept.beats.at(-1)).toMatchObject({
    checks: [
      { name: "stage/quick", outcome: "ok" },
      { name: "stage/stuck", outcome: "failed", error: "the look before this one still hangs" },
    ],
  });
  expect(looks).toBe(2);
  letGo.resolve();
  await kept.pass(3 * minute);
  expect(looks).toBeGreaterThan(2);
  const { checks } = await kept.store.status();
  expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    "memory/consolidation ok",
    "stage/quick ok",
    "stage/stuck ok",
  ]);
});

test("a look that takes minutes holds up neither the probes after it nor what is critical", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const begin = clock.now();
  const probedAt: number[] = [];
  const nothing = { observations: [] };
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1h", slack: "1s" } },
    play: {
      checks: {
        stuck: {
          every: "10s",
          timeout: "2m",
          observe: () =>
            clock.now() > begin ? new Promise(() => undefined) : Promise.resolve(nothing),
        },
        probe: {
          every: "10s",
          async observe() {
            probedAt.push((clock.now() - begin) / second);
            const down = clock.now() - begin >= 30 * second;
            return { observations: down ? [seen("down")] : [] };
          },
        },
      },
    },
  });
  for (let passed = 0; passed < minute; passed += second) {
    await kept.pass(second, "nothing");
    // The stuck look never lets the beat be idle: turns of the event loop take the place of that.
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  }
  expect(probedAt).toEqual([0, 10, 20, 30, 40, 50, 60]);
  expect(kept.printed).toHaveLength(1);
  const [told] = await kept.store.listNotifications({ limit: 1 });
  expect(told!.createdAt - begin).toBeLessThanOrEqual(33 * second);
});

test("a check that throws is tried ever more rarely, and the others keep their pace", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const begin = clock.now();
  const triedAt: number[] = [];
  let others = 0;
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1h", slack: "1s" } },
    play: {
      checks: {
        torn: {
          every: "1m",
          async observe() {
            triedAt.push((clock.now() - begin) / minute);
            throw new Error("torn");
          },
        },
        whole: {
          every: "1m",
          async observe() {
            others += 1;
            return { observations: [] };
          },
        },
      },
    },
  });
  await kept.pass(125 * minute);
  expect(triedAt).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121]);
  expect(others).toBe(126);
});

test("a beat asked for beside the watch tells what it found once", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const observations = [seen("first")];
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "1h" } },
    play: { checks: { sight: { every: "1h", observe: async () => ({ observations }) } } },
  });
  expect(kept.printed).toHaveLength(1);
  observations.push(seen("second"), seen("third", { severity: "warning" }));
  const [one, other] = await Promise.all([kept.watch.beatNow(null), kept.watch.beatNow(["stage"])]);
  expect(one.trigger).toBe("manual");
  expect(other.id).toBeGreaterThan(one.id);
  await kept.settle();
  const told = (await kept.notifications()).flatMap(({ findings }) => findings);
  expect(told).toEqual([1, 2, 3]);
  expect(kept.printed).toHaveLength(2);
});

test("a run that the stop interrupts is given up within seconds, and the next run has its findings", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const play = {
    checks: { sight: { every: "1h", observe: async () => ({ observations: [seen("pump")] }) } },
  };
  await using model = await startScriptedModel([fault.hang(), reportAll("notify")]);
  const stoppedAt = await (async () => {
    await using kept = await keepWatch({ folder: folder.path, clock, model, play });
    await model.nextRequest();
    await kept.pass(5 * second, "beats");
    return clock.now();
  })();
  expect(clock.now() - stoppedAt).toBeLessThanOrEqual(8 * second);

  await using again = await keepWatch({ folder: folder.path, clock, model, play });
  await again.settle();
  expect(await again.journal()).toMatchObject([
    { outcome: "interrupted", error: "the daemon was stopped", findings: [1] },
    { outcome: "ok", findings: [1] },
  ]);
  expect(findingIds(model.requests[1]!)).toEqual(["1"]);
  expect(again.printed).toHaveLength(1);
});
