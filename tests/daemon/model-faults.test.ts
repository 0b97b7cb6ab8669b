import { describe, expect, test } from "vitest";
import type { ObservationInput } from "watchkeeper";
import {
  callTools,
  FakeClock,
  findingIds,
  report,
  reportAll,
  text,
  type ModelScript,
  type RecordedRequest,
  type ReplyMaker,
  type ScriptedModel,
  startScriptedModel,
} from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder, type KeptWatch } from "./harness.ts";
import { broken, doers, gauge, stuck, valve } from "./stage-tools.ts";
import type { Play } from "./fixtures/skills/stage/index.ts";

const minute = 60_000;

interface Scene {
  readonly kept: KeptWatch;
  readonly model: ScriptedModel;
  readonly doers: ReturnType<typeof doers>;
  readonly observations: ObservationInput[];
}

/** A critical, trusted finding and a stranger's notice, a model with a script, and tools. */
async function play(script: ModelScript, act: (scene: Scene) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  await using model = await startScriptedModel(script);
  const observations: ObservationInput[] = [
    seen("pump"),
    seen("letter", { severity: "notice", trust: "untrusted" }),
  ];
  const acts = doers();
  const stage: Play = {
    tools: { gauge, valve, broken, stuck, ...acts.tools },
    checks: {
      sight: {
        every: "1m",
        async observe() {
          return { observations };
        },
      },
    },
  };
  await using kept = await keepWatch({
    folder: folder.path,
    clock: new FakeClock(),
    model,
    config: { heartbeat: { every: "1m" } },
    play: stage,
  });
  await act({ kept, model, doers: acts, observations });
}

/** The next beat has news again, and a model that is well again. */
async function expectWellAgain({ kept, observations }: Scene): Promise<void> {
  const before = kept.printed.length;
  observations.push(seen("later", { severity: "notice" }));
  await kept.pass(minute);
  const later = (await kept.findings()).find(({ key }) => key === "later");
  expect(kept.runs.at(-1)).toMatchObject({ outcome: "ok", error: null });
  expect(later).toMatchObject({ verdict: "notify", decidedBy: "model" });
  expect(kept.printed).toHaveLength(before + 1);
}

const well = reportAll("notify");

describe("a report that is not whole is sent back once", () => {
  const onlyFirst: ReplyMaker = (request) =>
    report({
      verdicts: [{ findingId: findingIds(request)[0]!, verdict: "notify" }],
      summary: "One of two.",
    });
  const malformed = callTools([{ name: "report", input: { verdicts: "all fine" } }]);

  test("and the second one counts when it is whole", async () => {
    await play([malformed, well, well], async (scene) => {
      await scene.kept.settle();
      expect(await scene.kept.journal()).toMatchObject([{ outcome: "ok", error: null }]);
      expect(lastResult(scene.model.requests[1]!)).toMatch(/Not accepted: .*verdicts.*array/);
      expect(await scene.kept.findings()).toMatchObject([
        { verdict: "notify", decidedBy: "model" },
        { verdict: "notify", decidedBy: "model" },
      ]);
      await expectWellAgain(scene);
    });
  });

  test("malformed twice, the rules decide", async () => {
    await play([malformed, malformed, well], async (scene) => {
      const { kept } = scene;
      await kept.settle();
      expect(await kept.journal()).toMatchObject([
        { outcome: "incomplete", error: expect.stringContaining("the report was not whole") },
      ]);
      expectDecidedByRules(await kept.findings());
      expect(kept.printed[0]).toContain(
        "The model's report was not whole; the rules decided the rest.",
      );
      await expectWellAgain(scene);
    });
  });

  test("with a verdict missing twice, what was said counts and the rules decide the rest", async () => {
    await play([onlyFirst, onlyFirst, well], async (scene) => {
      const { kept, model } = scene;
      await kept.settle();
      expect(lastResult(model.requests[1]!)).toMatch(/no valid verdict for finding \d/);
      const [first] = findingIds(model.requests[0]!);
      const findings = await kept.findings();
      expect(await kept.journal()).toMatchObject([{ outcome: "incomplete" }]);
      for (const finding of findings) {
        const decidedBy = String(finding.id) === first ? "model" : "rules";
        expect(finding).toMatchObject({ decidedBy });
        expect(finding.verdict).not.toBeNull();
      }
      await expectWellAgain(scene);
    });
  });

  test("a model that only talks is asked for its report once", async () => {
    await play([text("All quiet."), text("As I said."), well], async (scene) => {
      const { kept } = scene;
      await kept.settle();
      expect(await kept.journal()).toMatchObject([
        { outcome: "incomplete", error: "the model ended without a report" },
      ]);
      expectDecidedByRules(await kept.findings());
      expect(kept.printed[0]).toContain(
        "No model looked at this: the model ended without a report",
      );
      await expectWellAgain(scene);
    });
  });
});

