import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Assignments } from "../../telemetry/service-manager.ts";

/**
 * The socket on which systemd is told of the daemon. Node cannot send datagrams to such a socket itself, so
 * systemd's own `systemd-notify` does.
 */
export interface NotifySocket {
  /** How long the watchdog waits for a word; null when none watches this process. */
  readonly watchdogMs: number | null;
  /** @throws Error when systemd cannot be told */
  readonly send: (assignments: Assignments) => Promise<void>;
}

/** It takes milliseconds; a system that takes longer is about to bite anyway. */
const patienceMs = 5_000;

/**
 * Takes the socket out of the environment, so that no process of ours inherits it: what a tool starts must
 * not be able to keep a dead watch alive.
 * @returns undefined when no service manager has started this process
 */
export function takeNotifySocket(
  environment: NodeJS.ProcessEnv,
  pid: number,
): NotifySocket | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, PATH } = environment;
  delete environment.NOTIFY_SOCKET;
  delete environment.WATCHDOG_USEC;
  delete environment.WATCHDOG_PID;
  if (!NOTIFY_SOCKET) return undefined;
  return {
    watchdogMs: watchdogMs(WATCHDOG_USEC, WATCHDOG_PID, pid),
    async send(assignments) {
      const words = Object.entries(assignments).map(([name, value]) => `${name}=${value}`);
      await promisify(execFile)("systemd-notify", words, {
        env: { PATH, NOTIFY_SOCKET },
        timeout: patienceMs,
        killSignal: "SIGKILL",
      });
    },
  };
}

function watchdogMs(
  microseconds: string | undefined,
  watched: string | undefined,
  pid: number,
): number | null {
  const ms = Number(microseconds) / 1_000;
  if (!(ms > 0) || !Number.isFinite(ms)) return null;
  return watched === undefined || Number(watched) === pid ? ms : null;
}
