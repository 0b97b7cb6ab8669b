import { setTimeout as pause } from "node:timers/promises";
import { AdapterError, type AnyTool, defineTool, formatDuration, ToolError, z } from "watchkeeper";
import type { ServicesConfig } from "./config.ts";
import type { PushTarget, RestartCommand, Target } from "./target.ts";
import { runProbe } from "./probes/index.ts";
import type { Workshop } from "./probes/probe.ts";
import { type CommandOutcome, runCommand } from "./run-command.ts";

export interface RestartResult {
  readonly target: string;
  readonly exitCode: 0;
  /** Standard output and standard error as they came, cut. */
  readonly output: string;
}

/** How a restart is verified: a service needs a moment until it answers. */
export interface VerifyLimits {
  /** Before each probe, in milliseconds. */
  readonly pausesMs: readonly number[];
  readonly totalMs: number;
}

const verifyLimits: VerifyLimits = { pausesMs: [500, 1_500, 3_000, 6_000, 8_000], totalMs: 30_000 };

/** More than the grace that a command has between being asked to end and being ended. */
const marginMs = 5_000;

type Restartable = Target & { readonly restart: RestartCommand };

/** The targets that the owner wrote a restart command for. */
export function restartable({ targets }: ServicesConfig): Restartable[] {
  return targets.filter((target): target is Restartable => target.restart !== undefined);
}

/** Runs the owner's own command for one target, and nothing else: the agent chooses only which. */
export function restartTool(
  config: ServicesConfig,
  workshop: Workshop,
  limits: VerifyLimits = verifyLimits,
): AnyTool {
  const targets = restartable(config);
  const find = (name: string) => targets.find((target) => target.name === name);
  const longestMs = Math.max(0, ...targets.map(({ restart }) => restart.timeoutMs));
  return defineTool({
    description:
      "Restart one service with the command that the owner wrote for it. Returns the command's output.",
    effect: "send",
    // The same bound holds for the command and for the verification after it.
    timeout: `${(Math.max(longestMs, limits.totalMs) + marginMs) / 1_000}s`,
    input: z.strictObject({ target: z.string().max(64) }),
    async run({ target: name }, { signal }): Promise<RestartResult> {
      const target = find(name);
      if (target === undefined) throw unknownTarget(config, name);
      const { command, timeoutMs } = target.restart;
      const outcome = await runCommand({ command, cwd: workshop.baseDir, timeoutMs, signal });
      if (outcome.kind === "ended" && outcome.exitCode === 0) {
        return { target: name, exitCode: 0, output: outcome.output };
      }
      throw failureOf(name, timeoutMs, outcome);
    },
    async subject({ target }): Promise<Record<string, string>> {
      return find(target) === undefined ? {} : { target };
    },
    async verify({ target: name }, { signal, now }) {
      const target = find(name);
      // What reports by itself shows only in time whether it works.
      if (!target || target.kind === "push") return undefined;
      return verify(target, { signal, now, limits, workshop });
    },
  });
}

function unknownTarget({ targets }: ServicesConfig, name: string): ToolError {
  const known = targets.filter(({ restart }) => restart).map((target) => target.name);
  const hint = `Services with one: ${known.join(", ")}`;
  if (targets.some((target) => target.name === name)) {
    return new ToolError(
      "SERVICES_NO_RESTART_COMMAND",
      `the owner wrote no restart command for ${name}`,
      { hint },
    );
  }
  return new ToolError("SERVICES_UNKNOWN_TARGET", "No watched service has that name", { hint });
}

/** A command that was cut off may have done its work, or half of it: only its own word says it failed. */
function failureOf(
  name: string,
  timeoutMs: number,
  outcome: CommandOutcome,
): ToolError | AdapterError {
  if (outcome.kind === "not-started") {
    return new ToolError(
      "SERVICES_RESTART_NOT_STARTED",
      `the restart command of ${name} could not be started: ${outcome.reason}`,
      { hint: "Nothing was done; the owner must correct restart.command" },
    );
  }
  const said = outcome.output === "" ? "It printed nothing" : `It printed: ${outcome.output}`;
  const hint = "Probe the service to see how it is now";
  if (outcome.kind === "timed-out") {
    return new AdapterError(
      "SERVICES_RESTART_TIMED_OUT",
      `the restart command of ${name} did not end within ${formatDuration(timeoutMs)} and was killed. ${said}`,
      { hint, retryable: false },
    );
  }
  if (outcome.kind === "killed") {
    return new AdapterError(
      "SERVICES_RESTART_KILLED",
      `the restart command of ${name} was ended by ${outcome.signal}. ${said}`,
      { hint, retryable: false },
    );
  }
  return new ToolError(
    "SERVICES_RESTART_FAILED",
    `the restart command of ${name} ended with exit code ${outcome.exitCode}. ${said}`,
    { hint },
  );
}

/** @returns what is wrong after several probes, undefined as soon as one of them succeeds */
async function verify(
  target: Exclude<Target, PushTarget>,
  {
    signal,
    now,
    limits,
    workshop,
  }: { signal: AbortSignal; now: Date; limits: VerifyLimits; workshop: Workshop },
): Promise<string | undefined> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.totalMs)]);
  let probes = 0;
  let wrong = "it was not probed in time";
  try {
    for (const pauseMs of limits.pausesMs) {
      await pause(pauseMs, undefined, { signal: deadline });
      const probe = await runProbe(target, { signal: deadline, now, workshop });
      if (probe.ok) return undefined;
      probes += 1;
      wrong = probe.reason;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.aborted) wrong = error instanceof Error ? error.message : String(error);
  }
  return `${target.name} is not well after its restart: ${wrong} (failed probes: ${probes})`;
}
