import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { freePort } from "./free-port.ts";

/** A web server on a loopback port that keeps what it is sent, and fails where it is told to. */
export interface HttpReceiver extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly requests: readonly ReceivedRequest[];
  /** What becomes of the requests from now on: of all, or as it is asked for each. */
  behave(how: Behaviour | ((request: ReceivedRequest) => Behaviour | Promise<Behaviour>)): void;
  /** Nothing listens any more, until it does again on the same port. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  /** Resolves when so many requests are here, whole. */
  arrived(count: number): Promise<void>;
}

export interface ReceivedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/**
 * `cut` ends the connection after the request, `hang` never answers, `half` cuts the answer; `lose` and `stall` do as
 * `cut` and `hang`, but the request has been taken.
 */
export type Behaviour = "answer" | "cut" | "hang" | "half" | "lose" | "stall" | Answer;

export async function startHttpReceiver(
  answer: (request: ReceivedRequest) => Answer = () => ({ status: 200 }),
): Promise<HttpReceiver> {
  const requests: ReceivedRequest[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let behaviour: Parameters<HttpReceiver["behave"]>[0] = "answer";
  const server = createServer((incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    const end = async (): Promise<void> => {
      const request = { method, path, headers, body: Buffer.concat(chunks).toString("utf8") };
      requests.push(request);
      const how = typeof behaviour === "function" ? await behaviour(request) : behaviour;
      if (how === "lose" || how === "stall") answer(request);
      if (how === "cut" || how === "lose") incoming.socket.destroy();
      else if (how === "half") {
        response.writeHead(200, { "Content-Length": "1000" });
        response.write("a beginning", () => incoming.socket.destroy());
      } else if (how !== "hang" && how !== "stall") {
        const { status, headers = {}, body = "" } = how === "answer" ? answer(request) : how;
        response.writeHead(status, headers).end(body);
      }
      for (const { count, resolve } of waiting) if (requests.length >= count) resolve();
    };
    incoming.on("end", () => void end());
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    behave(how) {
      behaviour = how;
    },
    arrived(count) {
      if (requests.length >= count) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    async leave() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
    async comeBack() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export const jsonAnswer = (status: number, body: unknown): Answer => ({
  status,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});
