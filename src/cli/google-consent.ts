import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { oneLine } from "../domain/plain-text.ts";
import { WatchkeeperError } from "../domain/errors.ts";

/** Where the browser comes back to after the owner's yes: a server on this machine, for one answer. */
export interface ConsentListener extends AsyncDisposable {
  readonly redirectUri: string;
  /**
   * The code that Google gives for the owner's yes. Requests that do not bear the state are answered
   * and otherwise ignored: any page in the browser could make one.
   * @throws WatchkeeperError when the owner says no, or nothing in time
   */
  code(state: string, patienceMs: number): Promise<string>;
}

const path = "/oauth2callback";

export async function listenForConsent(): Promise<ConsentListener> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    redirectUri: `http://127.0.0.1:${port}${path}`,
    code: (state, patienceMs) => waitForCode(server, state, patienceMs),
    async [Symbol.asyncDispose]() {
      server.close();
      // The browser keeps its connection open.
      server.closeAllConnections();
    },
  };
}

async function waitForCode(server: Server, state: string, patienceMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(
    () =>
      reject(
        new WatchkeeperError("GOOGLE_NO_CONSENT", "nobody has said yes at Google in time", {
          hint: "Run `watchkeeper auth google` again, and open its address on this machine",
        }),
      ),
    patienceMs,
  );
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method !== "GET" || url.pathname !== path) return page(response, 404, "Not here.");
    if (!isSame(url.searchParams.get("state") ?? "", state)) {
      return page(response, 400, "This is not the answer that Watchkeeper waits for.");
    }
    const code = url.searchParams.get("code");
    if (code !== null && code !== "" && code.length < 2_000) {
      page(response, 200, "Watchkeeper has its login. You can close this window.");
      resolve(code);
      return;
    }
    page(response, 200, "Watchkeeper was not let in. You can close this window.");
    const why = oneLine(url.searchParams.get("error") ?? "no reason given", 100);
    reject(
      new WatchkeeperError("GOOGLE_NO_CONSENT", `Google gives no login: ${why}`, {
        hint: "Run `watchkeeper auth google` again and allow the calendar",
      }),
    );
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}

function page(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    })
    .end(text);
}
