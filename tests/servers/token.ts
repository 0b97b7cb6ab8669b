import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A token endpoint (RFC 6749) on a loopback port, and the endpoint at which a mail server asks of tokens. */
export interface TokenServer {
  readonly tokenUrl: string;
  /** To which a token is appended. */
  readonly tokenInfoUrl: string;
  /** Tokens that were given out. */
  readonly given: string[];
  /** Refresh tokens that are taken; each is good for one time and gives the next one. */
  refreshToken: string | undefined;
  /** How often it was asked with another one. */
  refused: number;
  /** Whether it gives a new refresh token each time; else the first stays good. Default true. */
  rotates: boolean;
  /** Seconds for which the refresh token lives, if it says so. */
  refreshEndsIn: number | undefined;
  /** Whether an access token is good. */
  accepts(token: string): boolean;
  /** Takes all access tokens back. */
  revoke(): void;
  stop(): Promise<void>;
}

export async function startTokenServer(user: string): Promise<TokenServer> {
  const valid = new Set<string>();
  let count = 0;
  const server = createServer((request, response) => {
    const reply = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/info") {
      const token = url.searchParams.get("token") ?? "";
      return valid.has(token) ? reply(200, { username: user }) : reply(401, { error: "invalid" });
    }
    void bodyOf(request).then((body) => {
      const form = new URLSearchParams(body);
      if (form.get("grant_type") !== "refresh_token" || form.get("client_id") !== "client")
        return reply(400, { error: "invalid_request" });
      const given = form.get("refresh_token");
      if (given === null || given !== tokens.refreshToken) {
        tokens.refused += 1;
        return reply(400, { error: "invalid_grant", error_description: `${given} was revoked` });
      }
      count += 1;
      const token = `access-${count}`;
      valid.add(token);
      tokens.given.push(token);
      if (tokens.rotates) tokens.refreshToken = `refresh-${count}`;
      const ends = tokens.refreshEndsIn;
      reply(200, {
        access_token: token,
        token_type: "Bearer",
        expires_in: 3_600,
        ...(tokens.rotates && { refresh_token: tokens.refreshToken }),
        ...(ends !== undefined && { refresh_token_expires_in: ends }),
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tokens: TokenServer = {
    tokenUrl: `${base}/token`,
    tokenInfoUrl: `${base}/info?token=`,
    given: [],
    refreshToken: "refresh-0",
    refused: 0,
    rotates: true,
    refreshEndsIn: undefined,
    accepts: (token) => valid.has(token),
    revoke: () => valid.clear(),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return tokens;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
}
