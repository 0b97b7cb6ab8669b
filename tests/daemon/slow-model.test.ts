import { expect, test } from "vitest";
import {
  callTools,
  FakeClock,
  fault,
  heldUntil,
  reportAll,
  startScriptedModel,
} from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";
import { gauge } from "./stage-tools.ts";
import { startService } from "./world.ts";

const second = 1_000;
const minute = 60 * second;

const everyTenSeconds = (url: string) => ({
  services: { every: "10s", failureThreshold: 1, targets: [{ name: "shop", http: url }] },
});

/** The times at which a service that is asked every ten seconds should have been asked. */
const tens = (from: number, to: number): number[] =>
  Array.from({ length: (to - from) / (10 * second) + 1 }, (_, index) => from + index * 10 * second);

test("a model that hangs for five minutes delays no probe, and what is critical is told within a minute, once", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const begin = clock.now();
  const probedAt: number[] = [];
  await using service = await startService(() => probedAt.push(clock.now()));
  await using model = await startScriptedModel(() => fault.hang());
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    skills: everyTenSeconds(service.url),
    play: {
      checks: {
        pump: {
          async observe() {
            return { observations: [seen("pump", { severity: "warning" })] };
          },
        },
      },
    },
  });
  await model.nextRequest();

  await kept.pass(15 * second, "beats");
  service.isUp = false;
  await kept.pass(5 * minute - 15 * second, "beats");
  expect(probedAt).toEqual(tens(begin, begin + 5 * minute));

  const down = (await kept.findings()).find(({ check }) => check === "services/shop");
  expect(down).toMatchObject({ severity: "critical", openedAt: begin + 20 * second });
  const told = (await kept.notifications()).filter(({ findings }) => findings.includes(down!.id));
  expect(told).toHaveLength(1);
  expect(told[0]!.createdAt).toBeLessThanOrEqual(down!.openedAt + minute);
  expect(kept.printed.filter((text) => text.includes("shop is down"))).toHaveLength(1);
  expect(kept.printed.find((text) => text.includes("shop is down"))).toMatch(
    /No model (has )?looked at this/,
  );

  // Two models, three attempts each, and then a run over what came up meanwhile.
  await kept.pass(8 * minute, "beats");
  expect(probedAt).toEqual(tens(begin, begin + 13 * minute));
  expect((await kept.journal()).length).toBeGreaterThan(1);
  for (const run of await kept.journal()) {
    expect(run).toMatchObject({
      outcome: "failed",
      error: expect.stringMatching(
        /^timeout: claude-sonnet-5-5: timeout: no answer .*claude-haiku-5-5: timeout: no answer/,
      ),
    });
  }
  expect(await kept.store.pendingFindings(10)).toEqual([]);
});

test("in a run of five minutes the critical findings are told by the rules, and not again when it ends", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const begin = clock.now();
  const probedAt: number[] = [];
  await using service = await startService(() => probedAt.push(clock.now()));
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
  const lookAgain = callTools([{ name: "stage_gauge", input: {} }]);
  await using model = await startScriptedModel((request, index) => {
    const gate = gates[index];
    return gate ? heldUntil(gate.promise, lookAgain) : reportAll("notify")(request, index);
  });
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { model: { limits: { identicalCalls: 10 } } },
    skills: everyTenSeconds(service.url),
    play: {
      tools: { gauge },
      checks: {
        pump: {
          async observe() {
            return { observations: [seen("pump")] };
          },
        },
      },
    },
  });
  await model.nextRequest();
  for (const [index, gate] of gates.entries()) {
    await kept.pass(50 * second, "beats");
    if (index === 0) service.isUp = false;
    gate.resolve();
    await model.nextRequest();
  }
  await kept.settle();
  expect(probedAt).toEqual(tens(begin, begin + 5 * minute));

  const [pump, shop] = await kept.findings();
  expect(await kept.journal()).toMatchObject([
    { outcome: "ok", findings: [pump!.id] },
    { outcome: "ok", findings: [shop!.id] },
  ]);
  const told = (await kept.notifications()).map(({ findings, createdAt }) => ({
    findings,
    createdAt,
  }));
  expect(told).toEqual([
    { findings: [pump!.id], createdAt: begin + minute },
    { findings: [shop!.id], createdAt: shop!.openedAt + minute },
  ]);
  expect(kept.printed).toHaveLength(2);
  // The model's word came later and is kept with the finding.
  expect(pump).toMatchObject({ verdict: "notify", decidedBy: "model" });
});

test("a critical finding left by a daemon that was down is told once when it starts again", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const play = {
    checks: {
      pump: {
        async observe() {
          return { observations: [seen("pump")] };
        },
      },
    },
  };
  await using model = await startScriptedModel(() => fault.hang());
  {
    await using kept = await keepWatch({ folder: folder.path, clock, model, play });
    await model.nextRequest();
    expect(await kept.findings()).toMatchObject([{ key: "pump", verdict: null }]);
  }
  clock.set(clock.now() + 10 * minute);
  await using again = await keepWatch({ folder: folder.path, clock, play });
  expect(again.printed).toHaveLength(1);
  expect(again.printed[0]).toContain("No model looked at this");
  expect(await again.notifications()).toHaveLength(1);
});
