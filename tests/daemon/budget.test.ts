import { join } from "node:path";
import { expect, test } from "vitest";
import {
  callTools,
  FakeClock,
  reportAll,
  startScriptedModel,
  type RecordedRequest,
  type ReplyMaker,
} from "watchkeeper/testing";
import { costUsd, listPrices } from "../../src/model/pricing.ts";
import type { ModelUsage } from "../../src/model/port.ts";
import { look, startDaemon, until, writeFiles } from "./daemon-process.ts";
import { keepWatch, seen, temporaryFolder, type KeptWatch } from "./harness.ts";
import { gauge, valve } from "./stage-tools.ts";

const minute = 60_000;
const sonnet = "claude-sonnet-5-5";

/** Something new at each look, so that each beat is worth a run. */
function newsAtEachLook() {
  let looks = 0;
  return {
    every: "1m",
    observe: async () => {
      looks += 1;
      return { observations: [seen(`news-${looks}`, { severity: "notice" })] };
    },
  };
}

const newsOnce = (severity: "notice" | "warning" = "notice") => ({
  every: "1m",
  observe: async () => ({ observations: [seen("pump", { severity })], complete: true as const }),
});

/** All that the request may be billed: each byte written to the cache for an hour, the longest reply. */
function wholeReservation({ rawBody, body }: RecordedRequest, share = 1) {
  const written = Math.floor(Buffer.byteLength(rawBody) * share);
  return {
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: written,
    cacheWriteHourTokens: written,
    outputTokens: Math.floor(body.max_tokens * share),
  };
}

const billOf = (usage: ModelUsage, model = sonnet): number => costUsd(model, usage) ?? 0;

async function told(kept: KeptWatch, about: RegExp): Promise<string[]> {
  await kept.settle();
  return kept.printed.filter((text) => about.test(text));
}

test("under a daily cap of $1, 500 beats with news spend no more in a day, and each cap is told once", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock("2026-01-05T19:00:00Z");
  const bills: { at: number; usd: number }[] = [];
  const rep = reportAll("ignore");
  const play: ReplyMaker = async (request, index) => {
    // The first call bills all that it may, others less and less.
    const usage = wholeReservation(request, [1, 0.6, 0.3, 0.1][index % 4]);
    bills.push({ at: clock.now(), usd: billOf(usage, request.body.model) });
    return { ...(await rep(request, index)), usage } as Awaited<ReturnType<ReplyMaker>>;
  };
  await using model = await startScriptedModel(play);
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: {
      heartbeat: { every: "1m" },
      model: { budget: { dailyUsd: 1, perRunUsd: 1 } },
      notify: { interruptionsPerDay: 1_000 },
    },
    play: { checks: { news: newsAtEachLook() } },
  });
  await kept.pass(500 * minute);

  const midnight = Date.parse("2026-01-06T00:00:00Z");
  const billed = (from: number, to: number) =>
    bills.filter(({ at }) => at >= from && at < to).reduce((sum, { usd }) => sum + usd, 0);
  const days = [billed(0, midnight), billed(midnight, Infinity)];
  const runs = await kept.journal();
  process.stdout.write(
    `${kept.beats.length} beats, ${runs.length} runs, ${model.requests.length} calls; ` +
      `billed ${days.map((usd) => `$${usd.toFixed(4)}`).join(" and ")} of $1.00 a day\n`,
  );
  expect(kept.beats.length).toBeGreaterThanOrEqual(500);
  for (const day of days) {
    expect(day).toBeLessThanOrEqual(1);
    expect(day).toBeGreaterThan(0.8);
  }
  expect((await kept.store.spendSince(0)).costUsd).toBeCloseTo(days[0]! + days[1]!, 9);
  const ofRuns = runs.reduce((sum, run) => sum + run.costUsd, 0);
  const ofSteps = runs.flatMap(({ steps }) => steps).reduce((sum, step) => sum + step.costUsd, 0);
  expect(ofRuns).toBeCloseTo(days[0]! + days[1]!, 9);
  expect(ofSteps).toBeCloseTo(ofRuns, 9);
  // At the cap no run is begun: the rules decide, and say why.
  expect(runs.length).toBeLessThan(100);
  expect(await told(kept, /the daily budget of \$1\.00/)).toHaveLength(2);
  const findings = await kept.findings();
  expect(
    findings.filter(({ key }) => key.startsWith("news-")).every(({ verdict }) => verdict),
  ).toBe(true);
  const about = findings.filter(({ check }) => check === "watchkeeper/budget");
  expect(about).toMatchObject([
    { key: "dailyUsd 2026-01-05", status: "resolved", decidedBy: "rules" },
    { key: "dailyUsd 2026-01-06", status: "open", decidedBy: "rules" },
  ]);
});

