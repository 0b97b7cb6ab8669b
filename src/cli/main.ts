import { setImmediate as nextTurn } from "node:timers/promises";
import { CommanderError } from "commander";
import { packageInfo } from "../config/package.ts";
import { ConfigProblems } from "../config/problems.ts";
import {
  ConfigError,
  describeError,
  isWatchkeeperError,
  WatchkeeperError,
} from "../domain/errors.ts";
import { createLineScrub, type Scrub } from "../domain/scrub.ts";
import { commandContext, exit, type Terminal } from "./context.ts";
import { buildProgram } from "./program.ts";
import { plural, quoted } from "./text.ts";

/**
 * The command line.
 * @param argv the words after the command's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  let scrub = createLineScrub([]);
  const clean = (text: string) => scrub(text);
  const out = terminal(process.stdout, clean);
  const err = terminal(process.stderr, clean);
  const guard = (secrets: readonly string[]) => void (scrub = createLineScrub(secrets));
  let lost: NodeJS.ErrnoException | undefined;
  outliveClosedStreams((error) => (lost = error));
  const info = packageInfo();
  let code: number = exit.done;
  outliveStrayErrors((words) => {
    if (!keepsWatch.has(program.args[0])) err.write(`watchkeeper: ${quoted(words)}\n`);
  });
  const program = buildProgram({
    version: info.version,
    out,
    err,
    run: (load) => async (options, args) => {
      const action = await load();
      const base = {
        packageInfo: info,
        environment: process.env,
        out,
        err,
        guard,
        cwd: process.cwd(),
      };
      code = await action(commandContext(options, base), ...args);
    },
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    // Node tells a turn later that a write has failed.
    await nextTurn();
    if (lost && code === exit.done && !keepsWatch.has(program.args[0])) throw outputLost(lost);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.done : exit.wrongUse;
    err.write(`${complaint(error, process.env.WATCHKEEPER_DEBUG !== undefined)}\n`);
    return error instanceof ConfigError ? exit.wrongUse : exit.failed;
  }
}

/** To a watch that goes on for months a full disk is a passing thing. */
const keepsWatch = new Set<string | undefined>(["start", "demo"]);

/** A skill may leave a promise behind that nobody waits for. `start` has a log to say so in. */
function outliveStrayErrors(say: (words: string) => void): void {
  process.on("unhandledRejection", (error) =>
    say(`something failed that nobody waited for: ${describeError(error)}`),
  );
  process.on("uncaughtException", (error) => {
    say(`something was thrown that nobody caught: ${describeError(error)}`);
    process.exit(exit.failed);
  });
}

const outputLost = (cause: NodeJS.ErrnoException): WatchkeeperError =>
  new WatchkeeperError("OUTPUT_LOST", "not everything that was to be printed could be written", {
    cause,
    hint: "See that the place it goes to has room; whatever the command does is done",
  });

/** What went wrong in one line; in several where a config has several mistakes. */
function complaint(error: unknown, debug: boolean): string {
  if (error instanceof ConfigProblems && error.problems.length > 1) {
    const count = plural(error.problems.length, "problem");
    return [
      `watchkeeper: ${error.file}: ${count}`,
      ...error.problems.map((line) => `  ${line}`),
    ].join("\n");
  }
  const line = `watchkeeper: ${quoted(describeError(error))}`;
  if (isWatchkeeperError(error)) return line;
  const trace = error instanceof Error && debug ? error.stack : undefined;
  return `${line}. This looks like a fault of ours; ${trace ? `here is where:\n${trace}` : "WATCHKEEPER_DEBUG=1 shows where"}`;
}

function terminal(stream: NodeJS.WriteStream, clean: Scrub): Terminal {
  return {
    isTTY: stream.isTTY === true,
    columns: stream.isTTY ? Math.max(60, stream.columns) : 80,
    get isClosed() {
      return unwritable.has(stream);
    },
    write(text) {
      // A full disk or a closed pipe must not end a watch.
      if (!unwritable.has(stream)) stream.write(clean(text));
    },
  };
}

const unwritable = new WeakSet<NodeJS.WriteStream>();

/** `watchkeeper beats | head` ends without a word, and a daemon outlives the terminal it was started in. */
function outliveClosedStreams(onLost: (error: NodeJS.ErrnoException) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // What has no reader will have none; a full disk may have room again.
      if (error.code === "EPIPE") unwritable.add(stream);
      else if (stream === process.stdout) onLost(error);
    });
  }
}
