import { chmodSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import {
  ConfigError,
  describeError,
  isWatchkeeperError,
  WatchkeeperError,
} from "./domain/errors.ts";

/**
 * `control.sock`: how a command on the same machine reaches the running daemon. HTTP over a unix
 * socket that only the owner may open: `POST /beat`, `POST /undo` and
 * `POST /wake`, `POST /resume`.
 */

export const controlPath = (stateDir: string): string => join(stateDir, "control.sock");

const beatRequest = z.object({ checks: z.array(z.string()).nullable() });
export type BeatRequest = z.output<typeof beatRequest>;

const beatReply = z.object({ beatId: z.int() });
export type BeatReply = z.output<typeof beatReply>;

const undoRequest = z.object({ effectId: z.int().positive() });

const undoReply = z.object({ tool: z.string() });
export type UndoReply = z.output<typeof undoReply>;

export interface ControlHandlers {
  /** One beat now with its run, to the end. Throws ConfigError for an unknown name. */
  beat(request: BeatRequest): Promise<BeatReply>;
  /** Takes an effect back. Throws WatchkeeperError when it cannot be, with the reason. */
  undo(effectId: number): Promise<UndoReply>;
  wake(): void;
  /** The owner has lifted the stop button: what refused the key may be asked again. */
  resume(): void;
}

const largestBody = 64 * 1024;
const patienceMs = 2_000;
/** What the kernel has room for in a socket's address. */
const longestSocketPath = 107;

/** @throws WatchkeeperError when the socket cannot be made; the daemon can go on without it. */
export async function listenForControl(
  stateDir: string,
  handlers: ControlHandlers,
): Promise<AsyncDisposable> {
  const path = controlPath(stateDir);
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new WatchkeeperError("CONTROL_PATH_TOO_LONG", `${path} is too long for a socket`, {
      hint: "Choose a state directory with a shorter path",
    });
  }
  const answering = new Set<Promise<void>>();
  const server = createServer((incoming, outgoing) => {
    const answered = answer(incoming, handlers).then(({ status, body }) => {
      outgoing.writeHead(status, { "content-type": "application/json", connection: "close" });
      outgoing.end(JSON.stringify(body));
    });
    answering.add(answered);
    void answered.finally(() => answering.delete(answered));
  });
  // A run may take minutes; the command waits as long as it takes.
  server.requestTimeout = 0;
  // Node takes the name that it has made away at the end, whoever has it by then: it is given another one.
  const made = join(stateDir, `.cs-${process.pid}`);
  let mark: number;
  try {
    rmSync(made, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(made, resolve);
    });
    chmodSync(made, 0o600);
    mark = statSync(made).ino;
    renameSync(made, path);
  } catch (cause) {
    server.close();
    throw new WatchkeeperError("CONTROL_FAILED", `cannot make ${path}`, {
      cause,
      hint: "See that the state directory belongs to the user that runs watchkeeper",
    });
  }
  return {
    async [Symbol.asyncDispose]() {
      // Another daemon may have its own here, in a directory that was put in the place of ours.
      const isOurs = statSync(path, { throwIfNoEntry: false })?.ino === mark;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Whoever waits for a beat still hears how it ended.
      await Promise.race([Promise.all(answering), setTimeout(patienceMs, null, { ref: false })]);
      await setTimeout(0);
      server.closeAllConnections();
      await closed;
      if (isOurs) rmSync(path, { force: true });
    },
  };
}

async function answer(
  incoming: IncomingMessage,
  handlers: ControlHandlers,
): Promise<{ status: number; body: unknown }> {
  try {
    if (incoming.method === "POST" && incoming.url === "/wake") {
      handlers.wake();
      return { status: 200, body: {} };
    }
    if (incoming.method === "POST" && incoming.url === "/resume") {
      handlers.resume();
      return { status: 200, body: {} };
    }
    if (incoming.method === "POST" && incoming.url === "/beat") {
      const parsed = beatRequest.safeParse(await readJson(incoming));
      if (!parsed.success) return { status: 400, body: { error: "checks must be names or null" } };
      return { status: 200, body: await handlers.beat(parsed.data) };
    }
    if (incoming.method === "POST" && incoming.url === "/undo") {
      const parsed = undoRequest.safeParse(await readJson(incoming));
      if (!parsed.success) return { status: 400, body: { error: "effectId must be an id" } };
      return await undo(parsed.data.effectId, handlers);
    }
    const error = "there is only POST /beat, /resume, /undo and /wake";
    return { status: 404, body: { error } };
  } catch (error) {
    // What the caller got wrong is the caller's to mend.
    return {
      status: error instanceof ConfigError ? 400 : 500,
      body: { error: describeError(error) },
    };
  }
}

/** That it cannot be undone is an answer, not a fault. */
async function undo(
  effectId: number,
  handlers: ControlHandlers,
): Promise<{ status: number; body: unknown }> {
  try {
    return { status: 200, body: await handlers.undo(effectId) };
  } catch (error) {
    if (!isWatchkeeperError(error)) throw error;
    return { status: 409, body: { error: describeError(error) } };
  }
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  let text = "";
  incoming.setEncoding("utf8");
  for await (const chunk of incoming) {
    text += String(chunk);
    if (text.length > largestBody) throw new Error("the request is too large");
  }
  return JSON.parse(text || "{}");
}

/** Asks the daemon for a beat and waits for the end of its run. */
export async function requestBeat(
  stateDir: string,
  checks: BeatRequest["checks"],
): Promise<BeatReply> {
  return beatReply.parse(await post(stateDir, "/beat", { checks }));
}

/** Asks the daemon to take an effect back. @throws WatchkeeperError when it cannot be */
export async function requestUndo(stateDir: string, effectId: number): Promise<UndoReply> {
  return undoReply.parse(await post(stateDir, "/undo", { effectId }));
}

/** Tells a daemon, if one listens, that the owner's word has changed something. */
export async function requestWake(stateDir: string, waitMs = callMs): Promise<void> {
  await post(stateDir, "/wake", {}, AbortSignal.timeout(waitMs)).catch(() => undefined);
}

/** Tells a daemon, if one listens, that the stop button is lifted. */
export async function requestResume(stateDir: string, waitMs = callMs): Promise<void> {
  await post(stateDir, "/resume", {}, AbortSignal.timeout(waitMs)).catch(() => undefined);
}

/** The owner's word is saved by then: a daemon that hangs must not hold up the one who gave it. */
const callMs = 5_000;

function post(
  stateDir: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const unreachable = (cause: unknown): void =>
      reject(
        new WatchkeeperError(
          "DAEMON_UNREACHABLE",
          "the daemon runs but does not answer on control.sock",
          { cause, hint: "Look at its log, or start it again" },
        ),
      );
    const outgoing = request(
      { socketPath: controlPath(stateDir), path, method: "POST", ...(signal && { signal }) },
      (incoming) => {
        readJson(incoming).then((reply) => {
          const message = String((reply as { error?: unknown }).error);
          if (incoming.statusCode === 200) resolve(reply);
          else if (incoming.statusCode === 400) reject(new ConfigError("BEAT_REFUSED", message));
          else if (incoming.statusCode === 409)
            reject(new WatchkeeperError("UNDO_REFUSED", message));
          else
            reject(new WatchkeeperError("BEAT_FAILED", `the daemon could not do it: ${message}`));
        }, unreachable);
      },
    );
    outgoing.on("error", unreachable);
    outgoing.end(JSON.stringify(body));
  });
}
