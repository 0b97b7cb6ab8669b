import { describe, expect, it } from "vitest";
import type { MessageParam } from "../model/port.ts";
import type { StepRecord } from "../store/port.ts";
import { rebuildConversation, transcriptProblem } from "./transcript.ts";

const base = {
  startedAt: 0,
  durationMs: 5 as number | null,
  error: null,
  decision: null,
  reason: null,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  costUsd: 0,
};
const user = (text: string): MessageParam => ({ role: "user", content: [{ type: "text", text }] });
const use = (id: string) => ({ type: "tool_use" as const, id, name: "look", input: {} });
const result = (id: string) => ({ type: "tool_result" as const, tool_use_id: id, content: "seen" });
const answer = (...ids: string[]): MessageParam => ({ role: "user", content: ids.map(result) });

const modelStep = (
  index: number,
  messages: readonly MessageParam[],
  calls: readonly string[] | null,
): StepRecord => ({
  ...base,
  index,
  kind: "model",
  name: "m",
  callId: null,
  input: { messages },
  trust: null,
  output: calls && { content: calls.map(use), stopReason: "tool_use" },
  durationMs: calls ? 5 : null,
});

const toolStep = (index: number, callId: string, done: boolean): StepRecord => ({
  ...base,
  index,
  kind: "tool",
  name: "look",
  callId,
  input: {},
  trust: done ? "untrusted" : null,
  output: done ? "seen <b>" : null,
  decision: "allow",
  durationMs: done ? 5 : null,
});

describe("a conversation rebuilt from its journal", () => {
  const first = modelStep(0, [user("findings")], ["a", "b"]);

  it.each<[string, StepRecord[], { turns: string[]; open: string[]; results: string[] }]>([
    ["nothing", [], { turns: [], open: [], results: [] }],
    [
      "a first call under way",
      [modelStep(0, [user("findings")], null)],
      { turns: ["user"], open: [], results: [] },
    ],
    ["a reply", [first], { turns: ["user", "assistant"], open: ["a", "b"], results: [] }],
    [
      "one of two tools done",
      [first, toolStep(1, "a", true), toolStep(2, "b", false)],
      { turns: ["user", "assistant"], open: ["b"], results: ["a"] },
    ],
    [
      "all tools done",
      [first, toolStep(1, "a", true), toolStep(2, "b", true)],
      { turns: ["user", "assistant"], open: [], results: ["a", "b"] },
    ],
    [
      "a reply that said nothing, and was asked for again",
      [
        first,
        toolStep(1, "a", true),
        toolStep(2, "b", true),
        modelStep(3, [answer("a", "b")], []),
        modelStep(4, [answer("a", "b")], ["c"]),
      ],
      { turns: ["user", "assistant", "user", "assistant"], open: ["c"], results: [] },
    ],
    [
      "a second call under way",
      [
        first,
        toolStep(1, "a", true),
        toolStep(2, "b", true),
        modelStep(3, [answer("a", "b")], null),
      ],
      { turns: ["user", "assistant", "user"], open: [], results: [] },
    ],
  ])("after %s goes on from there", (_, steps, expected) => {
    const rebuilt = rebuildConversation(steps);
    if (!rebuilt.ok) throw new Error(rebuilt.problem);
    expect({
      turns: rebuilt.messages.map(({ role }) => role),
      open: rebuilt.open.map(({ id }) => id),
      results: rebuilt.results.map((each) => each.tool_use_id),
    }).toEqual(expected);
    expect(rebuilt.nextIndex).toBe(steps.length);
  });

  it("shows what a stranger may have written in its fence again", () => {
    const rebuilt = rebuildConversation([first, toolStep(1, "a", true)]);
    expect(rebuilt).toMatchObject({
      results: [{ content: '<result trust="untrusted">seen &lt;b&gt;</result>' }],
    });
  });

  it.each<[string, StepRecord[]]>([
    ["a reply that cannot be read", [{ ...first, output: { text: "?" } }]],
    ["an input that cannot be read", [{ ...first, input: null }]],
    ["a failed call", [{ ...first, output: null, error: "overloaded" }]],
    ["an orphaned result", [modelStep(0, [user("x"), answer("z")], [])]],
  ])("is given up for %s", (_, steps) => {
    expect(rebuildConversation(steps)).toMatchObject({ ok: false });
  });
});

describe("a transcript", () => {
  it.each<[string, MessageParam[], RegExp | undefined]>([
    ["in order", [user("a"), { role: "assistant", content: [use("1")] }, answer("1")], undefined],
    [
      "with open calls at its end",
      [user("a"), { role: "assistant", content: [use("1")] }],
      undefined,
    ],
    ["that begins with the model", [{ role: "assistant", content: [] }], /first message/],
    [
      "with a call left open",
      [user("a"), { role: "assistant", content: [use("1"), use("2")] }, answer("1")],
      /without its result/,
    ],
    ["with a result of nothing", [user("a"), answer("1")], /nobody called/],
  ])("%s", (_, messages, problem) => {
    if (problem) expect(transcriptProblem(messages)).toMatch(problem);
    else expect(transcriptProblem(messages)).toBeUndefined();
  });
});
