import { spawn, type ChildProcess } from "node:child_process";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { plainText } from "../domain/plain-text.ts";

/**
 * Speaks with a server that is a process of ours, a message a line. Our own, and not the library's: the
 * process gets a group of its own, so that whatever it starts ends with it (`npx` starts the real server).
 */

const largestMessage = 10 * 1024 * 1024;
const keptOfErrors = 2_000;
/** Between closing its input, asking it to end, and ending it. */
const graceMs = 1_500;

export interface StdioOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface StdioTransport extends Transport {
  /** The end of what it wrote to standard error, for whoever asks why it ended. */
  lastWords(): string;
}

export function stdioTransport({ command, cwd, env }: StdioOptions): StdioTransport {
  let child: ChildProcess | undefined;
  let errors = "";
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let closed = false;
  const exited = Promise.withResolvers<void>();

  function receive(transport: StdioTransport, chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]).toString("utf8");
      pending = [];
      pendingBytes = 0;
      rest = rest.subarray(end + 1);
      if (line.trim()) readLine(transport, line);
    }
    if (rest.length === 0) return;
    pending.push(rest);
    pendingBytes += rest.length;
    if (pendingBytes > largestMessage) {
      transport.onerror?.(new Error("a message of more than 10 MB"));
      void transport.close();
    }
  }

  const transport: StdioTransport = {
    async start() {
      const [program = "", ...words] = command;
      const started = spawn(program, words, {
        cwd,
        env: { ...env },
        detached: true,
        stdio: ["pipe", "pipe", "pipe"],
      });
      child = started;
      started.stdout.on("data", (chunk: Buffer) => receive(transport, chunk));
      started.stderr.setEncoding("utf8").on("data", (text: string) => {
        errors = (errors + text).slice(-keptOfErrors);
      });
      for (const stream of [started.stdin, started.stdout, started.stderr]) {
        stream.on("error", () => undefined);
      }
      const running = Promise.withResolvers<void>();
      started.once("spawn", () => running.resolve());
      started.once("error", (error) => {
        running.reject(error);
        exited.resolve();
      });
      started.once("exit", () => {
        exited.resolve();
        // What it started must not outlive it.
        signalGroup(started.pid, "SIGKILL");
        if (!closed) transport.onclose?.();
        closed = true;
      });
      await running.promise;
    },

    async send(message: JSONRPCMessage) {
      const stdin = child?.stdin;
      if (!stdin?.writable) throw new Error("the server has ended");
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
      await promise;
    },

    async close() {
      const running = child;
      if (!running || closed) return;
      closed = true;
      running.stdin?.end();
      // Real time: it is about processes, and the daemon is stopping.
      for (const name of ["SIGTERM", "SIGKILL"] as const) {
        if (await endsWithin(exited.promise, graceMs)) break;
        signalGroup(running.pid, name);
      }
      signalGroup(running.pid, "SIGKILL");
      transport.onclose?.();
    },

    lastWords: () => plainText(errors, keptOfErrors),
  };
  return transport;
}

function readLine(transport: StdioTransport, line: string): void {
  let message: JSONRPCMessage;
  try {
    message = JSON.parse(line) as JSONRPCMessage;
  } catch {
    // Many servers print a greeting.
    return;
  }
  try {
    transport.onmessage?.(message);
  } catch (error) {
    transport.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }
}

async function endsWithin(ended: Promise<void>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([ended.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function signalGroup(pid: number | undefined, name: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // Nobody is left in the group.
  }
}
