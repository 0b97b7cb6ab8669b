import type { HttpTarget } from "../target.ts";
import { bodyProblem, statusMatches } from "./http-expectation.ts";
import { ask, readBody } from "./http-request.ts";
import { elapsedMs, timed } from "./probe.ts";
import type { Probe } from "./probe.ts";

/** Asks once and looks at status, body and time. */
export const probeHttp: Probe<HttpTarget> = async (target, { signal, workshop }) => {
  signal.throwIfAborted();
  const started = performance.now();
  const down = (reason: string) =>
    ({ ok: false, ms: elapsedMs(started), fault: "down", reason }) as const;

  const answer = await ask(target, signal, workshop.hosts);
  if (typeof answer === "string") return down(answer);
  const status = answer.statusCode ?? 0;
  const { expect } = target;
  if (!statusMatches(expect.status, status)) {
    answer.destroy();
    return down(`HTTP ${status} instead of ${expect.status.join(" or ")}`);
  }
  const body = await readBody(answer);
  // The time is the server's: what we do with its answer does not count.
  const ms = elapsedMs(started);
  const problem = await bodyProblem(expect, body, workshop.patterns, signal);
  if (problem !== undefined) return down(problem);
  return timed(ms, expect.maxMs, { verb: "answered", detail: `HTTP ${status}` });
};
