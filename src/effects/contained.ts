import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import type { Scrub } from "../domain/scrub.ts";
import type { Trust } from "../domain/finding.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { ToolRunContext } from "../skills/define.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { StoreReader } from "../store/port.ts";

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
  /** For tools that read what their skill's checks remember. */
  readonly store?: Pick<StoreReader, "checkCursor">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Who calls a tool, and which attempt of which call it is. */
export interface CallOrigin {
  readonly idempotencyKey: string;
  /** Of the input: untrusted when whoever wrote it had read what a stranger could have written. */
  readonly trust: Trust;
  /** Null when no run calls. */
  readonly runId: number | null;
}

/** What a tool's code is given beside its input. */
function toolContext(
  tool: LoadedTool,
  { store, clock, signal }: Omit<ContainedDependencies, "scrub">,
  { idempotencyKey, trust, runId }: CallOrigin,
): ToolRunContext {
  return {
    signal,
    idempotencyKey,
    trust,
    runId,
    now: new Date(clock.now()),
    log: tool.log,
    ...(store && { cursorOf: (check: string) => store.checkCursor(`${tool.skill}/${check}`) }),
  };
}

/** Calls `work` with a signal that is aborted at the tool's timeout. */
export async function contain(
  tool: LoadedTool,
  origin: CallOrigin,
  dependencies: ContainedDependencies,
  work: (context: ToolRunContext) => Promise<unknown>,
): Promise<ToolEnd> {
  const { clock, scrub, signal } = dependencies;
  using running = linkedAbort(signal);
  using timer = linkedAbort(signal);
  const context = toolContext(tool, { ...dependencies, signal: running.signal }, origin);
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
