import { join } from "node:path";
import { expect, test } from "vitest";
import { defineTool, z } from "watchkeeper";
import {
  callTools,
  FakeClock,
  heldUntil,
  reportAll,
  startScriptedModel,
  text,
} from "watchkeeper/testing";
import { packageInfo } from "../../src/config/package.ts";
import { openStore } from "../../src/store/index.ts";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

const hour = 60 * 60_000;

test("a run that takes over the findings of one that was given up is told what that one did, and does not do it again", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const sent: string[] = [];
  const post = defineTool({
    description: "Posts.",
    effect: "send",
    trust: "trusted",
    input: z.strictObject({ to: z.string() }),
    run: async ({ to }) => sent.push(to),
  });
  const level = {
    every: "1h",
    observe: async () => ({ observations: [seen("tide", { severity: "warning" as const })] }),
  };
  const options = {
    folder: folder.path,
    clock,
    config: { policy: { grants: [{ tool: "stage_post", maxPerDay: 10 }] } },
    play: { checks: { level }, tools: { post } },
  };
  {
    await using model = await startScriptedModel([
      callTools([{ name: "stage_post", input: { to: "a" } }]),
      heldUntil(new Promise(() => undefined), text("…")),
    ]);
    await using kept = await keepWatch({ ...options, model });
    // The daemon is stopped while the model thinks, and gives the run up.
    await kept.settle("beats");
  }
  expect(sent).toEqual(["a"]);
  await clock.advance(2 * hour);

  await using model = await startScriptedModel([
    callTools([
      { name: "stage_post", input: { to: "a" } },
      { name: "stage_post", input: { to: "b" } },
    ]),
    reportAll("notify"),
  ]);
  await using kept = await keepWatch({ ...options, model });
  await kept.pass(hour);
  await kept.settle();

  expect(sent).toEqual(["a", "b"]);
  const first = JSON.stringify(model.requests[0]?.body.messages);
  expect(first).toMatch(/<earlier_runs>[^]*run 1: stage_post, effect 1: done/);
  const [given, taken] = await kept.journal();
  expect(given).toMatchObject({ outcome: "interrupted" });
  expect(taken).toMatchObject({ outcome: "ok" });
  expect(taken?.steps.filter(({ kind }) => kind === "tool")).toMatchObject([
    { decision: "deny", reason: expect.stringMatching(/not done again: run 1 .* \(effect 1\)/) },
    { decision: "allow" },
  ]);
});

test("a report that a killed process had paid for counts, also when no step is left for another", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const play = { checks: {}, tools: {} };
  {
    const { migrationsDir } = packageInfo();
    await using store = openStore({ stateDir: join(folder.path, "state"), migrationsDir });
    const at = clock.now();
    const id = await store.setOwnFinding({
      ...{ check: "watchkeeper/approvals", key: "1", severity: "info", title: "Done", at },
      text: null,
    });
    const runId = await store.beginRun({
      ...{ beatId: null, at, model: "claude-sonnet-5-5", promptVersion: "1" },
      ...{ readUntrusted: false, findings: [{ id, revision: 1 }] },
    });
    const messages = [{ role: "user", content: [{ type: "text", text: "findings" }] }];
    const verdicts = [{ findingId: String(id), verdict: "digest", message: "It is done." }];
    const call = { type: "tool_use", id: "r", name: "report", input: { verdicts } };
    const step = await store.beginStep({
      ...{ runId, index: 0, kind: "model", name: "m", startedAt: at },
      input: { messages },
    });
    const output = { content: [call], stopReason: "tool_use" };
    await store.finishStep(step, { durationMs: 5, output, error: null });
  }
  await using model = await startScriptedModel([]);
  const config = { model: { limits: { stepsPerRun: 1 } } };
  await using kept = await keepWatch({ folder: folder.path, clock, model, play, config });
  await kept.settle();
  expect(await kept.journal()).toMatchObject([{ outcome: "ok", error: null }]);
  expect(model.requests).toEqual([]);
});
