import type { ResolvedConfig } from "../config/load.ts";
import { createLineScrub, createScrub } from "../domain/scrub.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import { giveToOwner } from "../store/index.ts";
import { guardLog } from "../telemetry/guarded-log.ts";
import { createLog, type Log, type LogDestination, type LogLevel } from "../telemetry/log.ts";
import { openLogFile } from "../telemetry/log-file.ts";
import { levelOf } from "../telemetry/log-line.ts";
import { readableLog } from "../telemetry/readable.ts";
import { isJournal, withSeverity } from "../telemetry/journal-stream.ts";
import type { CommandContext } from "./context.ts";
import { painterFor } from "./text.ts";

/** Where a watch writes its log: to standard error, and to the files that `watchkeeper logs` reads. */

export interface OpenedLog {
  readonly log: Log;
  /** For what a person at the terminal is told in other words: there it goes to the file alone. */
  readonly record: Log;
}

type LogContext = Pick<CommandContext, "err" | "environment" | "stateDir">;

/** For the daemon: the same to both. */
export function openLog(
  context: LogContext,
  level: LogLevel,
  { timezone, secrets }: Pick<ResolvedConfig, "timezone" | "secrets">,
): OpenedLog {
  const shown = standardError(context, timezone);
  const kept = keptLines(context, createLog(level, shown));
  const both: LogDestination = {
    write(line) {
      kept.write(line);
      shown.write(line);
    },
  };
  const log = createLog(level, scrubbed(both, secrets));
  const record = createLog(level, scrubbed(context.err.isTTY ? kept : both, secrets));
  return { log, record: guardLog(record, createScrub(secrets)) };
}

/** For a command that does the daemon's work itself and prints its own result: only errors are shown. */
export function openCommandLog(
  context: LogContext,
  { timezone, secrets }: Pick<ResolvedConfig, "timezone" | "secrets">,
): OpenedLog {
  const shown = standardError(context, timezone);
  const kept = keptLines(context, createLog("error", shown));
  const both: LogDestination = {
    write(line) {
      kept.write(line);
      if (levelOf(line) === "error") shown.write(line);
    },
  };
  const log = createLog("info", scrubbed(both, secrets));
  const record = createLog("info", scrubbed(kept, secrets));
  return { log, record: guardLog(record, createScrub(secrets)) };
}

const keptLines = ({ stateDir }: LogContext, elsewhere: Log): LogDestination =>
  openLogFile({
    stateDir,
    told: (level, what, fields) => elsewhere[level](fields, what),
    // A command of root's must not keep the daemon of somebody else from writing there.
    made: (path) => giveToOwner(path, stateDir),
  });

function standardError({ err, environment }: LogContext, timezone: string): LogDestination {
  const lines: LogDestination = { write: (line) => err.write(line) };
  if (err.isTTY) {
    return readableLog(lines.write, {
      timeOf: (at) => formatTimeOfDay(at, timezone),
      paint: painterFor(err, environment),
    });
  }
  return isJournal(environment.JOURNAL_STREAM, process.stderr.fd) ? withSeverity(lines) : lines;
}

function scrubbed({ write }: LogDestination, secrets: readonly string[]): LogDestination {
  const scrub = createLineScrub(secrets);
  return { write: (line) => write(scrub(line)) };
}
