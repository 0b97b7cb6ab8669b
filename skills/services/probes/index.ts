import { AdapterError, formatDuration } from "watchkeeper";
import type { Target, TargetKind } from "../config.ts";
import { failureReason, isOurOwnFault } from "./failure.ts";
import { probeHttp } from "./http.ts";
import { elapsedMs } from "./probe.ts";
import type { Probe, ProbeResult } from "./probe.ts";
import { probeTcp } from "./tcp.ts";
import { probeTls } from "./tls.ts";

/** Every kind of target and what looks at it. */
const probes: { readonly [Kind in TargetKind]: Probe<Extract<Target, { kind: Kind }>> } = {
  http: probeHttp,
  tcp: probeTcp,
  tls: probeTls,
};

export interface ProbeLimits {
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  readonly now: Date;
}

/**
 * Probes a target once and ends within `timeoutMs`. Whatever the target does is a result.
 * @throws the signal's reason when it was aborted, and {@link AdapterError} `PROBE_NOT_MADE` when
 *   this machine could not even try: then nothing is known of the target.
 */
export async function runProbe(target: Target, limits: ProbeLimits): Promise<ProbeResult> {
  const { timeoutMs, signal, now } = limits;
  signal.throwIfAborted();
  const started = performance.now();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    // The compiler cannot see that the map's entry fits the target it was looked up with.
    const probe = probes[target.kind] as Probe<Target>;
    return await probe(target, AbortSignal.any([signal, deadline.signal]), now);
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.signal.aborted && isOurOwnFault(error)) {
      throw new AdapterError("PROBE_NOT_MADE", `${target.name} could not be probed`, {
        cause: error,
        hint: "This machine refused the connection or ran out of sockets or files; look at its limits and firewall.",
      });
    }
    const reason = deadline.signal.aborted
      ? `timed out after ${formatDuration(timeoutMs)}`
      : failureReason(error);
    return { ok: false, ms: elapsedMs(started), fault: "down", reason };
  } finally {
    clearTimeout(timer);
  }
}
