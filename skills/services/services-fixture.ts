import type { SkillLog } from "watchkeeper";
import { servicesConfig } from "./config.ts";
import { createWorkshop, runProbe } from "./probes/index.ts";
import type { ProbeResult } from "./probes/probe.ts";
import type { ProbedTarget, Target } from "./target.ts";

/** What the tests of this skill share. */

export const silent: SkillLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
};

/** A target as the config makes it of what an owner writes; its name is `api` unless said. */
export function targetOf(
  raw: Record<string, unknown>,
  shared: Record<string, unknown> = {},
): Target {
  const [target] = servicesConfig.parse({
    ...shared,
    targets: [{ name: "api", ...raw }, ...((shared["targets"] as unknown[]) ?? [])],
  }).targets;
  if (!target) throw new Error("no target");
  return target;
}

export function probedTargetOf(raw: Record<string, unknown>): ProbedTarget {
  const target = targetOf(raw);
  if (target.kind === "push") throw new Error("a push target is not probed");
  return target;
}

const workshop = createWorkshop(import.meta.dirname);

export interface ProbeOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly now?: Date;
}

/** One real probe. */
export const probeOnce = (
  target: ProbedTarget,
  {
    signal = new AbortController().signal,
    timeoutMs = 20_000,
    now = new Date(),
  }: ProbeOptions = {},
): Promise<ProbeResult> => runProbe({ ...target, timeoutMs }, { signal, now, workshop });
