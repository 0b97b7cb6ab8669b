import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { Place } from "./place.ts";

const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));

/** Somebody at a real pseudo-terminal, who reads what is asked and types. */
export interface Typist extends AsyncDisposable {
  /** Waits until the words stand on the screen, after all that was waited for before. */
  sees(words: string | RegExp): Promise<void>;
  /** Types the keys, as they are. */
  types(keys: string): void;
  /** Waits for a question and answers it, with Enter. */
  answers(question: string | RegExp, text?: string): Promise<void>;
  /** All that was ever on the screen, without colours. */
  readonly screen: () => string;
  readonly ended: Promise<number | null>;
}

export const keys = {
  enter: "\r",
  down: "\u001b[B",
  space: " ",
  interrupt: "\u0003",
  endOfInput: "\u0004",
} as const;

/** Empties what stands in a text field. */
export const erase = "\u0015";

/** `script` of util-linux makes the terminal: Debian has it everywhere. */
export function terminalAvailable(): boolean {
  const { stdout = "" } = spawnSync("script", ["--version"], { encoding: "utf8" });
  const isThere = stdout.includes("util-linux");
  if (!isThere && process.env.WATCHKEEPER_REQUIRE_SERVERS === "1") {
    throw new Error("script of util-linux is missing; apt-get install bsdutils");
  }
  return isThere;
}

const patienceMs = 120_000;

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export function openTerminal(place: Place, ...args: string[]): Typist {
  const command = [process.execPath, bin, ...args].map(quoted).join(" ");
  const child = spawn(
    "script",
    ["-q", "-f", "-e", "-c", `stty cols 100 rows 50; exec ${command}`, "/dev/null"],
    { cwd: place.dir, env: { ...place.environment, TERM: "xterm-256color" }, stdio: "pipe" },
  );
  let raw = "";
  let read = 0;
  let look = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    raw += text;
    look();
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  const screen = () => stripVTControlCharacters(raw);
  const typist: Typist = {
    ended,
    screen,
    async sees(words) {
      const found = Promise.withResolvers<boolean>();
      look = () => {
        const rest = screen().slice(read);
        const at = typeof words === "string" ? rest.indexOf(words) : rest.search(words);
        if (at < 0) return;
        read += at + (typeof words === "string" ? words.length : 1);
        look = () => undefined;
        found.resolve(true);
      };
      look();
      // Only so that a failure shows the screen.
      const late = setTimeout(() => found.resolve(false), patienceMs);
      try {
        if ((await Promise.race([found.promise, ended])) === true) return;
      } finally {
        clearTimeout(late);
      }
      throw new Error(`no ${String(words)} on the screen:\n${screen().slice(read)}`);
    },
    types: (text) => void child.stdin.write(text),
    async answers(question, text = "") {
      await typist.sees(question);
      typist.types(`${text}${keys.enter}`);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
  return typist;
}
