import type { JsonSchemaValidator, Transport } from "@modelcontextprotocol/client";
import { describeError } from "../domain/errors.ts";
import type { ServerSettings } from "./settings.ts";

/** One connection to one server. It cannot be mended: when it ends, a new one is made. */
export interface Connection {
  /** Settles when the connection has ended, with the reason. */
  readonly ended: Promise<string>;
  /** What it says of its tools, unchecked. */
  listTools(signal: AbortSignal): Promise<readonly unknown[]>;
  /** What it answered, unchecked. */
  callTool(
    name: string,
    input: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<{ readonly [key: string]: unknown }>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly version: string;
  /** `legacy` begins with `initialize`; `auto` asks first which protocol the server speaks. */
  readonly mode: "legacy" | "auto";
  readonly signal: AbortSignal;
  /** The server says that its tools are others now. */
  readonly toolsChanged: () => void;
}

/** Ours ends sooner; the library's would be on its own clock. */
const endlessMs = 24 * 60 * 60_000;
const mostPages = 20;

/** @throws Error with the server's last words when it cannot be reached or does not speak the protocol */
export async function connect(
  settings: ServerSettings,
  { version, mode, signal, toolsChanged }: ConnectOptions,
): Promise<Connection> {
  // Loaded when the first server is configured: a watch without one does not pay for it.
  const { Client } = await import("@modelcontextprotocol/client");
  const { transport, lastWords } = await openTransport(settings);
  const client = new Client(
    { name: "watchkeeper", version },
    {
      versionNegotiation: { mode },
      listMaxPages: mostPages,
      defaultCacheTtlMs: 0,
      // Output schemas are not checked: results are text for the agent, untrusted anyway.
      jsonSchemaValidator: { getValidator: anything },
      listChanged: {
        tools: { autoRefresh: false, debounceMs: 0, onChanged: () => toolsChanged() },
      },
    },
  );
  const ended = Promise.withResolvers<string>();
  let lastError = "";
  client.onerror = (error) => (lastError = describeError(error));
  client.onclose = () => ended.resolve(lastWords() || lastError || "the server has ended");
  const options = { signal, timeout: endlessMs, maxTotalTimeout: endlessMs };
  // The signal of the handshake does not reach a transport that never starts.
  const abort = () => void transport.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await client.connect(transport, options);
  } catch (error) {
    await transport.close().catch(() => undefined);
    const words = lastWords();
    throw words ? new Error(`${describeError(error)}: ${words}`, { cause: error }) : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  return {
    ended: ended.promise,
    async listTools(listing) {
      const { tools } = await client.listTools(undefined, {
        ...options,
        signal: listing,
        cacheMode: "refresh",
      });
      return tools;
    },
    async callTool(name, input, calling) {
      return client.callTool({ name, arguments: input }, { ...options, signal: calling });
    },
    async close() {
      await client.close().catch(() => undefined);
    },
  };
}

const anything =
  <T>(): JsonSchemaValidator<T> =>
  (data) => ({ valid: true, data: data as T, errorMessage: undefined });

async function openTransport(
  settings: ServerSettings,
): Promise<{ transport: Transport; lastWords: () => string }> {
  if (settings.kind === "stdio") {
    const { stdioTransport } = await import("./stdio-transport.ts");
    const transport = stdioTransport(settings);
    return { transport, lastWords: () => transport.lastWords() };
  }
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const transport = new StreamableHTTPClientTransport(new URL(settings.url), {
    requestInit: { headers: { ...settings.headers } },
  });
  return { transport, lastWords: () => "" };
}
