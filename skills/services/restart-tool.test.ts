import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callTool } from "watchkeeper/testing";
import { servicesConfig } from "./config.ts";
import skill from "./index.ts";
import { createWorkshop } from "./probes/index.ts";
import { restartTool } from "./restart-tool.ts";
import { silent } from "./services-fixture.ts";

const log = silent;
const node = process.execPath;
const web = "http://127.0.0.1:9/";
let baseDir = "";

beforeAll(async () => {
  baseDir = await mkdtemp(join(tmpdir(), "watchkeeper-restart-"));
});
afterAll(() => rm(baseDir, { recursive: true, force: true }));

const configFor = (command: string[], timeout = "20s") => ({
  targets: [
    { name: "api", http: web, restart: { command, timeout } },
    { name: "db", tcp: "127.0.0.1:9" },
  ],
});
const restart = (
  command: string[],
  options: { timeout?: string; target?: string; signal?: AbortSignal } = {},
) =>
  callTool(
    skill,
    "restart",
    { target: options.target ?? "api" },
    {
      config: configFor(command, options.timeout),
      baseDir,
      ...(options.signal && { signal: options.signal }),
    },
  );
const script = (code: string, ...args: string[]) => [node, "-e", code, ...args];
/** A process that has ended and was not collected yet by its new parent is dead too. */
const isAlive = (pid: number) =>
  /^[^Z]/.test(spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout);

/** Resolves with the content of a file as soon as it has some. */
async function contentOf(name: string): Promise<string> {
  const read = () => readFile(join(baseDir, name), "utf8").catch(() => "");
  await expect.poll(read).not.toBe("");
  return read();
}

/**
 * A child that writes its own and a grandchild's pid, and ends only when it is killed. A shell, as that has begun long
 * before the time of the command is over.
 */
const hangs = (file: string, deaf: boolean) => [
  ...["sh", "-c"],
  `${deaf ? 'trap "" TERM; ' : ""}sleep 600 & echo half way; echo $$ $! > ${file}; wait`,
];

