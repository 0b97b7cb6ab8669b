import { expect, test } from "vitest";
import type { ObservationInput } from "watchkeeper";
import { FakeClock, findingIds, reportAll, startScriptedModel } from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

const minute = 60_000;

const showing = (observations: readonly ObservationInput[]) => ({
  checks: {
    sight: { every: "10m", observe: async () => ({ observations: [...observations] }) },
  },
});

test("without a model what is noticed waits for one digest at its time", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const observations = [
    seen("letter", { severity: "notice" }),
    seen("rumour", { severity: "info" }),
  ];
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "10m" }, notify: { digestAt: "10:30" } },
    play: showing(observations),
  });
  observations.push(seen("parcel", { severity: "notice" }));
  await kept.pass(89 * minute);
  expect(kept.printed).toEqual([]);
  await kept.pass(2 * minute);
  expect(kept.printed).toHaveLength(1);
  const [digest] = kept.printed;
  expect(digest).toContain("Digest: 2 things");
  expect(digest).toContain("notice: letter needs a look");
  expect(digest).toContain("notice: parcel needs a look");
  expect(digest).not.toContain("rumour");
  expect(digest).toContain("No model looked at this");
  expect(
    (await kept.findings()).map(({ key, verdict, decidedBy }) => [key, verdict, decidedBy]),
  ).toEqual([
    ["letter", "digest", "rules"],
    ["rumour", "ignore", "rules"],
    ["parcel", "digest", "rules"],
  ]);
  await kept.pass(60 * minute);
  expect(kept.printed).toHaveLength(1);
});

test("what is held for the digest is told after a restart too, once", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const options = {
    folder: folder.path,
    clock,
    config: { notify: { digestAt: "10:30" } },
    play: showing([seen("letter", { severity: "notice" })]),
  };
  {
    await using kept = await keepWatch(options);
    expect(kept.printed).toEqual([]);
  }
  clock.set("2026-01-05T12:00:00Z");
  await using again = await keepWatch(options);
  expect(again.printed).toHaveLength(1);
  expect(again.printed[0]).toContain("Digest: 1 thing");
});

test("in quiet hours only what is critical is told, the rest when they end", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T23:00:00Z");
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: { heartbeat: { every: "10m" }, notify: { quietHours: "22:00-07:00" } },
    play: showing([seen("pump"), seen("fence", { severity: "warning" })]),
  });
  expect(kept.printed).toHaveLength(1);
  expect(kept.printed[0]).toContain("pump");
  expect(kept.printed[0]).not.toContain("fence");
  // What is known to the owner is not reminded of.
  await kept.store.acknowledge(1, clock.now());
  clock.set("2026-01-06T06:58:00Z");
  await kept.pass(minute);
  expect(kept.printed).toHaveLength(1);
  await kept.pass(2 * minute);
  expect(kept.printed).toHaveLength(2);
  expect(kept.printed[1]).toContain("fence");
  expect(kept.printed[1]).not.toContain("pump");
});

test("above the day's interruptions a warning waits for the digest, and what is critical does not", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const observations = [seen("fence", { severity: "warning" })];
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    config: {
      heartbeat: { every: "10m" },
      notify: { interruptionsPerDay: 1, digestAt: "09:45" },
    },
    play: showing(observations),
  });
  observations.push(seen("gate", { severity: "warning" }));
  await kept.pass(10 * minute);
  expect(kept.printed).toHaveLength(1);
  observations.push(seen("pump"));
  await kept.pass(10 * minute);
  expect(kept.printed).toHaveLength(2);
  expect(kept.printed[1]).toContain("pump");
  await kept.pass(30 * minute);
  expect(kept.printed).toHaveLength(3);
  expect(kept.printed[2]).toContain("gate");
});

test("info that nothing else came along with is judged at the digest's time", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  await using model = await startScriptedModel(reportAll("digest"));
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { heartbeat: { every: "10m" }, notify: { digestAt: ["10:00", "11:00"] } },
    play: showing([seen("rumour", { severity: "info" })]),
  });
  await kept.pass(59 * minute);
  expect(model.requests).toHaveLength(0);
  await kept.pass(2 * minute);
  expect(model.requests).toHaveLength(1);
  expect(findingIds(model.requests[0]!)).toEqual(["1"]);
  await kept.pass(60 * minute);
  expect(kept.printed).toHaveLength(1);
  expect(kept.printed[0]).toContain("info: rumour needs a look");
});
