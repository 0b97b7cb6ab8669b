import type { Clock } from "../domain/clock.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import { formatDuration } from "../domain/duration.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { Scrub } from "../domain/scrub.ts";
import { acceptActions } from "./accept-actions.ts";
import type { ObserveInput } from "../skills/define.ts";
import type { LoadedCheck, LoadedTool } from "../skills/load.ts";
import { acceptLook, type AcceptedLook } from "../skills/observations.ts";
import type { PlannedAction, PushRecord, StoreReader } from "../store/port.ts";
import { readThrough } from "./read-through.ts";

/** One look of one check, contained: it ends in time, and whatever it throws is a result. */

export type LookEnd =
  | {
      readonly outcome: "ok";
      readonly accepted: Omit<AcceptedLook, "actions"> & {
        readonly actions: readonly PlannedAction[];
      };
      readonly durationMs: number;
    }
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
  /** Of all skills: what a look may read through, and what rules may ask for. */
  readonly tools: ReadonlyMap<string, LoadedTool>;
  readonly store: Pick<StoreReader, "lastPushes" | "checkCursor"> | undefined;
}

export async function lookOnce(
  check: LoadedCheck,
  cursor: unknown,
  { clock, stopping, hanging, scrub, tools, store }: LookDependencies,
): Promise<LookEnd> {
  const startedAt = clock.now();
  const took = () => Math.max(0, clock.now() - startedAt);
  const fail = (outcome: "failed" | "timeout", error: unknown): LookEnd => ({
    outcome,
    error: describeError(error, scrub),
    retryAt: retryAtOf(error),
    durationMs: took(),
  });
  const accept = (result: unknown) => {
    const accepted = acceptLook(result, scrub);
    const { actions, notes } = acceptActions(accepted.actions, check, tools, scrub);
    return { ...accepted, actions, notes: [...accepted.notes, ...notes.map(scrub)] };
  };
  if (stopping.aborted) return { outcome: "aborted" };
  if (hanging.has(check.name)) return fail("failed", "the look before this one still hangs");

  using looking = linkedAbort(stopping);
  using timer = linkedAbort(stopping);
  const { signal } = looking;
  const input = {
    cursor,
    signal,
    now: new Date(startedAt),
    pushes: pushesOf((await store?.lastPushes(check.skill)) ?? []),
    callTool: readThrough(tools, { clock, scrub, signal, ...(store && { store }) }),
  };
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
        return { outcome: "ok", accepted: accept(end.result), durationMs: took() };
      } catch (error) {
        return fail("failed", error);
      }
  }
}

async function observe(check: LoadedCheck, input: Omit<ObserveInput, "log">): Promise<unknown> {
  return check.observe({ ...input, log: check.log });
}

const pushesOf = (records: readonly PushRecord[]): ObserveInput["pushes"] =>
  new Map(records.map(({ name, at, ok, text }) => [name, { at: new Date(at), ok, text }]));

const retryAtOf = (error: unknown): number | undefined =>
  isWatchkeeperError(error) && "retryAt" in error && typeof error.retryAt === "number"
    ? error.retryAt
    : undefined;