describe("services_restart", () => {
  it("runs the command as it is written, in the folder of the config, without a shell", async () => {
    const words = ["a b", "$HOME", "; touch x", "*", "'\"", "x\ny"];
    const code =
      'console.log(JSON.stringify([process.argv.slice(1), process.cwd()])); console.error("and said")';
    const result = (await restart(script(code, ...words))) as { output: string };
    expect(result).toMatchObject({ target: "api", exitCode: 0 });
    const lines = result.output.split("\n");
    expect(lines).toHaveLength(2);
    expect(lines).toContain("and said");
    expect(lines).toContain(JSON.stringify([words, baseDir]));
  });

  it("is a send tool whose output is untrusted, and knows its target for a grant", async () => {
    const tool = restartTool(
      servicesConfig.parse(configFor(["true"], "90s")),
      createWorkshop(baseDir),
    );
    expect(tool).toMatchObject({ effect: "send", timeout: "95s" });
    expect(tool.trust).toBeUndefined();
    expect(tool.idempotent).toBeUndefined();
    const context = {
      signal: AbortSignal.timeout(5_000),
      idempotencyKey: "k",
      trust: "trusted" as const,
      runId: null,
      now: new Date(),
      log,
    };
    expect(await tool.subject?.({ target: "api" }, context)).toEqual({ target: "api" });
    expect(await tool.subject?.({ target: "db" }, context)).toEqual({});
  });

  it("is not there when no target has a command", async () => {
    const config = { targets: [{ name: "api", http: web }] };
    await expect(callTool(skill, "restart", { target: "api" }, { config })).rejects.toMatchObject({
      code: "SKILL_TOOL_UNKNOWN",
    });
  });

  it("says with what a command failed", async () => {
    await expect(
      restart(script('console.error("no such unit"); process.exit(3)')),
    ).rejects.toMatchObject({
      name: "ToolError",
      code: "SERVICES_RESTART_FAILED",
      message: "the restart command of api ended with exit code 3. It printed: no such unit",
    });
  });

  it.each([
    ["a target without a command", "db", "SERVICES_NO_RESTART_COMMAND"],
    ["an unknown target", "rm -rf /", "SERVICES_UNKNOWN_TARGET"],
  ])("runs nothing for %s", async (_, target, code) => {
    await expect(restart(["true"], { target })).rejects.toMatchObject({
      name: "ToolError",
      code,
      hint: "Services with one: api",
    });
  });

  it("takes nothing from the agent but the name", async () => {
    const options = { config: configFor(["true"]), baseDir };
    await expect(
      callTool(skill, "restart", { target: "api", command: ["reboot"] }, options),
    ).rejects.toMatchObject({ code: "TOOL_INPUT_INVALID" });
  });

  it("says when the program cannot be started", async () => {
    await expect(restart(["./not-there"])).rejects.toMatchObject({
      name: "ToolError",
      code: "SERVICES_RESTART_NOT_STARTED",
    });
  });

  it.each([
    ["that ends when asked", false],
    ["that does not listen", true],
  ])(
    "kills a hanging command %s, with what it started, and does not call it failed",
    async (_, deaf) => {
      const file = `hang-${deaf}`;
      const error: unknown = await restart(hangs(file, deaf), { timeout: "3s" }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ name: "AdapterError", code: "SERVICES_RESTART_TIMED_OUT" });
      expect((error as Error).message).toContain("It printed: half way");
      const pids = (await contentOf(file)).split(" ").map(Number);
      expect(pids).toHaveLength(2);
      await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    },
  );

  it("kills it when the call is aborted, and does not say how it ended", async () => {
    const controller = new AbortController();
    const running = restart(hangs("aborted", false), { signal: controller.signal });
    const pids = (await contentOf("aborted")).split(" ").map(Number);
    expect(pids.filter(isAlive)).toHaveLength(2);
    controller.abort(new Error("the daemon stops"));
    await expect(running).rejects.toThrow("the daemon stops");
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  });

  it("keeps the beginning and the end of output of any size, without control characters", async () => {
    const code = `
      process.stdout.write("\\u001b[31mstarting\\u001b[0m\\u0007\\u202e\\n");
      for (let i = 0; i < 400; i += 1) process.stdout.write("x".repeat(100_000));
      process.stdout.write("\\nthe end\\n");`;
    const { output } = (await restart(script(code))) as { output: string };
    expect(output.length).toBeLessThanOrEqual(4_000);
    expect(output.length).toBeGreaterThan(3_900);
    expect(output).toMatch(/^starting\nx+\n…\nx+\nthe end$/);
  });

  it("does not wait for a service that the command leaves behind, and does not break its pipe", async () => {
    const service = `
      const { writeFileSync } = require("node:fs");
      process.stdout.on("error", () => process.exit(9));
      process.on("SIGTERM", () => { process.stdout.write("still here"); writeFileSync("left", "wrote"); process.exit(0); });
      process.stdout.write("up\\n", () => writeFileSync("pid", String(process.pid)));
      setInterval(() => {}, 1000);`;
    const code = `
      const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, ["-e", ${JSON.stringify(service)}], { stdio: ["ignore", "inherit", "inherit"], detached: true });
      const { watch, existsSync } = require("node:fs");
      const look = () => existsSync("pid") && process.exit(0);
      watch(".", look);
      // It may have been quicker than the watching.
      look();`;
    const { output } = (await restart(script(code))) as { output: string };
    expect(output).toBe("up");
    process.kill(Number(await contentOf("pid")), "SIGTERM");
    expect(await contentOf("left")).toBe("wrote");
  });
});

describe("the verification of a restart", () => {
  it("ends with the first probe that succeeds, and says what is wrong when none does", async () => {
    let asked = 0;
    let wellFrom = 3;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(asked >= wellFrom ? 200 : 503).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const config = servicesConfig.parse({
        targets: [{ name: "api", http, restart: { command: ["true"] } }],
      });
      const tool = restartTool(config, createWorkshop(baseDir), {
        pausesMs: [1, 1, 1, 1],
        totalMs: 20_000,
      });
      const context = {
        signal: AbortSignal.timeout(20_000),
        idempotencyKey: "k",
        trust: "trusted" as const,
        runId: null,
        now: new Date(),
        log,
      };
      const result = { target: "api", exitCode: 0, output: "" };
      expect(await tool.verify?.(result, context)).toBeUndefined();
      expect(asked).toBe(3);
      wellFrom = Number.POSITIVE_INFINITY;
      expect(await tool.verify?.(result, context)).toBe(
        "api is not well after its restart: HTTP 503 instead of 2xx (failed probes: 4)",
      );
    } finally {
      server.close();
    }
  });

  it("ends in time when the service does not answer at all", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const config = servicesConfig.parse({
        targets: [{ name: "api", http, restart: { command: ["true"] } }],
      });
      const tool = restartTool(config, createWorkshop(baseDir), { pausesMs: [1, 1], totalMs: 300 });
      const context = {
        signal: AbortSignal.timeout(20_000),
        idempotencyKey: "k",
        trust: "trusted" as const,
        runId: null,
        now: new Date(),
        log,
      };
      expect(await tool.verify?.({ target: "api", exitCode: 0, output: "" }, context)).toContain(
        "api is not well after its restart",
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
