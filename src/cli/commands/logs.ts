import { systemClock } from "../../domain/clock.ts";
import { describeError, StoreError, WatchkeeperError } from "../../domain/errors.ts";
import { formatLogTime } from "../../domain/zoned-time.ts";
import { hasDatabase } from "../../store/database.ts";
import { logFile } from "../../telemetry/log-file.ts";
import {
  isChosen,
  readLogLine,
  type LineChoice,
  type LineLevel,
  type LogLine,
} from "../../telemetry/log-line.ts";
import { openLogTail, type LogTail } from "../../telemetry/log-tail.ts";
import { readableLine } from "../../telemetry/readable.ts";
import {
  exit,
  parseDurationOption,
  parseLimit,
  readStore,
  type CommandContext,
} from "../context.ts";
import { ownersZone } from "../owners-zone.ts";
import { painterFor, plural } from "../text.ts";

/** How soon a new line is seen; looking at a file's size costs nothing, and works on any file system. */
const lookEveryMs = 250;
const usualLimit = 100;

interface LogsOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly level: LineLevel;
  readonly limit?: string;
}

export async function logs(context: CommandContext, options: LogsOptions): Promise<number> {
  const { out, err, json, stateDir } = context;
  const now = Date.now();
  const since = options.since === undefined ? undefined : now - parseDurationOption(options.since);
  const limit = options.limit === undefined ? undefined : parseLimit(options.limit);
  const choice: LineChoice = { since, leastLevel: options.level };
  using tail = openTail(stateDir);
  const written = readTail(tail, stateDir);
  const print = await printer(context, now);
  const { chosen, strange } = choose(written, choice);
  // With --since the time is the bound.
  const atMost = limit ?? (since === undefined ? usualLimit : Infinity);
  const shown = atMost < chosen.length ? chosen.slice(-atMost) : chosen;
  if (options.follow) {
    shown.forEach(print);
    await follow(context, tail, (lines) => choose(lines, choice).chosen.forEach(print));
  } else if (json) out.write(`${JSON.stringify(shown.map(lineView), null, 2)}\n`);
  else {
    shown.forEach(print);
    if (shown.length === 0) out.write("Nothing of that kind was logged.\n");
  }
  if (strange > 0) {
    err.write(`watchkeeper: ${plural(strange, "line")} in the log could not be read\n`);
  }
  return exit.done;
}

function openTail(stateDir: string): LogTail {
  const tail = openLogTail(stateDir);
  const exists = readable(stateDir, () => tail.exists());
  if (exists) return tail;
  if (readable(stateDir, () => hasDatabase(stateDir))) {
    throw new WatchkeeperError("LOG_MISSING", `nothing has been logged in ${stateDir} yet`, {
      hint: "A beat that finds nothing new logs nothing; `watchkeeper beats` shows that it was, and a daemon's start is logged",
    });
  }
  throw new WatchkeeperError("LOG_MISSING", `there is no log in ${stateDir} yet`, {
    hint: "Start the daemon with `watchkeeper start`, or name its directory with --state DIR",
  });
}

const readTail = (tail: LogTail, stateDir: string) => readable(stateDir, () => tail.read());

function readable<Result>(stateDir: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const cause = describeError(error);
    throw new StoreError("LOG_UNREADABLE", `${logFile(stateDir)} cannot be read: ${cause}`, {
      hint: "Call the command as the user that the daemon runs as",
    });
  }
}

function choose(texts: readonly string[], choice: LineChoice) {
  const lines = texts.filter((text) => text !== "").map(readLogLine);
  const known = lines.filter((line) => line !== undefined);
  const chosen = known.filter((line) => isChosen(line, choice));
  return { chosen, strange: lines.length - known.length };
}

async function printer(context: CommandContext, now: number): Promise<(line: LogLine) => void> {
  const { out, environment, json } = context;
  if (json) return (line) => out.write(`${JSON.stringify(lineView(line))}\n`);
  const timezone = await zoneOf(context);
  const timeOf = (at: number) => formatLogTime(at, now, timezone);
  const paint = painterFor(out, environment);
  return (line) => out.write(readableLine(line, { timeOf, paint }));
}

/** The log is there to be read also when the database is what is wrong. */
async function zoneOf(context: CommandContext): Promise<string> {
  try {
    await using store = readStore(context);
    return await ownersZone(store);
  } catch {
    return ownersZone(undefined);
  }
}

/** As it stands in the file. */
const lineView = ({ level, time, message, fields }: LogLine) => ({
  level,
  time: new Date(time).toISOString(),
  ...fields,
  msg: message,
});

/** Until Ctrl-C, or until nobody reads what is printed. */
async function follow(
  { out, stateDir }: CommandContext,
  tail: LogTail,
  print: (lines: readonly string[]) => void,
): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    while (!ended.signal.aborted && !out.isClosed) {
      print(readTail(tail, stateDir));
      await systemClock.sleep(lookEveryMs, ended.signal);
    }
  } finally {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
  }
}
