import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { Command } from "./target.ts";

/** Runs a program for a target, most often one that the owner wrote: the one place of a skill that starts a process. */

export type CommandOutcome =
  | { readonly kind: "ended"; readonly exitCode: number; readonly output: string }
  | { readonly kind: "killed"; readonly signal: string; readonly output: string }
  | { readonly kind: "timed-out"; readonly output: string }
  | { readonly kind: "not-started"; readonly reason: string };

export interface CommandInput {
  readonly command: Command;
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Characters of output that are kept: the beginning, where it says what it does, and the end, where it fails. */
const longestOutput = 4_000;
const keptOfBeginning = 1_000;

/** Between asking the processes to end and ending them. */
const graceMs = 2_000;
/** What a process that has ended still had to say is in the pipe by then. */
const drainMs = 250;

/**
 * Ends when the command ends. At the timeout and when `signal` is aborted, it and every process that
 * it started and that stayed in its group are killed.
 * @throws the signal's reason: then nobody saw how it ended
 */
export async function runCommand(input: CommandInput): Promise<CommandOutcome> {
  const { command, cwd, timeoutMs, signal } = input;
  signal.throwIfAborted();
  const [program, ...args] = command;
  // A group of its own, so that all of it can be killed. No shell: words stay words.
  const child = spawn(program, args, {
    cwd,
    detached: true,
    shell: false,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kept = keepEnds();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", kept.add);
    stream.on("error", () => undefined);
  }
  const ended = Promise.withResolvers<CommandOutcome>();
  const closed = Promise.withResolvers<void>();
  child.once("close", () => closed.resolve());
  child.once("error", ({ message }) => ended.resolve({ kind: "not-started", reason: message }));
  child.once("exit", (exitCode, exitSignal) => {
    // A service that the command leaves behind may hold on to the pipe: wait for the rest, not for it.
    void Promise.race([closed.promise, pause(drainMs)]).then(() => {
      const output = kept.text();
      ended.resolve(
        exitCode === null
          ? { kind: "killed", signal: exitSignal ?? "unknown", output }
          : { kind: "ended", exitCode, output },
      );
    });
  });

  const stopped = Promise.withResolvers<"timed-out" | "aborted">();
  const timer = setTimeout(() => stopped.resolve("timed-out"), timeoutMs);
  const abort = () => stopped.resolve("aborted");
  signal.addEventListener("abort", abort, { once: true });
  try {
    const first = await Promise.race([ended.promise, stopped.promise]);
    if (typeof first !== "string") return first;
    await killGroup(child.pid, ended.promise);
    signal.throwIfAborted();
    return { kind: "timed-out", output: kept.text() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    // Read on and forget: a service that was left behind must not die of a broken pipe.
    for (const stream of [child.stdout, child.stderr]) {
      stream.off("data", kept.add).resume();
      if (stream instanceof Socket) stream.unref();
    }
  }
}

/** Asks first, so that the command can put things in order; then leaves nothing of it. */
async function killGroup(pid: number | undefined, ended: Promise<unknown>): Promise<void> {
  if (pid === undefined) return;
  sendSignal(pid, "SIGTERM");
  const grace = new AbortController();
  await Promise.race([
    ended,
    pause(graceMs, undefined, { signal: grace.signal }).catch(() => undefined),
  ]);
  grace.abort();
  // Also when the first process has ended: the others of its group may not have listened.
  sendSignal(pid, "SIGKILL");
  await ended;
}

function sendSignal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, name);
  } catch {
    // Nobody is left in the group.
  }
}

/** Keeps the beginning and the end of a text that may be of any length. */
function keepEnds() {
  // More than is shown, as control sequences are taken out only then.
  const bound = longestOutput * 4;
  let beginning = "";
  let end = "";
  let left = 0;
  return {
    add: (chunk: string): void => {
      const room = bound - beginning.length;
      beginning += chunk.slice(0, room);
      const rest = end + chunk.slice(Math.max(0, room));
      end = rest.slice(-bound);
      left += rest.length - end.length;
    },
    text: (): string => {
      if (left === 0) return cutMiddle(cleanOutput(beginning + end));
      return cutMiddle(`${cleanOutput(beginning)}\n${cleanOutput(end)}`);
    },
  };
}

function cutMiddle(text: string): string {
  if (text.length <= longestOutput) return text;
  const mark = "\n…\n";
  const start = text.slice(0, keptOfBeginning);
  return `${start}${mark}${text.slice(text.length - (longestOutput - keptOfBeginning - mark.length))}`.toWellFormed();
}

function cleanOutput(text: string): string {
  return stripVTControlCharacters(text.toWellFormed())
    .replace(/\r\n?/g, "\n")
    .replace(/(?![\t\n])[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028-\u202e]/gu, "")
    .trim();
}
