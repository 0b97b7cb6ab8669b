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
