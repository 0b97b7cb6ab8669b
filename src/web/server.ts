import { createServer, type Server } from "node:http";
import { once } from "node:events";

/** The listening itself, with bounds on what a slow or greedy client can hold. */

export interface WebLimits {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
  /** How often the bounds are looked at. */
  readonly lookMs: number;
  readonly connections: number;
}

export const usualLimits: WebLimits = {
  headersMs: 10_000,
  requestMs: 15_000,
  idleMs: 20_000,
  lookMs: 1_000,
  connections: 64,
};

const largestHead = 16 * 1024;
const requestsPerConnection = 1_000;
/** How long what is being answered may take when the daemon stops. */
const drainMs = 2_000;

export interface WebServer extends AsyncDisposable {
  readonly server: Server;
}

export function createWebServer({
  headersMs,
  requestMs,
  idleMs,
  lookMs,
  connections,
}: WebLimits): WebServer {
  const server = createServer({
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: Math.min(5_000, idleMs),
    connectionsCheckingInterval: lookMs,
    maxHeaderSize: largestHead,
  });
  server.timeout = idleMs;
  server.maxConnections = connections;
  server.maxRequestsPerSocket = requestsPerConnection;
  return {
    server,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(late);
    },
  };
}