test("a bill that cannot be is recorded in full, its model asked no more, and the owner told once", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const usage = { inputTokens: 5_000_000, outputTokens: 2_000_000 };
  await using model = await startScriptedModel(reportAll("ignore", { usage }));
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: {
      heartbeat: { every: "1m" },
      model: {
        chain: [{ model: sonnet }],
        budget: { dailyUsd: 1_000, monthlyUsd: 1_000, dailyTokens: 50_000_000 },
      },
    },
    play: { checks: { news: newsAtEachLook() } },
  });
  await kept.pass(20 * minute);

  expect(model.requests).toHaveLength(1);
  const bill = billOf({ ...usage, cacheReadTokens: 0, cacheWriteTokens: 0 });
  expect(bill).toBe(30);
  expect(await kept.store.spendSince(0)).toEqual({ costUsd: 30, tokens: 7_000_000 });
  expect(await kept.journal()).toMatchObject([{ costUsd: 30, outcome: "ok" }]);
  expect(await told(kept, /billed more than a call can cost/)).toHaveLength(1);

  await kept.store.liftModelStop(sonnet);
  await kept.pass(minute);
  expect(model.requests).toHaveLength(2);
});

test("a stop outlives the daemon", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const usage = { inputTokens: 5_000_000, outputTokens: 5 };
  await using model = await startScriptedModel(reportAll("ignore", { usage }));
  const options = {
    folder: folder.path,
    clock,
    model,
    config: { model: { chain: [{ model: sonnet }], budget: { dailyUsd: 500 } } },
    play: { checks: { news: newsAtEachLook() } },
  };
  const first = await keepWatch(options);
  await first.settle();
  await first[Symbol.asyncDispose]();
  await using second = await keepWatch(options);
  await second.pass(10 * minute);
  expect(model.requests).toHaveLength(1);
  expect(
    [...first.printed, ...second.printed].filter((text) => /billed more/.test(text)),
  ).toHaveLength(1);
});

test("a model that never stops calling tools stops at the cap, at the stated cost, told once", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  await using model = await startScriptedModel((_request, index) =>
    callTools([{ name: "stage_valve", input: { number: index + 1 } }], {
      usage: { inputTokens: 1_000, outputTokens: 100 },
    }),
  );
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    play: { checks: { pump: newsOnce() }, tools: { valve } },
  });
  await kept.pass(30 * minute);

  const [run, ...others] = await kept.journal();
  expect(others).toEqual([]);
  expect(run).toMatchObject({
    outcome: "incomplete",
    error: "the run did not end within 25 steps",
    inputTokens: 13_000,
    outputTokens: 1_300,
  });
  // 13 calls of 1,000 tokens in and 100 out.
  expect(model.requests).toHaveLength(13);
  expect(run!.costUsd).toBeCloseTo(13 * (1_000 * 2e-6 + 100 * 10e-6), 9);
  expect(await told(kept, /did not come to an end and was stopped/)).toHaveLength(1);
});