describe("a tool call ends in a result, whatever it is", () => {
  const toolCases: [name: string, tool: string, input: unknown, result: RegExp][] = [
    ["an unknown tool", "stage_lever", {}, /there is no tool "stage_lever"/],
    [
      "input that does not fit",
      "stage_valve",
      { number: "three" },
      /the input does not fit: number/,
    ],
    ["input with a key too many", "stage_gauge", { all: true }, /the input does not fit/],
    ["a tool that throws", "stage_broken", {}, /the glass is fogged.*Wipe it first/],
  ];
  test.each(toolCases)("%s", async (_name, tool, input, result) => {
    await play([callTools([{ name: tool, input }]), well, well], async (scene) => {
      const { kept, model } = scene;
      await kept.settle();
      expect(lastResult(model.requests[1]!)).toMatch(result);
      const [run] = await kept.journal();
      expect(run).toMatchObject({ outcome: "ok" });
      expect(run!.steps).toMatchObject([
        { kind: "model" },
        { kind: "tool", name: tool, error: expect.stringMatching(result) },
        { kind: "model" },
      ]);
      await expectWellAgain(scene);
    });
  });

  test("a tool that hangs is given up at its timeout", async () => {
    await play([callTools([{ name: "stage_stuck", input: {} }]), well, well], async (scene) => {
      const { kept, model } = scene;
      await model.nextRequest();
      const toolBegun = async () => (await kept.journal())[0]?.steps.length === 2;
      await expect.poll(toolBegun).toBe(true);
      await kept.pass(21_000, "beats");
      await model.nextRequest();
      await kept.settle();
      expect(lastResult(model.requests[1]!)).toMatch(/took longer than 20s/);
      expect(await kept.journal()).toMatchObject([{ outcome: "ok" }]);
      await expectWellAgain(scene);
    });
  });

  test.each(["note", "call", "flood"])(
    "%s is not carried out without the owner's word",
    async (tool) => {
      await play([callTools([{ name: `stage_${tool}`, input: {} }]), well, well], async (scene) => {
        const { kept, model, doers: acts } = scene;
        await kept.settle();
        expect(acts.done).toEqual([]);
        expect(lastResult(model.requests[1]!)).toMatch(/waits for the owner's word/);
        const [run] = await kept.journal();
        expect(run!.steps[1]).toMatchObject({ name: `stage_${tool}`, decision: "ask" });
        await expectWellAgain(scene);
      });
    },
  );

  test("a report beside other calls is refused until their results were seen", async () => {
    const hasty: ReplyMaker = (request) =>
      callTools([
        { name: "stage_gauge", input: {} },
        {
          name: "report",
          input: {
            verdicts: findingIds(request).map((findingId) => ({ findingId, verdict: "ignore" })),
            summary: "Nothing.",
          },
        },
      ]);
    await play([hasty, well, well], async (scene) => {
      const { kept, model } = scene;
      await kept.settle();
      const results = resultsOf(model.requests[1]!);
      expect(results).toHaveLength(2);
      expect(results[0]).toContain(`"bar":3`);
      expect(results[1]).toMatch(/Not accepted: call report alone/);
      expect(await kept.findings()).toMatchObject([{ verdict: "notify" }, { verdict: "notify" }]);
      await expectWellAgain(scene);
    });
  });
});

test("a model that calls tools for ever is stopped, and the rules decide", async () => {
  const forever: ReplyMaker = (_request, index) =>
    callTools([{ name: "stage_valve", input: { number: index + 1 } }]);
  await play(forever, async ({ kept, model }) => {
    await kept.settle();
    expect(await kept.journal()).toMatchObject([
      { outcome: "incomplete", error: expect.stringContaining("did not end within") },
    ]);
    expect(model.requests.length).toBeLessThanOrEqual(25);
    const findings = await kept.findings();
    expectDecidedByRules(findings.filter(({ skill }) => skill !== "watchkeeper"));
  });
});

test("a verdict of ignore on a critical finding is told all the same", async () => {
  await play(reportAll("ignore"), async ({ kept }) => {
    await kept.settle();
    expect(await kept.journal()).toMatchObject([{ outcome: "ok" }]);
    const [pump, letter] = await kept.findings();
    expect(pump).toMatchObject({ verdict: "notify", decidedBy: "rules" });
    expect(letter).toMatchObject({ verdict: "ignore", decidedBy: "model" });
    expect(kept.printed).toHaveLength(1);
    expect(kept.printed[0]).toContain("pump needs a look");
    expect(kept.printed[0]).not.toContain("letter");
  });
});

function expectDecidedByRules(findings: Awaited<ReturnType<KeptWatch["findings"]>>): void {
  expect(findings).toMatchObject([
    { key: "pump", verdict: "notify", decidedBy: "rules" },
    { key: "letter", verdict: "digest", decidedBy: "rules" },
  ]);
}

/** The texts of the tool results in the request's last message. */
function resultsOf({ body }: RecordedRequest): string[] {
  const content = body.messages.at(-1)?.content;
  if (typeof content === "string") return [];
  return (content ?? []).flatMap((block) =>
    block.type === "tool_result" && typeof block.content === "string" ? [block.content] : [],
  );
}

const lastResult = (request: RecordedRequest): string => resultsOf(request).at(-1) ?? "";
