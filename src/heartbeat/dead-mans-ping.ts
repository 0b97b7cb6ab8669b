import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { Scrub } from "../domain/scrub.ts";
import type { Log } from "../telemetry/log.ts";

/**
 * Tells a dead-man's switch outside that beats are completed: when the pings stop, that service tells the
 * owner. Never in a beat's way: one ping is under way at a time, and of what is to be said meanwhile only the
 * last is said after it.
 */
export interface DeadMansPing {
  /** A beat has ended, or could not even be made. */
  beat(how: "completed" | "failed"): void;
  /** Resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

export interface DeadMansPingDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly scrub: Scrub;
  /** Aborted when the daemon stops and waits no longer. */
  readonly signal: AbortSignal;
}

const patienceMs = 10_000;

/** @param url what the service gave; `/fail` is put at the end of its path for a beat that failed */
export function createDeadMansPing(
  url: string,
  { clock, log, scrub, signal }: DeadMansPingDependencies,
): DeadMansPing {
  const urls = { completed: url, failed: failUrl(url) };
  let going: Promise<void> | null = null;
  let next: keyof typeof urls | null = null;
  let failing = false;

  async function ping(how: keyof typeof urls): Promise<void> {
    using abort = linkedAbort(signal);
    void clock
      .sleep(patienceMs, abort.signal)
      .then(() => abort.abort(new Error("no answer in time")));
    try {
      const response = await fetch(urls[how], { signal: abort.signal, redirect: "error" });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the service answered with status ${response.status}`);
      if (failing) log.info({}, "the dead-man's switch is reached again");
      failing = false;
    } catch (error) {
      // Once per outage; the service itself tells the owner of pings that stay away.
      if (!failing && !signal.aborted) {
        const reason = describeError(error, scrub);
        log.warn({ error: reason }, "the dead-man's switch cannot be reached");
      }
      failing = true;
    } finally {
      abort.abort();
    }
  }

  async function go(): Promise<void> {
    while (next !== null && !signal.aborted) {
      const how = next;
      next = null;
      await ping(how);
    }
    going = null;
  }

  return {
    beat(how) {
      next = how;
      going ??= go();
    },
    async ended() {
      await going;
    },
  };
}

function failUrl(url: string): string {
  const failed = new URL(url);
  failed.pathname = `${failed.pathname.replace(/\/$/, "")}/fail`;
  return failed.href;
}