test.for([
  {
    name: "the same call again and again is a loop, cut before it is carried out once more",
    calls: [[{ name: "stage_gauge", input: {} }]],
    limits: {},
    steps: { model: 3, tool: 2 },
    error: "a loop: the model called stage_gauge with the same input 3 times",
  },
  {
    name: "the order of an input's keys makes no other call of it",
    calls: [
      [{ name: "stage_gauge", input: { a: 1, b: { c: 2, d: 3 } } }],
      [{ name: "stage_gauge", input: { b: { d: 3, c: 2 }, a: 1 } }],
    ],
    limits: { identicalCalls: 2 },
    steps: { model: 2, tool: 1 },
    error: "a loop: the model called stage_gauge with the same input 2 times",
  },
  {
    name: "a reply with more calls than are left is not carried out at all",
    calls: [Array.from({ length: 9 }, (_, number) => ({ name: "stage_valve", input: { number } }))],
    limits: { toolCallsPerRun: 8 },
    steps: { model: 1, tool: 0 },
    error: "the model wanted more than 8 tool calls",
  },
])("$name", async ({ calls, limits, steps, error }) => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  await using model = await startScriptedModel((_request, index) =>
    callTools(calls[index % calls.length]!),
  );
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { model: { limits } },
    play: { checks: { pump: newsOnce("warning") }, tools: { gauge, valve } },
  });
  await kept.pass(10 * minute);
  const [run, ...others] = await kept.journal();
  expect(others).toEqual([]);
  expect(run).toMatchObject({ outcome: "incomplete", error });
  const kinds = run!.steps.map(({ kind }) => kind);
  expect({
    model: kinds.filter((kind) => kind === "model").length,
    tool: kinds.filter((kind) => kind === "tool").length,
  }).toEqual(steps);
  expect(await told(kept, /did not come to an end and was stopped/)).toHaveLength(1);
  // The rules took over.
  expect(await told(kept, /pump needs a look/)).toHaveLength(1);
});

test("a run that takes too long ends when its time is over, with what it may have cost", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const held = Promise.withResolvers<void>();
  await using model = await startScriptedModel(async (request, index) => {
    if (index === 0) return callTools([{ name: "stage_gauge", input: {} }]);
    await held.promise;
    return reportAll("ignore")(request, index);
  });
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { model: { chain: [{ model: sonnet }], limits: { minutesPerRun: 0.5 } } },
    play: { checks: { pump: newsOnce() }, tools: { gauge } },
  });
  await kept.settle("beats");
  await model.nextRequest();
  await model.nextRequest();
  await kept.pass(minute, "nothing");
  held.resolve();
  await kept.settle();
  const [run] = await kept.journal();
  expect(run).toMatchObject({ outcome: "incomplete", error: "the run took longer than 30s" });
  const [, second] = model.requests;
  expect(run!.costUsd).toBeGreaterThanOrEqual(billOf(wholeReservation(second!)));
  expect(await told(kept, /did not come to an end and was stopped/)).toHaveLength(1);
});

test("a run that reaches its own cap ends over budget, and the rules take over its findings", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  await using model = await startScriptedModel((request, index) =>
    callTools([{ name: "stage_valve", input: { number: index + 1 } }], {
      usage: wholeReservation(request),
    }),
  );
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: { model: { chain: [{ model: sonnet }], budget: { perRunUsd: 0.3 } } },
    play: { checks: { pump: newsOnce("warning") }, tools: { valve } },
  });
  await kept.pass(10 * minute);
  const [run, ...others] = await kept.journal();
  expect(others).toEqual([]);
  expect(run).toMatchObject({
    outcome: "over-budget",
    error: expect.stringContaining("the budget of $0.30 for one run is spent"),
  });
  expect(run!.costUsd).toBeLessThanOrEqual(0.3);
  expect(run!.costUsd).toBeGreaterThan(0.2);
  expect(await told(kept, /pump needs a look/)).toHaveLength(1);
  expect(await told(kept, /A run was ended early/)).toHaveLength(1);
});

