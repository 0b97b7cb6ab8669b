import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import type { Scrub } from "../domain/scrub.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { LoadedTool } from "../skills/load.ts";

/** Running a tool's code, contained: it ends in time, and whatever it throws is a result. */

export type ToolEnd =
  | { readonly kind: "returned"; readonly result: unknown }
  | {
      readonly kind: "threw";
      readonly error: string;
      /** The tool itself says that nothing was done. */
      readonly certainlyNotDone: boolean;
    }
  /** It took too long, or the daemon stopped: nothing is known. */
  | { readonly kind: "gave-up"; readonly error: string };

export interface ContainedDependencies {
  /** Takes secrets out of what the tool throws. */
  readonly scrub: Scrub;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What a tool's code is given beside its input. */
export function toolContext(
  tool: LoadedTool,
  { clock, signal }: Pick<ContainedDependencies, "clock" | "signal">,
  idempotencyKey: string,
) {
  return { signal, idempotencyKey, now: new Date(clock.now()), log: tool.log };
}

/** Calls `work` with a signal that is aborted at the tool's timeout. */
export async function contain(
  tool: LoadedTool,
  idempotencyKey: string,
  { clock, scrub, signal }: ContainedDependencies,
  work: (context: ReturnType<typeof toolContext>) => Promise<unknown>,
): Promise<ToolEnd> {
  using running = linkedAbort(signal);
  using timer = linkedAbort(signal);
  const context = toolContext(tool, { clock, signal: running.signal }, idempotencyKey);
  const ended = start(() => work(context)).then(
    (result): ToolEnd => ({ kind: "returned", result }),
    (error: unknown): ToolEnd => ({
      kind: "threw",
      error: describeError(error, scrub),
      certainlyNotDone: isWatchkeeperError(error) && error.name === "ToolError",
    }),
  );
  const end = await Promise.race([
    ended,
    clock.sleep(tool.timeoutMs, timer.signal).then((): ToolEnd => ({
      kind: "gave-up",
      error: signal.aborted
        ? "the daemon was stopped; nothing is known of it"
        : `took longer than ${formatDuration(tool.timeoutMs)}; nothing is known of it`,
    })),
  ]);
  timer.abort();
  running.abort();
  return end;
}

const start = async (work: () => Promise<unknown>): Promise<unknown> => work();
