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

const noticed = (key: string, options: Partial<ObservationInput> = {}) =>
  seen(key, { severity: "notice", ...options });

async function gather(observations: readonly ObservationInput[]) {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await temporaryFolder());
  const clock = new FakeClock("2026-01-05T09:00:00Z");
  const model = parts.use(await startScriptedModel(reportAll("notify")));
  const kept = parts.use(
    await keepWatch({
      folder: folder.path,
      clock,
      model,
      config: { heartbeat: { every: "10m" }, model: { gather: "1h" } },
      play: showing(observations),
    }),
  );
  const held = parts.move();
  return { kept, model, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

test("notices of an hour share one conversation, and none is told twice", async () => {
  const observations = [noticed("letter")];
  await using world = await gather(observations);
  const { kept, model } = world;
  for (const key of ["parcel", "postcard"]) {
    await kept.pass(20 * minute);
    observations.push(noticed(key));
  }
  await kept.pass(19 * minute);
  expect(model.requests).toHaveLength(0);
  await kept.pass(2 * minute);
  expect(model.requests).toHaveLength(1);
  expect(findingIds(model.requests[0]!)).toHaveLength(3);
  // It is on the receipt of the beat that found the last of them: a quiet beat has cost nothing.
  const receipts = await kept.store.listBeats({ limit: 100 });
  const [paid, ...others] = receipts.filter(({ runId }) => runId !== null);
  expect(others).toEqual([]);
  expect(paid).toMatchObject({ outcome: "found", findings: [3] });
  await kept.pass(3 * 60 * minute);
  expect(model.requests).toHaveLength(1);
  expect(kept.printed).toHaveLength(1);
});

test("a warning does not wait, and takes along what has gathered", async () => {
  const observations = [noticed("letter")];
  await using world = await gather(observations);
  const { kept, model } = world;
  observations.push(seen("fence", { severity: "warning" }));
  await kept.pass(10 * minute);
  expect(model.requests).toHaveLength(1);
  expect(findingIds(model.requests[0]!)).toHaveLength(2);
});

test("what begins soon is told while half of the time is left", async () => {
  const closesAt = new Date("2026-01-05T09:30:00Z");
  await using world = await gather([noticed("meeting", { closesAt })]);
  const { kept } = world;
  await kept.pass(14 * minute);
  expect(kept.printed).toEqual([]);
  await kept.pass(2 * minute);
  expect(kept.printed).toHaveLength(1);
  expect(kept.printed[0]).toContain("meeting");
});

test("a beat that was asked for waits for nobody", async () => {
  await using world = await gather([noticed("letter")]);
  const { kept, model } = world;
  expect(model.requests).toHaveLength(0);
  await kept.watch.beatNow(null);
  expect(model.requests).toHaveLength(1);
});
