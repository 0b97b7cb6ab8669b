import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/** MCP servers for tests: a process by hand that can misbehave, and the official one over HTTP. */

/** What the process does; see mcp-stdio.js. */
export interface StdioPlan {
  readonly tools?: readonly object[];
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly hang?: readonly string[];
  readonly greeting?: string;
  readonly crash?: string;
  readonly dieOn?: string;
  readonly pidFile?: string;
  readonly raw?: unknown;
}

export interface StdioServer {
  readonly command: [string, ...string[]];
  /** Changes its mind; it says so to whoever is connected. */
  plan(plan: StdioPlan): void;
}

export function stdioServer(folder: string, first: StdioPlan): StdioServer {
  const file = join(folder, `mcp-plan-${Math.random().toString(36).slice(2)}.json`);
  // Never half written, whenever the process looks.
  const plan = (next: StdioPlan) => {
    writeFileSync(`${file}.next`, JSON.stringify(next));
    renameSync(`${file}.next`, file);
  };
  plan(first);
  return { command: [process.execPath, join(import.meta.dirname, "mcp-stdio.js"), file], plan };
}

export const toolOf = (name: string, description: string, properties: object = {}): object => ({
  name,
  description,
  inputSchema: { type: "object", properties, required: Object.keys(properties) },
});

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly headers: readonly IncomingHttpHeaders[];
}

/**
 * The official server over streamable HTTP, with one tool `add`.
 * @param legacy `reject` for one that speaks only the protocol that begins without `initialize`
 */
export async function httpServer(
  legacy: "stateless" | "reject" = "stateless",
): Promise<HttpServer> {
  const headers: IncomingHttpHeaders[] = [];
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: "sums", version: "1.0.0" });
      server.registerTool(
        "add",
        {
          description: "Add two numbers.",
          inputSchema: z.object({ a: z.number(), b: z.number() }),
        },
        async ({ a, b }) => ({ content: [{ type: "text", text: `The sum is ${a + b}` }] }),
      );
      return server;
    },
    { legacy },
  );
  const server = createServer((request, response) => {
    headers.push(request.headers);
    const { method = "GET", url = "/" } = request;
    const hasBody = !["GET", "HEAD"].includes(method);
    const asked = new Request(new URL(url, "http://127.0.0.1"), {
      method,
      headers: Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ...(hasBody ? { body: Readable.toWeb(request) as ReadableStream, duplex: "half" } : {}),
    });
    void handler.fetch(asked).then(async (answer) => {
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body) for await (const chunk of answer.body) response.write(chunk);
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}
