import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { packageInfo } from "../../src/config/package.ts";
import { openStoreReader, type StoreReader } from "../../src/store/index.ts";
import { sharedCache } from "../ground/shared-cache.ts";

/** The daemon as users start it: the bin in a process of its own, which can be stopped and killed. */

export interface DaemonProcess extends AsyncDisposable {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the code, or null when a signal ended it. */
  readonly exitCode: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Kills it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
}

export interface DaemonOptions {
  /** Holds `agent.config.ts`. */
  readonly folder: string;
  readonly stateDir: string;
  /** `ANTHROPIC_BASE_URL`; without it the rules decide. */
  readonly modelUrl?: string;
  /** Further variables, and those that replace ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default `info`. */
  readonly logLevel?: string;
}

export function startDaemon(options: DaemonOptions): DaemonProcess {
  const { folder, stateDir, modelUrl, environment, logLevel = "info" } = options;
  const bin = join(packageInfo().root, "bin", "watchkeeper.js");
  const config = join(folder, "agent.config.ts");
  const places = ["--config", config, "--state", stateDir];
  const child = spawn(process.execPath, [bin, "start", ...places, "--log-level", logLevel], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      XDG_CACHE_HOME: sharedCache,
      ...(modelUrl ? { ANTHROPIC_BASE_URL: modelUrl, ANTHROPIC_API_KEY: "sk-test" } : {}),
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    // Close and not exit: by then everything it printed has been read.
    child.once("close", (code) => resolve(code));
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exitCode;
  };
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    exitCode,
    signal: (signal) => void child.kill(signal),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Looks into the store beside the daemon; undefined as long as there is nothing to look into. */
export async function look<Result>(
  stateDir: string,
  ask: (store: StoreReader) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    await using store = openStoreReader({ stateDir, migrationsDir: packageInfo().migrationsDir });
    return store && (await ask(store));
  } catch {
    // Not yet brought to the present schema.
    return undefined;
  }
}

/**
 * Waits until what is asked comes true, for far longer than a slow machine needs.
 * @throws Error with what the daemon said, when it does not.
 */
export async function until<Result>(
  what: string,
  ask: () => Promise<Result | undefined | false>,
  daemon?: DaemonProcess,
): Promise<Result> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new Error(`${what}: this has not come true.\n${daemon?.stdout}\n${daemon?.stderr}`);
    }
    await pause(2);
  }
}

/** Writes files of a small set-up; names are relative to the folder. */
export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

/** The files of a skill whose looks take their time and say in `began` when they have begun. */
export const slowSkill = (lookMs: number): Record<string, string> => ({
  "tide/SKILL.md": "---\nname: tide\ndescription: Watches the tide, slowly.\n---\n",
  "tide/index.ts": `
    import { appendFileSync } from "node:fs";
    import { join } from "node:path";
    import { setTimeout as pause } from "node:timers/promises";
    import { defineSkill } from "watchkeeper";

    export default defineSkill({
      checks: ({ baseDir }) => ({
        level: {
          every: "1s",
          async observe({ signal }) {
            appendFileSync(join(baseDir, "began"), String(process.pid) + "\\n");
            await pause(${lookMs}, undefined, { signal });
            return {
              observations: [{ key: "high", severity: "notice", title: "High tide", trust: "trusted" }],
              complete: true,
            };
          },
        },
      }),
    });
  `,
});
