import { expect, test } from "vitest";
import { defineTool, ToolError, z } from "watchkeeper";
import {
  callTools,
  FakeClock,
  report,
  startScriptedModel,
  type ReplyMaker,
  type ScriptedReply,
  type ScriptedVerdict,
} from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder } from "./harness.ts";

/** A run is `ok` only when what it says it has done stands in the journal as done. */

const act = (run: () => Promise<unknown>, verify?: () => Promise<string | undefined>) =>
  defineTool({
    description: "Acts.",
    effect: "write",
    trust: "trusted",
    input: z.strictObject({}),
    run,
    ...(verify ? { verify } : {}),
  });

const tools = {
  done: act(async () => "well"),
  fails: act(() => Promise.reject(new ToolError("DESK_SHUT", "the desk is shut"))),
  unsure: act(() => Promise.reject(new Error("the line broke"))),
  empty: act(
    async () => "well",
    async () => "nothing is there",
  ),
};

async function runWith(replies: readonly (ScriptedReply | ReplyMaker)[]) {
  const folder = await temporaryFolder();
  const model = await startScriptedModel([...replies]);
  const look = {
    every: "1h",
    observe: async () => ({ observations: [seen("tide", { severity: "warning" })] }),
  };
  const kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    model,
    play: { checks: { level: look }, tools },
  });
  await kept.settle();
  return {
    kept,
    model,
    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const said = (verdict: ScriptedVerdict) => report({ verdicts: [verdict], summary: "So." });
const claiming = (...effects: string[]) =>
  said({ findingId: "1", verdict: "ignore", message: "Seen to.", effects });

test("an effect that is done may be named", async () => {
  await using scene = await runWith([
    callTools([{ name: "stage_done", input: {} }]),
    claiming("1"),
  ]);
  expect(scene.kept.runs).toMatchObject([{ outcome: "ok" }]);
});

test.each([
  ["failed", "fails", "1", "effect 1 is failed, not done"],
  ["left unclear", "unsure", "1", "effect 1 is unknown, not done"],
  ["found missing by its own check", "empty", "1", "effect 1 is not as it should be"],
  ["never caused", "done", "7", 'this run has caused no effect "7"'],
  ["no id at all", "done", "the letter", 'this run has caused no effect "the letter"'],
])(
  "one that is %s is sent back once, then the run is incomplete and the rules judge",
  async (_, tool, id, why) => {
    await using scene = await runWith([
      callTools([{ name: `stage_${tool}`, input: {} }]),
      claiming(id),
      claiming(id),
    ]);
    const { kept, model } = scene;
    expect(model.requests).toHaveLength(3);
    const { content } = model.requests[2]?.body.messages.at(-1) ?? {};
    expect(content).toMatchObject([{ is_error: true, content: expect.stringContaining(why) }]);
    expect(kept.runs).toMatchObject([{ outcome: "incomplete" }]);
    const [run] = await kept.journal();
    expect(run?.error).toContain(why);
    // A warning that a run says it has seen to, and has not, is told.
    const tide = (await kept.findings()).find(({ key }) => key === "tide");
    expect(tide).toMatchObject({ decidedBy: "rules", verdict: "notify" });
  },
);

test("named rightly the second time, the run is ok", async () => {
  await using scene = await runWith([
    callTools([{ name: "stage_fails", input: {} }]),
    claiming("1"),
    said({ findingId: "1", verdict: "digest", message: "The desk is shut." }),
  ]);
  expect(scene.kept.runs).toMatchObject([{ outcome: "ok" }]);
});
