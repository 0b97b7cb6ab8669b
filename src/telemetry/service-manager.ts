import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { Log } from "./log.ts";

/**
 * Tells a service manager that the watch is up and goes on. What feeds its watchdog are turns of the heartbeat
 * that have come to their end, and nothing else: a loop that hangs or a beat that never ends starves it, and
 * the daemon is started again.
 */
export interface ServiceManager {
  /** A turn of the heartbeat has come to its end. */
  turned(turn: { readonly lastBeatAt: number | null; readonly failing: number }): void;
  /** The daemon was asked to stop. */
  stopping(): void;
  /** Resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

/** `READY`, `WATCHDOG`, `STATUS` and so on, as systemd's sd_notify(3) has them. */
export type Assignments = Readonly<Record<string, string>>;

export interface ServiceManagerDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly timezone: string;
  /** How long the watchdog waits for a word; null when none watches this process. */
  readonly watchdogMs: number | null;
  /** Tells the manager; rejects when it cannot be told. */
  readonly send: (assignments: Assignments) => Promise<void>;
}

const gapWithoutWatchdogMs = 30_000;

export function createServiceManager({
  clock,
  log,
  timezone,
  watchdogMs,
  send,
}: ServiceManagerDependencies): ServiceManager {
  // Each word costs a process: four in the time that the watchdog waits are enough.
  const gapMs = watchdogMs === null ? gapWithoutWatchdogMs : watchdogMs / 4;
  let told: number | null = null;
  let isReady = false;
  let isStopping = false;
  let failed = false;
  let next: Assignments | null = null;
  let going: Promise<void> | null = null;

  async function tell(assignments: Assignments): Promise<void> {
    try {
      await send(assignments);
      if (assignments.READY) isReady = true;
    } catch (error) {
      told = null;
      if (!failed) log.warn({ error: describeError(error) }, "the service manager cannot be told");
      failed = true;
    }
  }

  async function go(): Promise<void> {
    while (next !== null) {
      const assignments = next;
      next = null;
      await tell(assignments);
    }
    going = null;
  }

  function say(assignments: Assignments): void {
    next = { ...next, ...assignments };
    going ??= go();
  }

  return {
    turned(turn) {
      const now = clock.now();
      // A clock that was set back must not starve the watchdog.
      const isEarly = told !== null && now >= told && now - told < gapMs;
      if (isStopping || isEarly) return;
      told = now;
      say({
        ...(isReady ? {} : { READY: "1" }),
        ...(watchdogMs === null ? {} : { WATCHDOG: "1" }),
        STATUS: statusOf(turn, timezone),
      });
    },
    stopping() {
      isStopping = true;
      say({ STOPPING: "1", STATUS: "stopping" });
    },
    async ended() {
      await going;
    },
  };
}

function statusOf(
  { lastBeatAt, failing }: Parameters<ServiceManager["turned"]>[0],
  timezone: string,
): string {
  const beat =
    lastBeatAt === null
      ? "no beat yet"
      : `last beat ${formatTimeOfDay(lastBeatAt, timezone)} (${timezone})`;
  return `${beat}, ${failing === 0 ? "no check fails" : `failing checks: ${failing}`}`;
}
