import { once } from "node:events";
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What becomes of one request: it goes through; it is never answered; it is done and the answer lost;
 * it is forbidden.
 */
export type Fate = "pass" | "hang" | "lose-answer" | "forbid";

/** Stands between a client and a real server, to count requests and to break the connection. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Method and path of each request so far. */
  readonly requests: string[];
  /** What becomes of the requests from now on; each waits until that is known. */
  fate: (method: string, path: string) => Fate | Promise<Fate>;
  /** Resolves when a request has met that fate. */
  met(fate: Fate): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const requests: string[] = [];
  const waiting: { fate: Fate; resolve: () => void }[] = [];
  const settle = (fate: Fate): void => {
    for (const one of waiting.splice(0)) {
      if (one.fate === fate) one.resolve();
      else waiting.push(one);
    }
  };
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/" } = incoming;
    requests.push(`${method} ${url}`);
    const fate = await proxy.fate(method, url);
    if (fate === "hang") {
      settle(fate);
      return;
    }
    if (fate === "forbid") {
      incoming.resume();
      outgoing.writeHead(403, { "content-type": "text/plain" }).end("no");
      return;
    }
    const headers = { ...incoming.headers, host: new URL(target).host };
    const asked = forward(new URL(url, target), { method, headers }, (answer: IncomingMessage) => {
      if (fate === "lose-answer") {
        answer.resume().once("end", () => {
          outgoing.destroy();
          settle(fate);
        });
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    asked.once("error", () => outgoing.destroy());
    incoming.pipe(asked);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    fate: () => "pass",
    met: (fate) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ fate, resolve });
      return promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
