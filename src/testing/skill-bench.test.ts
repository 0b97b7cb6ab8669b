import { expect, it } from "vitest";
import { z } from "zod";
import { ToolError } from "../domain/errors.ts";
import { defineSkill, defineTool } from "../skills/define.ts";
import { callTool, look } from "./index.ts";

function queueSkill(closed: string[] = []) {
  return defineSkill({
    config: z.strictObject({ folder: z.string().default("inbox"), limit: z.number().int() }),
    checks: ({ config, timezone, baseDir }) => ({
      queue: {
        async observe({ cursor, now, signal, log }) {
          log.info("looking", { folder: config.folder });
          signal.throwIfAborted();
          return {
            observations: [{ key: config.folder, severity: "notice", title: now.toISOString() }],
            cursor: { last: cursor, timezone, baseDir },
          };
        },
      },
    }),
    tools: ({ config }) => ({
      requeue: defineTool({
        description: "Puts a job back.",
        effect: "write",
        input: z.strictObject({ jobId: z.string(), times: z.number().default(1) }),
        async run({ jobId, times }, { idempotencyKey }) {
          if (jobId === "gone") throw new ToolError("JOB_GONE", "there is no such job");
          return { jobId, times, limit: config.limit, idempotencyKey };
        },
      }),
    }),
    async close() {
      closed.push("closed");
    },
  });
}

it("looks once through a check with the config validated and filled in", async () => {
  const closed: string[] = [];
  const now = new Date("2026-11-02T10:00:00Z");
  const result = await look(queueSkill(closed), "queue", {
    config: { limit: 3 },
    cursor: 41,
    now,
    timezone: "Asia/Kolkata",
    baseDir: "/srv",
  });
  expect(result).toEqual({
    observations: [{ key: "inbox", severity: "notice", title: now.toISOString() }],
    cursor: { last: 41, timezone: "Asia/Kolkata", baseDir: "/srv" },
  });
  expect(closed).toEqual(["closed"]);
});

it("is a first look unless a cursor is given", async () => {
  const { cursor } = await look(queueSkill(), "queue", { config: { limit: 1 } });
  expect(cursor).toMatchObject({ last: null, timezone: "UTC", baseDir: process.cwd() });
});

it("passes on what the check throws, and still lets go of connections", async () => {
  const closed: string[] = [];
  const signal = AbortSignal.abort(new Error("stopped"));
  await expect(look(queueSkill(closed), "queue", { config: { limit: 1 }, signal })).rejects.toThrow(
    "stopped",
  );
  expect(closed).toEqual(["closed"]);
});

it.each([
  [{}, "limit: "],
  [{ limit: 1, folders: "x" }, "folders"],
])("refuses the config %j and says what is wrong with it", async (config, message) => {
  await expect(look(queueSkill(), "queue", { config })).rejects.toMatchObject({
    code: "SKILL_CONFIG_INVALID",
    message: expect.stringContaining(message) as string,
  });
});

it.each(["quue", "constructor"])("names the checks there are when asked for %s", async (name) => {
  await expect(look(queueSkill(), name, { config: { limit: 1 } })).rejects.toMatchObject({
    code: "SKILL_CHECK_UNKNOWN",
    hint: "It has: queue",
  });
});

it("calls a tool with its input validated and filled in", async () => {
  const options = { config: { limit: 3 }, idempotencyKey: "k1" };
  expect(await callTool(queueSkill(), "requeue", { jobId: "7" }, options)).toEqual({
    jobId: "7",
    times: 1,
    limit: 3,
    idempotencyKey: "k1",
  });
});

it("gives a tool's failures as they are, and those of its input as the agent sees them", async () => {
  const options = { config: { limit: 3 } };
  await expect(callTool(queueSkill(), "requeue", { jobId: "gone" }, options)).rejects.toMatchObject(
    {
      code: "JOB_GONE",
    },
  );
  await expect(callTool(queueSkill(), "requeue", { job: 7 }, options)).rejects.toMatchObject({
    code: "TOOL_INPUT_INVALID",
  });
  await expect(callTool(queueSkill(), "requee", {}, options)).rejects.toMatchObject({
    code: "SKILL_TOOL_UNKNOWN",
    hint: "It has: requeue",
  });
});
