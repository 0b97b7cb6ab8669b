import { notFinished } from "./asker.ts";

/** What Ctrl-C does where no question stands. */

/** Between questions nobody reads the keys: there Ctrl-C is a signal. @throws notFinished after it */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.on("SIGINT", onInterrupt);
  try {
    const result = await work(interrupt.signal);
    if (interrupt.signal.aborted) throw notFinished();
    return result;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** Work of a moment that Ctrl-C must not leave half done. */
export function uninterrupted<Result>(work: () => Result): Result {
  const ignore = () => undefined;
  for (const signal of signals) process.on(signal, ignore);
  try {
    return work();
  } finally {
    for (const signal of signals) process.off(signal, ignore);
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
