import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";

/** A command that takes longer hangs. */
const longestMs = 90_000;

/** Somebody's terminal: one bash, so that `cd` and `export` hold for what is typed later. */
export interface Shell extends AsyncDisposable {
  /** @returns what the terminal showed, both streams, without the end of line at its end */
  type(command: string): Promise<string>;
}

export interface Background extends AsyncDisposable {
  /** What was shown up to the line that holds the text. Rejects when it ends before. */
  readonly shown: Promise<string>;
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number | null>;
}

export function openShell(environment: Record<string, string>, folder: string): Shell {
  const bash = spawn("bash", ["--noprofile", "--norc"], { cwd: folder, env: environment });
  let held = "";
  let heard = () => {};
  const closed = once(bash, "close");
  for (const stream of [bash.stdout, bash.stderr]) {
    stream.setEncoding("utf8").on("data", (data: string) => {
      held += data;
      heard();
    });
  }
  return {
    async type(command) {
      const mark = randomUUID();
      bash.stdin.write(`{ ${command}\n} 2>&1 </dev/null; printf '\\n${mark}\\n'\n`);
      const end = new RegExp(`\\n?\\n${mark}\\n`);
      const hasHung = AbortSignal.timeout(longestMs);
      const hung = once(hasHung, "abort");
      for (;;) {
        const found = end.exec(held);
        if (found) {
          const output = held.slice(0, found.index);
          held = held.slice(found.index + found[0].length);
          return output;
        }
        if (bash.exitCode !== null) throw new Error(`bash has ended after: ${command}\n${held}`);
        if (hasHung.aborted) throw new Error(`no end of: ${command}\n${held}`);
        await Promise.race([new Promise<void>((resolve) => (heard = resolve)), closed, hung]);
      }
    },
    async [Symbol.asyncDispose]() {
      bash.stdin.end();
      await closed;
    },
  };
}

/** Runs a command in a second terminal, a real one of 80 columns. */
export function runOn(
  command: string,
  until: string,
  environment: Record<string, string>,
  folder: string,
): Background {
  const typed = `stty cols 80 rows 40 -echo; exec ${command}`;
  const child = spawn("script", ["-qec", typed, "/dev/null"], {
    cwd: folder,
    env: { ...environment, SHELL: "/bin/bash" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let held = "";
  const shown = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (data: string) => {
      held = (held + data).replaceAll("\r\n", "\n");
      const at = held.indexOf(until);
      const end = at < 0 ? -1 : held.indexOf("\n", at);
      if (end >= 0) resolve(held.slice(0, end));
    });
    child.once("close", () => {
      reject(new Error(`${command} has ended before it said "${until}":\n${held}`));
    });
  });
  const interrupt = async () => {
    if (child.exitCode === null && child.signalCode === null) child.stdin.write("\u0003");
    await closed;
    return child.exitCode;
  };
  return {
    shown,
    interrupt,
    async [Symbol.asyncDispose]() {
      await interrupt();
    },
  };
}
