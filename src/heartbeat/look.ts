import type { Clock } from "../domain/clock.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import { formatDuration } from "../domain/duration.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { Scrub } from "../domain/scrub.ts";
import { acceptLook, type AcceptedLook } from "../skills/observations.ts";
import type { LoadedCheck } from "../skills/load.ts";

/** One look of one check, contained: it ends in time, and whatever it throws is a result. */

export type LookEnd =
  | { readonly outcome: "ok"; readonly accepted: AcceptedLook; readonly durationMs: number }
  | {
      readonly outcome: "failed" | "timeout";
      readonly error: string;
      readonly retryAt: number | undefined;
      readonly durationMs: number;
    }
  /** The daemon is stopping: nothing is known. */
  | { readonly outcome: "aborted" };

export interface LookDependencies {
  readonly clock: Clock;
  /** Aborted when the daemon stops. */
  readonly stopping: AbortSignal;
  /** Checks whose last look ignored its timeout and is still going on. */
  readonly hanging: Set<string>;
  /** Takes secrets out of what a skill throws or notes. */
  readonly scrub: Scrub;
}

export async function lookOnce(
  check: LoadedCheck,
  cursor: unknown,
  { clock, stopping, hanging, scrub }: LookDependencies,
): Promise<LookEnd> {
  const startedAt = clock.now();
  const took = () => Math.max(0, clock.now() - startedAt);
  const fail = (outcome: "failed" | "timeout", error: unknown): LookEnd => ({
    outcome,
    error: describeError(error, scrub),
    retryAt: retryAtOf(error),
    durationMs: took(),
  });
  if (stopping.aborted) return { outcome: "aborted" };
  if (hanging.has(check.name)) return fail("failed", "the look before this one still hangs");

  using looking = linkedAbort(stopping);
  using timer = linkedAbort(stopping);
  const input = { cursor, signal: looking.signal, now: new Date(startedAt) };
  const observing = observe(check, input).then(
    (result) => ({ kind: "returned" as const, result }),
    (error: unknown) => ({ kind: "threw" as const, error }),
  );
  hanging.add(check.name);
  void observing.then(() => hanging.delete(check.name));
  const end = await Promise.race([
    observing,
    clock.sleep(check.timeoutMs, timer.signal).then(() => ({
      kind: stopping.aborted ? ("stopped" as const) : ("late" as const),
    })),
  ]);
  timer.abort();
  switch (end.kind) {
    case "stopped":
      return { outcome: "aborted" };
    case "late":
      looking.abort(new Error(`took longer than ${formatDuration(check.timeoutMs)}`));
      return fail("timeout", `took longer than ${formatDuration(check.timeoutMs)}`);
    case "threw":
      return stopping.aborted ? { outcome: "aborted" } : fail("failed", end.error);
    case "returned":
      try {
        return { outcome: "ok", accepted: acceptLook(end.result, scrub), durationMs: took() };
      } catch (error) {
        return fail("failed", error);
      }
  }
}

async function observe(
  check: LoadedCheck,
  input: { cursor: unknown; signal: AbortSignal; now: Date },
): Promise<unknown> {
  return check.observe({ ...input, log: check.log });
}

const retryAtOf = (error: unknown): number | undefined =>
  isWatchkeeperError(error) && "retryAt" in error && typeof error.retryAt === "number"
    ? error.retryAt
    : undefined;
