import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { Socket } from "node:net";
import { delimiter, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { SettingsOf } from "../config/channels.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { oneLine } from "../domain/plain-text.ts";
import { createScrub } from "../domain/scrub.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { DeliveryError } from "./delivery-error.ts";
import { deliveryId } from "./delivery-id.ts";
import type { Message } from "./message.ts";
import { messageData } from "./wording.ts";

/**
 * Runs a program of the owner's, without a shell: the message is JSON on its standard input, and the most
 * of it in a few variables. It gets nothing else of our environment.
 */
export function commandChannel(
  settings: SettingsOf<"command">,
  { baseDir, processBasics, clock }: ChannelDependencies,
): Channel {
  const { run, env, timeout } = settings;
  return {
    name: "command",
    repeatable: false,
    patienceMs: timeout,
    async reach() {
      const [program = ""] = run;
      const path = env.PATH ?? processBasics.PATH ?? "";
      const found = programFiles(program, { baseDir, path }).find(isExecutable);
      if (found === undefined) throw notStarted(settings, "there is no such program");
      return `${found} is there`;
    },
    async deliver(message, signal) {
      using deadline = linkedAbort(signal);
      using patience = linkedAbort();
      if (signal.aborted) throw notStarted(settings, "it was stopped");
      const started = start(message, {
        run,
        cwd: baseDir,
        env: { ...processBasics, ...env, ...variablesOf(message) },
      });
      void clock.sleep(timeout, patience.signal).then(() => deadline.abort());
      const aborted = Promise.withResolvers<"aborted">();
      deadline.signal.addEventListener("abort", () => aborted.resolve("aborted"), { once: true });
      try {
        const ended = await Promise.race([started.ended, aborted.promise]);
        if (ended === "aborted") {
          await started.kill();
          throw unknownEnd(settings, signal.aborted ? "it was stopped" : "it took too long");
        }
        judge(ended, settings);
      } finally {
        patience.abort();
        started.leave();
      }
    },
  };
}

/** Where the system would look for it. */
const programFiles = (
  program: string,
  { baseDir, path }: { readonly baseDir: string; readonly path: string },
): string[] =>
  program.includes("/")
    ? [resolve(baseDir, program)]
    : path.split(delimiter).map((folder) => resolve(baseDir, folder, program));

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const variablesOf = (message: Message): Record<string, string> => {
  const { kind, severity, title, body, why } = message;
  const all = {
    WATCHKEEPER_ID: deliveryId(message),
    WATCHKEEPER_KIND: kind,
    WATCHKEEPER_SEVERITY: severity,
    WATCHKEEPER_TITLE: title,
    WATCHKEEPER_BODY: body.slice(0, longestVariable).toWellFormed(),
    WATCHKEEPER_WHY: why,
  };
  // A variable cannot hold a zero.
  return Object.fromEntries(Object.entries(all).map(([name, text]) => [name, withoutZero(text)]));
};

const withoutZero = (text: string): string => text.replaceAll("\0", "");
/** The system allows little more for all variables together. */
const longestVariable = 16_000;

type Ended =
  | { readonly kind: "not-started"; readonly reason: string }
  | { readonly kind: "exited"; readonly code: number; readonly said: string }
  | { readonly kind: "killed"; readonly by: string };

const keptOfErrors = 2_000;
const drainMs = 250;

function start(
  message: Message,
  { run, cwd, env }: { run: readonly string[]; cwd: string; env: Record<string, string> },
) {
  const [program = "", ...words] = run;
  const ended = Promise.withResolvers<Ended>();
  let said = "";
  let child: ChildProcess | undefined;
  try {
    // A group of its own, so that all of it can be killed.
    const process = spawn(program, words, {
      cwd,
      env,
      detached: true,
      stdio: ["pipe", "ignore", "pipe"],
    });
    child = process;
    process.once("error", ({ message: reason }) => ended.resolve({ kind: "not-started", reason }));
    const closed = Promise.withResolvers<void>();
    process.once("close", () => closed.resolve());
    process.once("exit", (code, by) => {
      // What it said last may still be in the pipe, which others may hold on to.
      void Promise.race([closed.promise, pause(drainMs, undefined, { ref: false })]).then(() =>
        ended.resolve(
          code === null
            ? { kind: "killed", by: by ?? "a signal" }
            : { kind: "exited", code, said: oneLine(said, keptOfErrors) },
        ),
      );
    });
    process.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-keptOfErrors);
    });
    // It need not read its input.
    for (const stream of [process.stdin, process.stderr]) stream.on("error", () => undefined);
    process.stdin.end(`${JSON.stringify(messageData(message))}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    ended.resolve({ kind: "not-started", reason });
  }
  return {
    ended: ended.promise,
    async kill() {
      killGroup(child?.pid);
      await ended.promise;
    },
    /** What it has left running may hold on to the pipe: it must not die of us, nor hold us. */
    leave() {
      child?.stdin?.destroy();
      child?.stderr?.removeAllListeners("data").resume();
      if (child?.stderr instanceof Socket) child.stderr.unref();
    },
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}

/** @throws DeliveryError unless it says that all went well */
function judge(ended: Ended, settings: SettingsOf<"command">): void {
  switch (ended.kind) {
    case "not-started":
      throw notStarted(settings, ended.reason);
    case "killed":
      throw unknownEnd(settings, `it was ended by ${ended.by}`);
    case "exited": {
      const { code } = ended;
      if (code === 0) return;
      const said = oneLine(createScrub(Object.values(settings.env))(ended.said), longestWords);
      throw new DeliveryError(
        "CHANNEL_COMMAND_FAILED",
        `command: ${nameOf(settings)} ended with ${[`${code}`, said].filter(Boolean).join(": ")}`,
        { hint: "It counts as not delivered, and is tried again later" },
      );
    }
  }
}

const longestWords = 300;
const nameOf = ({ run: [program = ""] }: SettingsOf<"command">): string => `"${program}"`;

const notStarted = (settings: SettingsOf<"command">, reason: string): DeliveryError =>
  new DeliveryError(
    "CHANNEL_COMMAND_NOT_STARTED",
    `command: cannot start ${nameOf(settings)}: ${reason}`,
    {
      hint: "Correct notify.channels.command.run; relative paths start at the configuration",
    },
  );

const unknownEnd = (settings: SettingsOf<"command">, reason: string): DeliveryError =>
  new DeliveryError(
    "CHANNEL_OUTCOME_UNKNOWN",
    `nobody knows whether command has it: ${nameOf(settings)} had begun, then: ${reason}`,
    { outcome: "unknown", hint: "Look there before you send it again" },
  );
