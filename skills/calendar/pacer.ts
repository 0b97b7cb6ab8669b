import { setImmediate } from "node:timers/promises";

/** Lets the other checks have their turn while a large calendar is read. */
export interface Pacer {
  /** Resolves at once, or after the event loop had a turn when the last one is too long ago. */
  rest(): Promise<void> | undefined;
}

const longestTurnMs = 10;

/** @throws the signal's reason from `rest` when the signal was aborted. */
export function createPacer(signal: AbortSignal): Pacer {
  let turnEndsAt = performance.now() + longestTurnMs;
  return {
    rest() {
      if (performance.now() < turnEndsAt) return undefined;
      signal.throwIfAborted();
      return setImmediate().then(() => {
        turnEndsAt = performance.now() + longestTurnMs;
      });
    },
  };
}
