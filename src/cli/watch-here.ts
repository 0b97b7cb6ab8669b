import { setTimeout } from "node:timers/promises";
import type { ResolvedConfig } from "../config/load.ts";
import { openWatch, type Watch } from "../daemon.ts";
import { isWatchkeeperError } from "../domain/errors.ts";
import { isLocked } from "../store/index.ts";
import { createChronicle } from "./chronicle.ts";
import type { CommandContext } from "./context.ts";
import { openCommandLog } from "./open-log.ts";
import { quoted, wrapLines } from "./text.ts";

/** Without a daemon the command takes the lock and does the work itself. */

/** How long a daemon may take to start, or another command to end, before this one gives up. */
const patienceMs = 20_000;
const retryMs = 200;

/** By the daemon when there is one, else here; whoever comes or goes in between is waited for. */
export async function byDaemonOrHere<Result>(
  stateDir: string,
  ways: { readonly daemon: () => Promise<Result>; readonly here: () => Promise<Result> },
): Promise<Result> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const running = isLocked(stateDir);
    try {
      return await (running ? ways.daemon() : ways.here());
    } catch (error) {
      const passing = running ? isUnreachable(error) : isTaken(error);
      if (!passing || Date.now() > giveUpAt) throw error;
      await setTimeout(retryMs);
    }
  }
}

const isUnreachable = (error: unknown): boolean =>
  isWatchkeeperError(error) && error.code === "DAEMON_UNREACHABLE";

/** Somebody else has taken the state directory in the meantime. */
export const isTaken = (error: unknown): boolean =>
  isWatchkeeperError(error) && error.code === "DAEMON_RUNNING";

/** A watch at rest, for one command. */
export async function openWatchHere(
  context: CommandContext,
  config: ResolvedConfig,
): Promise<Watch> {
  const { out, err, json, stateDir, packageInfo } = context;
  const { log, record } = openCommandLog(context, config);
  const watch = await openWatch({
    config,
    stateDir,
    packageInfo,
    log,
    // Standard output is the command's when a script reads it.
    print: (text) => (json ? err : out).write(wrapLines(text, out.columns, "        ")),
    // Whoever sits here is told by what the command prints.
    observer: createChronicle(record),
    pid: process.pid,
  });
  for (const { name, error } of watch.broken) {
    err.write(`watchkeeper: the skill ${name} is off: ${quoted(error)}\n`);
  }
  return watch;
}
