import { CommanderError } from "commander";
import { packageInfo } from "../config/package.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import { commandContext, exit, type Terminal } from "./context.ts";
import { buildProgram } from "./program.ts";

/**
 * The command line.
 * @param argv the words after the command's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  const out = terminal(process.stdout);
  const err = terminal(process.stderr);
  ignoreClosedPipes();
  const info = packageInfo();
  let code: number = exit.done;
  const program = buildProgram({
    version: info.version,
    out,
    err,
    run: (load) => async (options, args) => {
      const action = await load();
      const base = { packageInfo: info, environment: process.env, out, err, cwd: process.cwd() };
      code = await action(commandContext(options, base), ...args);
    },
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.done : exit.wrongUse;
    err.write(`watchkeeper: ${describeError(error)}\n`);
    if (!isWatchkeeperError(error)) {
      if (process.env.WATCHKEEPER_DEBUG) err.write(`${String((error as Error).stack)}\n`);
      else err.write("This looks like a fault of ours. WATCHKEEPER_DEBUG=1 shows where it happened.\n");
      return exit.failed;
    }
    return error.name === "ConfigError" ? exit.wrongUse : exit.failed;
  }
}

function terminal(stream: NodeJS.WriteStream): Terminal {
  return {
    isTTY: stream.isTTY === true,
    columns: stream.isTTY ? Math.max(60, stream.columns) : 80,
    write: (text) => void stream.write(text),
  };
}

/** `watchkeeper beats | head` must end without a word. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}
