import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parse } from "yaml";
import { checkout, runProcess, type Outcome } from "../ground/miniature.ts";

/** Containers of podman, confined as `deploy/compose.yaml` says. */

// What podman would have systemd do, the proofs do themselves: ask for the health.
const environment = { ...process.env, DISABLE_HC_SYSTEMD: "true" };

export const podman = async (...argv: string[]): Promise<Outcome> =>
  runProcess("podman", argv, environment);

/** @throws AssertionError with what podman said, when it fails */
export async function podmanDoes(...argv: string[]): Promise<string> {
  const outcome = await podman(...argv);
  assert.equal(outcome.exitCode, 0, `podman ${argv[0]}: ${outcome.stderr}${outcome.stdout}`);
  return outcome.stdout.trim();
}

interface ComposeService {
  readonly init: boolean;
  readonly read_only: boolean;
  readonly tmpfs: readonly string[];
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly stop_grace_period: string;
}

const { services } = parse(await readFile(join(checkout, "deploy/compose.yaml"), "utf8")) as {
  services: { watchkeeper: ComposeService };
};
const { watchkeeper: service } = services;

const confinement = [
  ...(service.init ? ["--init"] : []),
  ...(service.read_only ? ["--read-only", "--read-only-tmpfs=false"] : []),
  ...service.tmpfs.flatMap((path) => ["--tmpfs", path]),
  ...service.cap_drop.flatMap((name) => ["--cap-drop", name]),
  ...service.security_opt.flatMap((option) => ["--security-opt", option.replace(":true", "")]),
  ...["--stop-timeout", String(Number.parseInt(service.stop_grace_period, 10))],
  // Where this shell may do less than podman wants by default, runc could not raise it.
  ...["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"],
];

/** What takes a daemon minutes: it is asked each second. @throws Error when it does not come true in time */
export async function patiently(
  what: string,
  seconds: number,
  ask: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + seconds * 1_000;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`${what}: this has not come true.`);
    await pause(1_000);
  }
}

export interface Setting {
  readonly image: string;
  /** Named volume with the state. */
  readonly volume: string;
  readonly configDir: string;
  readonly secretsDir: string;
  /** Further flags of `podman run`. */
  readonly flags: readonly string[];
}

const runFlags = ({ volume, configDir, secretsDir, flags }: Setting): string[] => [
  ...confinement,
  ...["--volume", `${volume}:/var/lib/watchkeeper`],
  ...["--volume", `${configDir}:/config:ro`],
  ...["--volume", `${secretsDir}:/run/secrets:ro`],
  ...["ANTHROPIC_API_KEY", "WEBHOOK_SECRET"].flatMap((name) => [
    "--env",
    `${name}_FILE=/run/secrets/${name}`,
  ]),
  ...flags,
];

/** A command in a container of its own, on the same volume. */
export const runOnce = async (setting: Setting, ...argv: string[]): Promise<Outcome> =>
  podman("run", "--rm", ...runFlags(setting), setting.image, ...argv);

export interface Container extends AsyncDisposable {
  exec(...argv: string[]): Promise<Outcome>;
  /** What a command of ours prints as JSON, in the running container. */
  ask<Answer>(...argv: string[]): Promise<Answer>;
  /** Resolves when it has ended, with its exit code. */
  stop(): Promise<number>;
  kill(): Promise<void>;
  start(): Promise<void>;
  logs(): Promise<string>;
  /** What its health check, made now, says. */
  isHealthy(): Promise<boolean>;
  /** On the host. */
  pid(): Promise<number>;
}

/** Starts the daemon in the background. */
export async function startContainer(setting: Setting): Promise<Container> {
  const id = await podmanDoes("run", "--detach", ...runFlags(setting), setting.image);
  const inspect = async (format: string) => podmanDoes("inspect", "--format", format, id);
  return {
    exec: async (...argv) => podman("exec", id, ...argv),
    async ask<Answer>(...argv: string[]) {
      return JSON.parse(await podmanDoes("exec", id, "watchkeeper", ...argv, "--json")) as Answer;
    },
    async stop() {
      await podmanDoes("stop", id);
      return Number(await inspect("{{.State.ExitCode}}"));
    },
    async kill() {
      await podmanDoes("kill", "--signal", "KILL", id);
      await podmanDoes("wait", id);
    },
    start: async () => void (await podmanDoes("start", id)),
    async logs() {
      const { stdout, stderr } = await podman("logs", id);
      return stdout + stderr;
    },
    isHealthy: async () => (await podman("healthcheck", "run", id)).exitCode === 0,
    pid: async () => Number(await inspect("{{.State.Pid}}")),
    async [Symbol.asyncDispose]() {
      await podman("rm", "--force", "--time", "2", id);
    },
  };
}
