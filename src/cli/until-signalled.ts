import { StoreError } from "../domain/errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Work that Ctrl-C, or whoever ends the process, may end before its time, without leaving anything behind. A second
 * signal ends the process at once.
 * @param work throws when its signal was aborted before it was done
 * @param left what is true then
 * @throws StoreError then
 */
export async function untilSignalled<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  left: string,
): Promise<Result> {
  const asked = new AbortController();
  const end = () => asked.abort();
  for (const signal of signals) process.once(signal, end);
  try {
    return await work(asked.signal);
  } catch (error) {
    if (!asked.signal.aborted) throw error;
    throw new StoreError("STOPPED_BEFORE_DONE", `it was stopped: ${left}`, {
      hint: "Call the command again when you want it done",
    });
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}
