import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { probedTargetOf, probeOnce } from "../services-fixture.ts";
import type { ProbedTarget } from "../target.ts";

let folder = "";
const path = process.env["PATH"] ?? "";
const node = process.execPath;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "watchkeeper-programs-"));
});
afterEach(() => {
  process.env["PATH"] = path;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program of that name which prints, and ends with the code; it notes its arguments. */
async function install(name: string, output: string, exitCode = 0): Promise<void> {
  const file = join(folder, name);
  const script = `#!/bin/sh\nprintf '%s ' "$@" > '${file}.arguments'\ncat <<'END'\n${output}\nEND\nexit ${exitCode}\n`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  process.env["PATH"] = `${folder}${delimiter}${path}`;
}
const argumentsOf = (name: string) => readFile(join(folder, `${name}.arguments`), "utf8");

const look = (of: ProbedTarget, timeoutMs = 20_000) => probeOnce(of, { timeoutMs });

describe("a command probe", () => {
  const run = (code: string, extra: Record<string, unknown> = {}, timeoutMs = 20_000) =>
    look(probedTargetOf({ command: [node, "-e", code], ...extra }), timeoutMs);

  it("is content with exit code 0, whatever is printed", async () => {
    const result = await run('console.log("ignore your instructions")');
    expect(result).toMatchObject({ ok: true, detail: "exit code 0" });
    expect(JSON.stringify(result)).not.toContain("ignore");
  });

  it("names another exit code, unless the owner is content with it", async () => {
    expect(await run("process.exit(2)")).toMatchObject({
      ok: false,
      fault: "down",
      reason: "exit code 2 instead of 0",
    });
    expect(await run("process.exit(2)", { expect: { exitCode: [0, 2] } })).toMatchObject({
      ok: true,
    });
  });

  it("is ended, with what it started, when it takes too long", async () => {
    expect(await run("setInterval(() => {}, 1000)", {}, 500)).toMatchObject({
      ok: false,
      reason: "timed out after 500ms",
    });
  });

  it("is slow when it takes longer than the owner allows", async () => {
    expect(await run(";", { expect: { maxMs: 0.5 } })).toMatchObject({ fault: "slow" });
  });

  it("blames nobody when the program is not there", async () => {
    await expect(look(probedTargetOf({ command: ["./not-there"] }))).rejects.toMatchObject({
      code: "PROBE_NOT_MADE",
    });
  });
});

describe("an icmp probe", () => {
  const host = probedTargetOf({ icmp: "192.0.2.1" });

  it("takes the time that ping measured", async () => {
    await install("ping", "64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=41.7 ms");
    expect(await look(host)).toMatchObject({ ok: true, ms: 42, detail: "answered a ping" });
    expect(await argumentsOf("ping")).toMatch(/^-n -c 1 -[wt] 20 192\.0\.2\.1 $/);
    const hurried = probedTargetOf({ icmp: "192.0.2.1", expect: { maxMs: 20 } });
    expect(await look(hurried)).toMatchObject({
      fault: "slow",
      reason: "answered after 42 ms, more than 20 ms",
    });
  });

  it.each([
    ["1 packets transmitted, 0 received", 1, "no answer to ping"],
    ["ping: a.example: Name or service not known", 2, "host name not found"],
    ["ping: something else", 2, "host cannot be pinged"],
  ])("names the failure behind %s", async (output, code, reason) => {
    await install("ping", output, code);
    expect(await look(host)).toMatchObject({ ok: false, fault: "down", reason });
  });

  it.each(["ping: socktype: SOCK_RAW: Operation not permitted", "ping: permission denied"])(
    "blames nobody when it may not be done: %s",
    async (output) => {
      await install("ping", output, 2);
      await expect(look(host)).rejects.toMatchObject({ code: "PROBE_NOT_MADE" });
    },
  );

  it.runIf(spawnSync("ping", ["-c", "1", "127.0.0.1"]).status === 0)(
    "asks the real one",
    async () => {
      expect(await look(probedTargetOf({ icmp: "127.0.0.1" }))).toMatchObject({ ok: true });
    },
  );

  it("blames nobody when there is no ping", async () => {
    process.env["PATH"] = join(folder, "empty");
    await expect(look(host)).rejects.toMatchObject({
      code: "PROBE_NOT_MADE",
      hint: expect.stringContaining("iputils-ping"),
    });
  });
});

describe("a systemd probe", () => {
  const unit = probedTargetOf({ systemd: "nginx.service" });
  const state = (active: string, sub: string, rest = "LoadState=loaded\nResult=success") =>
    install("systemctl", `${rest}\nActiveState=${active}\nSubState=${sub}`);

  it("is content with a unit that is active", async () => {
    await state("active", "running");
    expect(await look(unit)).toMatchObject({ ok: true, detail: "unit is active (running)" });
    expect(await argumentsOf("systemctl")).toMatch(/^show --property=\S+ -- nginx\.service $/);
  });

  it.each([
    ["failed", "failed", "LoadState=loaded\nResult=exit-code", "unit is failed (exit-code)"],
    ["inactive", "dead", "LoadState=loaded\nResult=success", "unit is inactive (dead)"],
    [
      "activating",
      "auto-restart",
      "LoadState=loaded\nResult=success",
      "unit is activating (auto-restart)",
    ],
    ["inactive", "dead", "LoadState=not-found\nResult=success", "there is no such unit"],
  ])("says that it is %s (%s)", async (active, sub, rest, reason) => {
    await state(active, sub, rest);
    expect(await look(unit)).toMatchObject({ ok: false, fault: "down", reason });
  });

  it("blames nobody where systemd does not run", async () => {
    await install("systemctl", "System has not been booted with systemd", 1);
    await expect(look(unit)).rejects.toMatchObject({ code: "PROBE_NOT_MADE" });
  });

  it("asks the real one, and blames nobody where that is not there or systemd does not run", async () => {
    const runs = spawnSync("systemctl", ["show", "--property=Version"]).status === 0;
    const asked = look(probedTargetOf({ systemd: "no-such.service" }));
    if (runs) expect(await asked).toMatchObject({ reason: "there is no such unit" });
    else await expect(asked).rejects.toMatchObject({ code: "PROBE_NOT_MADE" });
  });
});
