import type { Clock } from "../domain/clock.ts";
import type { ModelFailure } from "./port.ts";

/** Watches one call: ends it when the caller wants, when it takes too long, when it falls silent. */
export interface CallWatch {
  /** Aborted when the call must end. */
  readonly signal: AbortSignal;
  /** Says that something came in, and how much of the answer's body. */
  touch(bytes: number): void;
  /** The bytes so far. */
  received(): number;
  /** Why the call was ended from this side, or undefined when it was not. */
  stopped(begun: boolean): ModelFailure | undefined;
  /** Lets go of the timers. */
  end(): void;
}

interface WatchOptions {
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The caller's. */
  readonly signal: AbortSignal;
}

// Silence is counted in ticks and not by the time of day, which may jump.
const ticksOfSilence = 4;

export function startWatch({
  clock,
  idleTimeoutMs,
  requestTimeoutMs,
  signal,
}: WatchOptions): CallWatch {
  const call = new AbortController();
  const ended = new AbortController();
  let reason: "caller" | "silence" | "deadline" | undefined;
  let quietTicks = 0;
  let receivedBytes = 0;

  const stop = (why: NonNullable<typeof reason>): void => {
    if (reason !== undefined || ended.signal.aborted) return;
    reason = why;
    call.abort();
  };
  const onAbort = (): void => {
    stop("caller");
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });

  const watchSilence = async (): Promise<void> => {
    while (quietTicks < ticksOfSilence) {
      await clock.sleep(idleTimeoutMs / ticksOfSilence, ended.signal);
      if (ended.signal.aborted) return;
      quietTicks += 1;
    }
    stop("silence");
  };
  const watchDeadline = async (): Promise<void> => {
    await clock.sleep(requestTimeoutMs, ended.signal);
    stop("deadline");
  };
  void watchSilence();
  void watchDeadline();

  return {
    signal: call.signal,
    touch(bytes) {
      quietTicks = 0;
      receivedBytes += bytes;
    },
    received: () => receivedBytes,
    stopped(begun) {
      switch (reason) {
        case undefined:
          return undefined;
        case "caller":
          return { kind: "aborted", message: "the call was called off" };
        case "deadline":
          return { kind: "timeout", message: `no complete reply within ${requestTimeoutMs} ms` };
        case "silence":
          return begun
            ? { kind: "cut", message: `the reply fell silent for ${idleTimeoutMs} ms` }
            : { kind: "timeout", message: `no answer for ${idleTimeoutMs} ms` };
      }
    },
    end() {
      ended.abort();
      signal.removeEventListener("abort", onAbort);
    },
  };
}