test("a model whose price is not known is held by the caps on tokens", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  await using model = await startScriptedModel((request) => ({
    ...callTools([{ name: "stage_gauge", input: {} }], { usage: wholeReservation(request) }),
  }));
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: {
      heartbeat: { every: "1m" },
      model: {
        chain: [{ model: "a-model-of-my-own" }],
        budget: { dailyTokens: 100_000, dailyUsd: 0.01 },
      },
    },
    play: { checks: { news: newsAtEachLook() }, tools: { gauge } },
  });
  await kept.pass(30 * minute);
  const { costUsd: usd, tokens } = await kept.store.spendSince(0);
  expect(usd).toBe(0);
  expect(tokens).toBeLessThanOrEqual(100_000);
  expect(tokens).toBeGreaterThan(60_000);
  expect(await told(kept, /the daily budget of 100,000 tokens/)).not.toEqual([]);
});

test("prices of the owner's go before the list's", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const usage = { inputTokens: 1_000, outputTokens: 10 };
  await using model = await startScriptedModel([reportAll("ignore", { usage })]);
  await using kept = await keepWatch({
    folder: folder.path,
    clock,
    model,
    config: {
      model: { chain: [{ model: sonnet }], prices: { [sonnet]: { input: 1, output: 1 } } },
    },
    play: { checks: { pump: newsOnce() } },
  });
  await kept.settle();
  expect(listPrices[sonnet]!.input).not.toBe(1);
  expect((await kept.store.spendSince(0)).costUsd).toBeCloseTo(0.00101, 12);
});

test("a daemon killed within a call settles it at its worst at the next start", async () => {
  await using folder = await temporaryFolder();
  const stateDir = join(folder.path, "state");
  const forever = Promise.withResolvers<never>();
  const said = { inputTokens: 1_000, outputTokens: 10 };
  await using model = await startScriptedModel((request, index) =>
    index === 0 ? forever.promise : reportAll("ignore", { usage: said })(request, index),
  );
  await writeFiles(folder.path, {
    "agent.config.ts": `export default {
      web: { port: 0 },
      heartbeat: { every: "1h" },
      model: { chain: [{ model: "${sonnet}" }] },
      skills: { "./pond": {} },
    };`,
    "pond/SKILL.md": "---\nname: pond\ndescription: Watches the pond.\n---\n",
    "pond/index.ts": `
      import { defineSkill } from "watchkeeper";
      export default defineSkill({
        checks: () => ({
          level: {
            every: "1h",
            observe: async () => ({
              observations: [{ key: "low", severity: "notice", title: "The pond is low", trust: "trusted" }],
              complete: true,
            }),
          },
        }),
      });
    `,
  });
  const options = { folder: folder.path, stateDir, modelUrl: model.baseUrl };
  const killed = startDaemon(options);
  const request = await model.nextRequest();
  await killed.kill();
  expect(await look(stateDir, (store) => store.spendSince(0))).toEqual({ costUsd: 0, tokens: 0 });

  await using daemon = startDaemon(options);
  const runs = await until(
    "a run to its end",
    async () => {
      const all = await look(stateDir, (store) => store.listRuns({ limit: 5 }));
      return all?.some(({ outcome }) => outcome === "ok") && all;
    },
    daemon,
  );
  const spent = (await look(stateDir, (store) => store.spendSince(0)))?.costUsd ?? 0;
  const ofKilledCall = spent - billOf({ ...said, cacheReadTokens: 0, cacheWriteTokens: 0 });
  const worst = billOf(wholeReservation(request));
  process.stdout.write(
    `killed within a call of at most $${worst.toFixed(4)}: $${ofKilledCall.toFixed(4)}\n`,
  );
  expect(ofKilledCall).toBeGreaterThanOrEqual(worst - 1e-9);
  expect(ofKilledCall).toBeLessThan(worst * 1.01);
  expect(runs.reduce((sum, run) => sum + run.costUsd, 0)).toBeCloseTo(spent, 9);
});
