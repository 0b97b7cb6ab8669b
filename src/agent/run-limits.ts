import { canonicalJson } from "../domain/canonical.ts";
import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { linkedAbort } from "../domain/linked-abort.ts";

/** Bounds on one run that hold whatever the model does. */
export interface RunLimits {
  /** Steps of the journal after which the model is not asked again. */
  readonly stepsPerRun: number;
  readonly toolCallsPerRun: number;
  /** The same tool with the same input so often is a loop; the last of them is not carried out. */
  readonly identicalCalls: number;
  readonly minutesPerRun: number;
}

/** The limit that ended a run, with the reason as it stands in the run's error. */
export interface LimitReached {
  readonly limit: keyof RunLimits;
  readonly reason: string;
}

export interface CallCounter {
  /**
   * Counts the calls of one reply before they are carried out.
   * @returns the limit that they would pass; then none of them may be carried out
   */
  take(calls: readonly { readonly name: string; readonly input: unknown }[]): LimitReached | null;
}

export function countCalls(limits: RunLimits): CallCounter {
  const { toolCallsPerRun, identicalCalls } = limits;
  const seen = new Map<string, number>();
  let count = 0;
  return {
    take(calls) {
      count += calls.length;
      if (count > toolCallsPerRun) {
        const reason = `the model wanted more than ${toolCallsPerRun} tool calls`;
        return { limit: "toolCallsPerRun", reason };
      }
      for (const { name, input } of calls) {
        const key = `${name} ${canonicalJson(input)}`;
        const times = (seen.get(key) ?? 0) + 1;
        seen.set(key, times);
        if (times < identicalCalls) continue;
        const reason = `a loop: the model called ${name} with the same input ${times} times`;
        return { limit: "identicalCalls", reason };
      }
      return null;
    },
  };
}

export interface Deadline extends Disposable {
  /** Aborted when the time is over, or with the signal it was started with. */
  readonly signal: AbortSignal;
  /** The limit, once the time is over. */
  reached(): LimitReached | null;
}

/** Ends whatever a run has under way when its time is over. */
export function startDeadline(
  { minutesPerRun }: RunLimits,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Deadline {
  const longestMs = minutesPerRun * 60_000;
  const running = linkedAbort(signal);
  const ended = new AbortController();
  let isOver = false;
  void clock.sleep(longestMs, ended.signal).then(() => {
    if (ended.signal.aborted) return;
    isOver = true;
    running.abort();
  });
  const reason = `the run took longer than ${formatDuration(longestMs)}`;
  return {
    signal: running.signal,
    reached: () => (isOver ? { limit: "minutesPerRun", reason } : null),
    [Symbol.dispose]() {
      ended.abort();
      running[Symbol.dispose]();
    },
  };
}
