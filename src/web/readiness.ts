/** Whether the watch does what it is for: a beat completed lately. */

/** A beat may take its time. */
const graceMs = 2 * 60_000;

export function decideReadiness({
  now,
  startedAt,
  heartbeatMs,
  lastCompletedAt,
}: {
  readonly now: number;
  readonly startedAt: number;
  /** The longest gap between beats. */
  readonly heartbeatMs: number;
  readonly lastCompletedAt: number | null;
}): { readonly ready: true } | { readonly ready: false; readonly why: string } {
  // A start that lies ahead was before the clock was set back.
  const since = startedAt <= now ? startedAt : 0;
  if (lastCompletedAt === null || lastCompletedAt < since) {
    return { ready: false, why: "no beat has completed since the start" };
  }
  if (now - lastCompletedAt <= 2 * heartbeatMs + graceMs) return { ready: true };
  const minutes = Math.floor((now - lastCompletedAt) / 60_000);
  return { ready: false, why: `no beat has completed for ${minutes} minutes` };
}
