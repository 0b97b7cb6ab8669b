import { AdapterError, formatDuration } from "watchkeeper";
import { createHostFinder } from "../resolve-host.ts";
import type { ProbedTarget } from "../target.ts";
import { createDisks, probeDisk } from "./disk.ts";
import { probeDns } from "./dns.ts";
import { failureReason, isOurOwnFault } from "./failure.ts";
import { probeHttp } from "./http.ts";
import { createPatternMatcher } from "./pattern-matcher.ts";
import { elapsedMs } from "./probe.ts";
import type { Probe, ProbePlace, ProbeResult, Workshop } from "./probe.ts";
import { probeCommand, probeIcmp, probeSystemd } from "./programs.ts";
import { probeTcp } from "./tcp.ts";
import { probeTls } from "./tls.ts";

/** Every kind of target that is looked at, and what does it. */
const probes: {
  readonly [Kind in ProbedTarget["kind"]]: Probe<Extract<ProbedTarget, { kind: Kind }>>;
} = {
  http: probeHttp,
  tcp: probeTcp,
  tls: probeTls,
  dns: probeDns,
  icmp: probeIcmp,
  disk: probeDisk,
  systemd: probeSystemd,
  command: probeCommand,
};

export const createWorkshop = (baseDir: string): Workshop => ({
  baseDir,
  patterns: createPatternMatcher(),
  disks: createDisks(),
  hosts: createHostFinder(),
});

/**
 * Probes a target once and ends within its timeout. Whatever the target does is a result.
 * @throws the signal's reason when it was aborted, and {@link AdapterError} `PROBE_NOT_MADE` when
 *   this machine could not even try: then nothing is known of the target.
 */
export async function runProbe(target: ProbedTarget, place: ProbePlace): Promise<ProbeResult> {
  const { timeoutMs } = target;
  const { signal } = place;
  signal.throwIfAborted();
  const started = performance.now();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    // The compiler cannot see that the map's entry fits the target it was looked up with.
    const probe = probes[target.kind] as Probe<ProbedTarget>;
    return await probe(target, { ...place, signal: AbortSignal.any([signal, deadline.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AdapterError) throw error;
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
