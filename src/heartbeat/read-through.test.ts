import { expect, it } from "vitest";
import { z } from "zod";
import { ToolError } from "../domain/errors.ts";
import { defineTool, type AnyTool } from "../skills/define.ts";
import { loadTool, silentSkillLog } from "../skills/load.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { readThrough } from "./read-through.ts";

const input = z.strictObject({ from: z.string() });
const define = (run: (from: string) => Promise<unknown>, effect: "read" | "write" = "read") =>
  defineTool({ description: "Searches.", effect, input, run: ({ from }) => run(from) });

function bench(tool: AnyTool) {
  const clock = new FakeClock();
  const loaded = loadTool({ skill: "inbox", part: "search", tool, log: silentSkillLog() });
  const call = readThrough(new Map([[loaded.name, loaded]]), {
    clock,
    signal: new AbortController().signal,
    scrub: (text) => text,
  });
  return { clock, call };
}

it("gives what the other skill's tool returned", async () => {
  const { call } = bench(define(async (from) => ({ messages: [from] })));
  expect(await call("inbox_search", { from: "ann" })).toEqual({ messages: ["ann"] });
});

it.each([
  [
    "a tool that is not there",
    define(async () => null),
    "inbox_read",
    { from: "a" },
    "TOOL_MISSING",
  ],
  ["input that does not fit", define(async () => null), "inbox_search", {}, "TOOL_INPUT_INVALID"],
  [
    "a tool that does more than read",
    define(async () => null, "write"),
    "inbox_search",
    { from: "a" },
    "TOOL_NOT_READ",
  ],
  [
    "a tool that fails",
    define(() => Promise.reject(new ToolError("INBOX_SHUT", "the server is away"))),
    "inbox_search",
    { from: "a" },
    "TOOL_FAILED",
  ],
])("refuses %s", async (_, tool, name, given, code) => {
  await expect(bench(tool).call(name, given)).rejects.toMatchObject({ name: "ToolError", code });
});

it("gives a tool that hangs up when its time is over", async () => {
  const { call, clock } = bench(define(() => new Promise(() => undefined)));
  const calling = call("inbox_search", { from: "a" });
  await clock.whenPending();
  void clock.advance(30_000);
  await expect(calling).rejects.toThrow(/took longer than 30s/);
});
