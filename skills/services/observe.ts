import type { CheckDefinition, ObserveInput } from "watchkeeper";
import { judge } from "./judge.ts";
import type { maintenanceCalendar } from "./maintenance.ts";
import { recall } from "./memory.ts";
import type { Memory } from "./memory.ts";
import { runProbe } from "./probes/index.ts";
import type { ProbeResult, Workshop } from "./probes/probe.ts";
import { judgePush } from "./push.ts";
import { describeLook } from "./say.ts";
import type { Target } from "./target.ts";
import type { Witnesses } from "./witnesses.ts";

export interface Surroundings {
  readonly workshop: Workshop;
  readonly witnesses: Witnesses;
  readonly maintenance: ReturnType<typeof maintenanceCalendar>;
}

// The probe ends by itself; the check's own timeout is only for when it does not.
const marginMs = 5_000;

/** A duration as the skill API reads it. */
const seconds = (ms: number): string => `${ms / 1_000}s`;

export const probeTimeout = (timeoutMs: number): string => seconds(timeoutMs + marginMs);

/**
 * The check of one target.
 * @param excusesMs how long it may take to look at those that may be to blame
 */
export function targetCheck(
  target: Target,
  excusesMs: number,
  surroundings: Surroundings,
): CheckDefinition {
  const { witnesses, maintenance, workshop } = surroundings;
  return {
    every: seconds(target.everyMs),
    timeout: probeTimeout(target.timeoutMs + excusesMs),
    async observe(input) {
      const now = input.now.getTime();
      const memory = recall(input.cursor, target, now);
      const probe = await look(target, memory, input, workshop);
      const failed = !probe.ok && probe.fault !== "expiry";
      const setAside = maintenance.isOpen(target.maintenance, now)
        ? "planned maintenance"
        : failed
          ? ((await witnesses.excuse(target, input)) ?? null)
          : null;
      return describeLook(target, probe, judge(target, memory, { now, probe, setAside }));
    },
  };
}

async function look(
  target: Target,
  memory: Memory,
  { signal, now, pushes }: ObserveInput,
  workshop: Workshop,
): Promise<ProbeResult> {
  if (target.kind !== "push") return runProbe(target, { signal, now, workshop });
  return judgePush(target, {
    now: now.getTime(),
    push: pushes.get(target.name),
    waitingSince: memory.since,
    gap: memory.gap,
  });
}
