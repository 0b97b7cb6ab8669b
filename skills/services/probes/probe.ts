import type { HostFinder } from "../resolve-host.ts";
import type { Disks } from "./disk.ts";
import type { PatternMatcher } from "./pattern-matcher.ts";

/** What one probe measured: the types that all probes share. */

/** Worse last. `expiry` says nothing of the service itself: it answers, its certificate runs out. */
export type Fault = "expiry" | "slow" | "down";

export interface CertificateFacts {
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** Whole days, negative once it has expired. */
  readonly daysLeft: number;
  /** True when it is one that vouches for the target's own, and ends before it. */
  readonly ofIssuer?: true;
}

export interface ProbeSuccess {
  readonly ok: true;
  readonly ms: number;
  /** What was measured, in our own words. */
  readonly detail: string;
  readonly certificate?: CertificateFacts;
}

export interface ProbeFailure {
  readonly ok: false;
  readonly ms: number;
  readonly fault: Fault;
  /** Why, in our own words: nothing that the server wrote is in it. */
  readonly reason: string;
  /** When it began, where that is known to be earlier than the probe; milliseconds since the epoch. */
  readonly since?: number;
  readonly certificate?: CertificateFacts;
}

export type ProbeResult = ProbeSuccess | ProbeFailure;

/**
 * Looks at a target once. Measured failures are results; an error of the connection may be thrown
 * as it came, {@link runProbe} names it.
 */
export type Probe<Target> = (target: Target, place: ProbePlace) => Promise<ProbeResult>;

/** Where and when a probe is made. */
export interface ProbePlace {
  /** Aborted at the target's timeout, and when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly workshop: Workshop;
}

/** What the probes of all targets share; made once, when the skill is loaded. */
export interface Workshop {
  /** The folder of the config: commands run there, and relative paths begin there. */
  readonly baseDir: string;
  readonly patterns: PatternMatcher;
  readonly disks: Disks;
  readonly hosts: HostFinder;
}

/** Milliseconds since `started`, a `performance.now()`, whole and at least 1. */
export const elapsedMs = (started: number): number =>
  Math.max(1, Math.round(performance.now() - started));

/** The result of a probe that went well: `slow` when it took longer than the owner allows. */
export function timed(
  ms: number,
  maxMs: number | undefined,
  { verb, detail }: { readonly verb: string; readonly detail: string },
): ProbeResult {
  if (maxMs === undefined || ms <= maxMs) return { ok: true, ms, detail };
  const reason = `${verb} after ${ms} ms, more than ${maxMs} ms`;
  return { ok: false, ms, fault: "slow", reason };
}
