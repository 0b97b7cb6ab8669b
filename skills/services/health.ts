import { z } from "watchkeeper";
import type { ProbeResult } from "./probes/probe.ts";

/** The failures since the last time that all was well. */
const troubleSchema = z.object({
  /** The worst of them. */
  fault: z.enum(["slow", "down"]),
  /** Milliseconds since the epoch of the first. */
  since: z.int(),
  /** How many: in a row while the target counts as up, in all once it is down. */
  failures: z.int().min(1),
  /** Reason of the last one that was as bad as `fault`. */
  lastReason: z.string(),
});

export const healthSchema = z.discriminatedUnion("state", [
  z.object({ state: z.literal("up"), trouble: troubleSchema.nullable() }),
  z.object({
    state: z.literal("down"),
    trouble: troubleSchema,
    /** Probes in a row that succeeded, or that failed. */
    successes: z.int().min(0),
    failuresInRow: z.int().min(0),
  }),
]);

export type Trouble = z.output<typeof troubleSchema>;

/** Whether a target counts as up, and what speaks against it. */
export type Health = z.output<typeof healthSchema>;

/** A target that nothing is known of counts as up. */
export const wellHealth: Health = { state: "up", trouble: null };

export interface Thresholds {
  readonly failureThreshold: number;
  readonly successThreshold: number;
}

export type HealthDecision =
  /** Up, and this probe says so too. */
  | { readonly kind: "well"; readonly health: Health }
  /** Up, but the last probes failed: too few to say. */
  | { readonly kind: "doubt"; readonly health: Health; readonly trouble: Trouble }
  /** Down, whether this probe failed or was one of too few that succeeded. */
  | { readonly kind: "down"; readonly health: Health; readonly trouble: Trouble };

/**
 * Weighs one more probe. A target is down after `failureThreshold` failures in a row and up again
 * after `successThreshold` successes in a row. Trouble of slow answers only is `slow`; one worse
 * failure makes it `down`, and nothing makes it `slow` again.
 */
export function decideHealth(
  previous: Health,
  probe: ProbeResult,
  thresholds: Thresholds,
  now: number,
): HealthDecision {
  if (probe.ok || probe.fault === "expiry") {
    if (previous.state === "up") return { kind: "well", health: wellHealth };
    const successes = previous.successes + 1;
    if (successes >= thresholds.successThreshold) return { kind: "well", health: wellHealth };
    const { trouble } = previous;
    return { kind: "down", health: { ...previous, successes, failuresInRow: 0 }, trouble };
  }
  const trouble = worsened(
    previous.trouble,
    { fault: probe.fault, reason: probe.reason },
    probe.since ?? now,
  );
  if (previous.state === "up" && trouble.failures < thresholds.failureThreshold) {
    return { kind: "doubt", health: { state: "up", trouble }, trouble };
  }
  const failuresInRow = previous.state === "down" ? previous.failuresInRow + 1 : trouble.failures;
  return { kind: "down", health: { state: "down", trouble, successes: 0, failuresInRow }, trouble };
}

function worsened(
  before: Trouble | null,
  { fault, reason }: { readonly fault: Trouble["fault"]; readonly reason: string },
  since: number,
): Trouble {
  if (before === null) return { fault, since, failures: 1, lastReason: reason };
  const failures = before.failures + 1;
  const milder = before.fault === "down" && fault === "slow";
  return milder ? { ...before, failures } : { ...before, failures, fault, lastReason: reason };
}
