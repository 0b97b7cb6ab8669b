import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

const secondMs = 1_000;
const firstOutage = { fromMs: 10 * secondMs, toMs: 25 * secondMs };
const periodMs = 240 * secondMs;
const laterOutageMs = 30 * secondMs;

/**
 * Whether the demo shop answers, so long after its start: away from 10 s to 25 s, and then for the
 * last 30 s of every four minutes.
 */
export function shopIsUp(elapsedMs: number): boolean {
  if (elapsedMs < firstOutage.toMs) return elapsedMs < firstOutage.fromMs;
  return (elapsedMs - firstOutage.toMs) % periodMs < periodMs - laterOutageMs;
}

export interface DemoServicesOptions {
  /** On 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Milliseconds on any clock that does not go back. */
  readonly now?: () => number;
  readonly schedule?: (elapsedMs: number) => boolean;
}

/** Ends what was started; nothing when it was not. */
export type DemoServices = AsyncDisposable &
  (
    | { readonly started: true; readonly port: number; readonly url: string }
    | { readonly started: false; readonly port: number; readonly reason: string }
  );

/**
 * A tiny web server that a demo can watch: `/shop` goes down and comes back, `/backup` answers but
 * tells of an old backup. It does not keep the process alive, and never throws: a port that is
 * taken is a value with the reason.
 */
export async function startDemoServices({
  port,
  now = () => performance.now(),
  schedule = shopIsUp,
}: DemoServicesOptions): Promise<DemoServices> {
  const startedAt = now();
  const server = createServer(answers(() => schedule(now() - startedAt)));
  server.on("connection", (socket) => socket.unref());
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  server.on("error", resolve);
  try {
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  } catch (error) {
    // A number that is no port is thrown and not emitted.
    resolve(error instanceof Error ? error : new Error("unknown", { cause: error }));
  }
  const problem = await promise;
  if (problem) {
    const reason = describeProblem(problem, port);
    return { started: false, port, reason, async [Symbol.asyncDispose]() {} };
  }
  server.unref();
  const bound = (server.address() as AddressInfo).port;
  return {
    started: true,
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

/** The demo's usual port, or any free one when that is taken. */
export async function freeDemoPort(): Promise<number> {
  await using usual = await startDemoServices({ port: usualPort });
  if (usual.started) return usual.port;
  await using other = await startDemoServices({ port: 0 });
  return other.port;
}

const usualPort = 7399;

function answers(isUp: () => boolean): RequestListener {
  return ({ url }, response) => {
    const path = url?.split("?")[0];
    const [status, text] =
      path === "/backup"
        ? [200, "backup: stale\nlast complete backup 3 days ago\n"]
        : path !== "/shop"
          ? [404, "not found\n"]
          : isUp()
            ? [200, "ok\n"]
            : [503, "down for a moment\n"];
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
  };
}

function describeProblem(error: Error, port: number): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === "EADDRINUSE") return `port ${port} is taken by another program`;
  if (code === "EACCES") return `port ${port} needs more rights than this process has`;
  return `port ${port} cannot be listened on (${code ?? error.message})`;
}
