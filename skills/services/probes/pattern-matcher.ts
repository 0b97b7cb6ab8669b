import { once } from "node:events";
import { Worker } from "node:worker_threads";

/**
 * Matches the owner's regular expressions with strangers' text. An unlucky pattern can take for ever on
 * a hostile text, so it is done beside the main thread, which goes on whatever happens, and within a time.
 */
export interface PatternMatcher {
  /** @throws the signal's reason */
  match(pattern: string, text: Uint8Array, signal: AbortSignal): Promise<MatchEnd>;
}

export type MatchEnd = "match" | "no-match" | "too-long";

export interface MatcherLimits {
  /** For one match, also on a machine that is busy with other things. */
  readonly timeMs: number;
  /** After so long without work the thread is let go. */
  readonly idleMs: number;
}

interface Answer {
  readonly id: number;
  readonly matches: boolean;
}

// As text, so that it runs from a bundle too.
const workerCode = `
const { parentPort } = require("node:worker_threads");
parentPort.on("message", ({ id, pattern, text }) => {
  const matches = new RegExp(pattern, "u").test(new TextDecoder().decode(text));
  parentPort.postMessage({ id, matches });
});`;

/** One thread for all, begun when it is first needed; matches are made one after the other. */
export function createPatternMatcher(
  { timeMs, idleMs }: MatcherLimits = { timeMs: 1_000, idleMs: 60_000 },
): PatternMatcher {
  let helper: { readonly thread: Worker; readonly online: Promise<unknown> } | undefined;
  let idle: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let lastId = 0;

  function stop(): void {
    void helper?.thread.terminate();
    helper = undefined;
  }

  function start() {
    const thread = new Worker(workerCode, {
      eval: true,
      // Nothing of ours is its business.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    // An error ends it, and the end is what is waited for.
    thread.on("error", () => undefined);
    thread.once("exit", () => {
      if (helper?.thread === thread) helper = undefined;
    });
    return { thread, online: once(thread, "online") };
  }

  async function matchNow(pattern: string, text: Uint8Array): Promise<MatchEnd> {
    clearTimeout(idle);
    helper ??= start();
    const { thread, online } = helper;
    thread.ref();
    // The time is for the match, not for starting the thread.
    await online;
    lastId += 1;
    const id = lastId;
    const { promise, resolve } = Promise.withResolvers<MatchEnd>();
    const hear = (answer: Answer): void => {
      if (answer.id === id) resolve(answer.matches ? "match" : "no-match");
    };
    const giveUp = (): void => resolve("too-long");
    const timer = setTimeout(giveUp, timeMs);
    thread.on("message", hear).once("exit", giveUp);
    try {
      thread.postMessage({ id, pattern, text });
      return await promise;
    } finally {
      clearTimeout(timer);
      thread.off("message", hear).off("exit", giveUp);
      // It must not keep a process alive that has nothing else to do.
      thread.unref();
      idle = setTimeout(stop, idleMs).unref();
    }
  }

  return {
    async match(pattern, text, signal) {
      const turn = queue.then(async () => {
        signal.throwIfAborted();
        const end = await matchNow(pattern, text);
        if (end === "too-long") stop();
        return end;
      });
      queue = turn.catch(stop);
      return turn;
    },
  };
}
