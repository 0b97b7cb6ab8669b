import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sharedCache } from "../ground/shared-cache.ts";
import { middayZone } from "./midday-zone.ts";

const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));

/** An interval whose times no test meets: a beat of its own would come between two that are asked for. */
export const aLongTime = "3650d";

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the output (both streams) has matched; rejects when the process ends before. */
  seen(pattern: RegExp): Promise<string>;
  /** When it has ended by itself, or was ended. */
  readonly ended: Promise<Outcome>;
  /** Ends it as Ctrl-C would. */
  stop(): Promise<Outcome>;
}

/** A folder of its own, in which somebody types commands. */
export interface Place extends AsyncDisposable {
  readonly dir: string;
  readonly stateDir: string;
  path(name: string): string;
  write(name: string, text: string | Uint8Array, mode?: number): Promise<void>;
  read(name: string): Promise<string>;
  /**
   * Writes `agent.config.ts` around the given object literal; its page is on any free port, and the heart beats
   * by itself when it starts and then not in {@link aLongTime}.
   */
  config(literal: string): Promise<void>;
  /** Adds `skills/NAME` with this code. */
  skill(name: string, code: string): Promise<void>;
  run(...args: string[]): Promise<Outcome>;
  /** Runs a list or a view with `--json` and reads it; what is beside the JSON fails the test. */
  json(...args: string[]): Promise<{ readonly exitCode: number | null; readonly value: unknown }>;
  start(...args: string[]): Running;
  readonly environment: Record<string, string>;
}

export async function createPlace(environment: Record<string, string> = {}): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), "watchkeeper-cli-"));
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    HOME: dir,
    XDG_CACHE_HOME: sharedCache,
    TZ: middayZone(Date.now()),
    ...environment,
  };
  const started: Running[] = [];
  const path = (name: string) => join(dir, name);
  const launch = (args: readonly string[]) => launchIn(dir, env, args);
  const place: Place = {
    dir,
    stateDir: path("state"),
    environment: env,
    path,
    async write(name, text, mode) {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), text);
      if (mode !== undefined) await chmod(path(name), mode);
    },
    read: async (name) => readFile(path(name), "utf8"),
    config: async (literal) =>
      place.write(
        "agent.config.ts",
        `import { defineConfig, secret } from "watchkeeper";\nvoid secret;\nexport default defineConfig({ web: { port: 0 }, heartbeat: { every: "${aLongTime}" }, ...(${literal}) });\n`,
      ),
    async skill(name, code) {
      const about = `---\nname: ${name}\ndescription: Watches ${name}.\n---\nLook at it.\n`;
      await place.write(`skills/${name}/SKILL.md`, about);
      await place.write(`skills/${name}/index.ts`, code);
    },
    run: async (...args) => launch(args).ended,
    async json(...args) {
      const { exitCode, stdout, stderr } = await launch([...args, "--json"]).ended;
      try {
        return { exitCode, value: JSON.parse(stdout) as unknown };
      } catch (cause) {
        throw new Error(`not JSON: ${stdout || "(nothing)"} ${stderr}`, { cause });
      }
    },
    start(...args) {
      const running = launch(args);
      started.push(running);
      return running;
    },
    async [Symbol.asyncDispose]() {
      for (const running of started) await running[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return place;
}

function launchIn(dir: string, env: Record<string, string>, args: readonly string[]): Running {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: dir,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let watchers: (() => void)[] = [];
  const tell = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    tell();
  });
  const ended = once(child, "close").then(([exitCode]): Outcome => {
    return { exitCode: exitCode as number | null, stdout, stderr };
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    ended,
    async seen(pattern) {
      const found = Promise.withResolvers<string>();
      const look = () => {
        const match = pattern.exec(stdout) ?? pattern.exec(stderr);
        if (match) found.resolve(match[0]);
      };
      watchers.push(look);
      look();
      const outcome = await Promise.race([found.promise, ended]);
      watchers = watchers.filter((watcher) => watcher !== look);
      if (typeof outcome === "string") return outcome;
      throw new Error(`ended without ${String(pattern)}: ${JSON.stringify(outcome)}`);
    },
    async stop() {
      if (running()) child.kill("SIGINT");
      return ended;
    },
    async [Symbol.asyncDispose]() {
      if (running()) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The daemon's word that it watches. */
export const watching = /keeping watch/;

/** One plain line, as a person reads it: no second line, no trace, no colour. */
// eslint-disable-next-line no-control-regex -- the escape character is what must not be there
export const oneLine = /^(?!.*(node:internal|\u001b))[^\n]+\n$/;
