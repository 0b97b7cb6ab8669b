import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  callTools,
  reportAll,
  startScriptedModel,
  type ScriptedModel,
} from "../../src/testing/index.ts";
import * as contract from "./contract.ts";
import { furnish } from "./desk.ts";
import { aLongTime, createPlace, watching, type Place } from "./place.ts";

/** One watch with a model, a run of two steps, an acknowledged and a resolved finding. */
let place: Place;
let model: ScriptedModel;
let firstBeat: { exitCode: number | null; value: unknown };
beforeAll(async () => {
  model = await startScriptedModel([
    callTools([{ name: "desk_count", input: {} }], {
      usage: { inputTokens: 1_200, outputTokens: 40, cacheReadTokens: 300 },
    }),
    reportAll("notify"),
  ]);
  place = await createPlace({ ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: model.baseUrl });
  await furnish(place);
  firstBeat = await place.json("beat");
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

/** The command's JSON, read by the contract. */
async function read<Schema extends z.ZodType>(
  schema: Schema,
  ...words: string[]
): Promise<z.output<Schema>> {
  const { value } = await place.json(...words);
  return schema.parse(value);
}

test("beat prints its receipt alone, while notifications are told", async () => {
  expect(firstBeat.exitCode).toBe(0);
  const receipt = contract.beat.parse(firstBeat.value);
  expect(receipt).toMatchObject({
    trigger: "manual",
    outcome: "found",
    findings: [1, 2],
    runId: 1,
  });
  expect(receipt.checks.map(({ name }) => name).sort()).toEqual(["desk/lamp", "desk/papers"]);
  expect(receipt.costUsd).toBeGreaterThan(0);
  expect(await read(contract.beat, "beats", "show", "1")).toEqual(receipt);
});

test("beats and runs are lists, the newest first; runs show adds the steps", async () => {
  expect(await read(z.array(contract.beat), "beats")).toHaveLength(1);
  const [run] = await read(z.array(contract.run), "runs");
  expect(run).toMatchObject({ id: 1, beatId: 1, outcome: "ok", findings: [1, 2], error: null });
  const shown = await read(contract.runWithSteps, "runs", "show", "1");
  expect(shown).toMatchObject(run ?? {});
  expect(shown.steps.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    expect.stringMatching(/^model /),
    "tool desk_count",
    expect.stringMatching(/^model /),
  ]);
  expect(shown.steps[1]).toMatchObject({ decision: "allow", input: {}, error: null });
  expect(shown.steps[0]?.tokens).toBe(1_540);
  const total = shown.steps.reduce((sum, { costUsd }) => sum + costUsd, 0);
  expect(run?.costUsd).toBeCloseTo(total, 9);
});

test("runs show prints calls, results and verdicts as a person reads them", async () => {
  const { stdout } = await place.run("runs", "show", "1");
  expect(stdout).toContain("→ desk_count {}\n");
  expect(stdout).toMatch(/result: \{\s*"papers":\s*2\s*\}/);
  expect(stdout).toContain("→ report\n       #1 notify\n       #2 notify\n");
  expect(stdout).toContain("summary: 2 findings: notify");
  // What the model was told stands in lines, and not as JSON with its escapes.
  expect(stdout).toMatch(/told:\n( {7}.*\n|\n)* {7}<finding id="1"/);
  expect(stdout).not.toContain("\\n");
});

test("findings are what is open, --all is all, and both are judged", async () => {
  expect(await read(z.array(contract.finding), "findings")).toMatchObject([
    {
      id: 1,
      skill: "desk",
      check: "desk/papers",
      key: "bill",
      severity: "warning",
      trust: "untrusted",
      verdict: "notify",
      decidedBy: "model",
      resolvedAt: null,
    },
    { id: 2, key: "letter", text: null, status: "open" },
  ]);
  const one = await read(contract.finding, "findings", "show", "1");
  expect(one).toMatchObject({ title: "A bill is due", text: "Pay 12 EUR to the printer." });
  const all = await read(z.array(contract.finding), "findings", "--all", "--limit", "1");
  expect(all.map(({ id }) => id)).toEqual([2]);
});

test("skills, config check and doctor keep to their shape", async () => {
  const [desk] = await read(z.array(contract.skill), "skills");
  expect(desk).toMatchObject({
    name: "desk",
    status: "ok",
    checks: [{ name: "desk/papers", schedule: `every ${aLongTime}` }, { name: "desk/lamp" }],
    tools: [{ name: "desk_count", effect: "read" }],
  });
  expect(await read(contract.configCheck, "config", "check")).toMatchObject({
    ok: true,
    file: place.path("agent.config.ts"),
    skills: ["desk"],
    problems: [],
  });
  const doctor = await read(z.array(contract.diagnosis), "doctor");
  expect(doctor.find(({ name }) => name === "model")).toMatchObject({ level: "ok" });
  expect(doctor.find(({ name }) => name === "desk/papers")).toEqual({
    name: "desk/papers",
    level: "warn",
    message: "A bill is due",
  });
  expect(doctor.find(({ name }) => name === "desk/lamp")).toMatchObject({ level: "ok" });
});

test("a config that is wrong is still JSON, with every problem, and exit 2", async () => {
  await using other = await createPlace();
  await other.config(`{ heartbeat: { evry: "5m" }, timezone: "Mars" }`);
  const { exitCode, value } = await other.json("config", "check");
  expect(exitCode).toBe(2);
  expect(contract.configCheck.parse(value)).toMatchObject({
    ok: false,
    problems: [expect.stringContaining("timezone"), expect.stringContaining("heartbeat.evry")],
  });
});

test("a dry run says what would be found and told, and changes nothing", async () => {
  await using fresh = await createPlace();
  await furnish(fresh);
  const { exitCode, value } = await fresh.json("beat", "--dry-run");
  expect(exitCode).toBe(0);
  expect(contract.dryRun.parse(value).findings).toMatchObject([
    { key: "bill", state: "opened", wouldBe: "told at once" },
    { key: "letter", state: "opened", wouldBe: "in the digest" },
  ]);
});

describe("status", () => {
  test("without a daemon is exit 3, and still tells what is saved", async () => {
    const { exitCode, value } = await place.json("status");
    expect(exitCode).toBe(3);
    const seen = contract.status.parse(value);
    expect(seen).toMatchObject({ pid: null, startedAt: null, healthy: false, openFindings: 2 });
    expect(seen.spend.todayTokens).toBeGreaterThan(1_500);
    expect(seen.spend.monthUsd).toBeGreaterThanOrEqual(seen.spend.todayUsd);
  });

  test("goes from 0 to 4 when a check is blind, and back when it sees again", async () => {
    await using watch = await createPlace();
    await furnish(watch);
    const daemon = watch.start("start");
    await daemon.seen(watching);
    await watch.run("beat");
    const well = await watch.json("status");
    expect(well.exitCode).toBe(0);
    expect(contract.status.parse(well.value)).toMatchObject({ healthy: true, pid: daemon.pid });

    await rm(watch.path("light"));
    for (let look = 0; look < 3; look += 1) await watch.run("beat", "--check", "desk/lamp");
    const blind = await watch.json("status");
    expect(blind.exitCode).toBe(4);
    const seen = contract.status.parse(blind.value);
    expect(seen.healthy).toBe(false);
    const lamp = seen.checks.find(({ name }) => name === "desk/lamp");
    expect(lamp).toMatchObject({ status: "blind", lastError: expect.stringContaining("ENOENT") });
    // The daemon may have looked at its own time as well.
    expect(lamp?.consecutiveFailures).toBeGreaterThanOrEqual(3);
    const inWords = await watch.run("status");
    expect(inWords.stdout).toContain("! desk/lamp is blind");

    await watch.write("light", "");
    await watch.run("beat", "--check", "desk");
    expect((await watch.run("status")).exitCode).toBe(0);
  });
});

test("cost is what status says was spent, per day, model and skill", async () => {
  const { spend } = await read(contract.status, "status");
  const { days, models, skills, total, forecast } = await read(contract.cost, "cost");
  expect(total).toEqual({ costUsd: spend.monthUsd, tokens: spend.todayTokens });
  expect(days).toMatchObject([{ ...total, calls: 2, runs: 1 }]);
  expect(models).toMatchObject([{ model: "claude-sonnet-5-5", ...total }]);
  expect(skills).toMatchObject([{ skill: "desk", ...total }]);
  expect(forecast).toEqual({ monthUsd: null, fromDays: 0, monthUsdAtTodaysPace: null });
  expect((await place.run("cost", "--days", "0")).exitCode).toBe(2);
});
