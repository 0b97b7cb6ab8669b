/** What one probe measured: the types that all probes share. */

/** Worse last. `expiry` says nothing of the service itself: it answers, its certificate runs out. */
export type Fault = "expiry" | "slow" | "down";

export interface CertificateFacts {
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** Whole days, negative once it has expired. */
  readonly daysLeft: number;
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
  readonly certificate?: CertificateFacts;
}

export type ProbeResult = ProbeSuccess | ProbeFailure;

/**
 * Looks at a target once. Measured failures are results; an error of the connection may be thrown
 * as it came, {@link runProbe} names it.
 */
export type Probe<Target> = (
  target: Target,
  signal: AbortSignal,
  now: Date,
) => Promise<ProbeResult>;

/** Milliseconds since `started`, a `performance.now()`, whole and at least 1. */
export const elapsedMs = (started: number): number =>
  Math.max(1, Math.round(performance.now() - started));
