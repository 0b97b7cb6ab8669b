import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { formatEvent, messageEvents, messageObject, type StreamEvent } from "./message-events.ts";
import { continues, refusedBecause } from "./request-rules.ts";
import {
  fault,
  type RecordedRequest,
  type ReplyMaker,
  type ScriptedReply,
  type StreamEnd,
} from "./scripted-reply.ts";

/** Replies in order, or one function that answers every request. */
export type ModelScript = readonly (ScriptedReply | ReplyMaker)[] | ReplyMaker;

export interface ScriptedModelOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** Refuse every other key with 401. Default: any key will do. */
  readonly apiKey?: string;
}

/** A running scripted model. Close it, or declare it with `await using`. */
export interface ScriptedModel extends AsyncDisposable {
  /** For `ANTHROPIC_BASE_URL` or `baseUrl`. */
  readonly baseUrl: string;
  /** Every request so far, those that were refused or answered with a fault included. */
  readonly requests: readonly RecordedRequest[];
  /**
   * The next request that no earlier call has returned; one that has already come counts. Rejects
   * when the server is closed first.
   */
  nextRequest(): Promise<RecordedRequest>;
  /** The requests, put together where one goes on from another: one group per conversation. */
  conversations(): RecordedRequest[][];
  close(): Promise<void>;
}

/**
 * Starts a server on the loopback interface that speaks the Anthropic Messages API, with and without
 * streaming, and says what the script says. A request that the real API would refuse is refused, and
 * one beyond the end of the script is answered with an error that says so.
 * @example
 * await using model = await startScriptedModel([callTools([{ name: "services_probe", input: { target: "shop" } }]), reportAll("notify")]);
 * process.env.ANTHROPIC_BASE_URL = model.baseUrl;
 */
export async function startScriptedModel(
  script: ModelScript,
  options: ScriptedModelOptions = {},
): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = [];
  const waiting: PromiseWithResolvers<RecordedRequest>[] = [];
  let handedOut = 0;

  const replyTo = async (request: RecordedRequest, index: number): Promise<ScriptedReply> => {
    if (options.apiKey !== undefined && !holdsKey(request, options.apiKey)) {
      return fault.status(401, { message: "invalid x-api-key" });
    }
    const refused = refusedBecause(request.body);
    if (refused !== undefined) return fault.status(400, { message: refused });
    const next = typeof script === "function" ? script : script[index];
    if (next === undefined) {
      return fault.status(400, { message: `the script holds no reply for request ${index + 1}` });
    }
    const reply: unknown = typeof next === "function" ? await next(request, index) : next;
    if (isReply(reply)) return reply;
    const what =
      typeof reply === "function"
        ? "a function where a reply was wanted; a maker such as reportAll(…) stands in the script itself, or is called with the request"
        : "what is no reply";
    return fault.status(400, { message: `the script gave ${what}, for request ${index + 1}` });
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const rawBody = await readText(incoming);
    const path = new URL(incoming.url ?? "/", "http://localhost").pathname;
    if (incoming.method !== "POST" || path !== "/v1/messages") {
      await give(response, fault.status(404, { message: `${incoming.method ?? ""} ${path}` }));
      return;
    }
    const request: RecordedRequest = {
      body: parseBody(rawBody),
      rawBody,
      headers: incoming.headers,
      at: Date.now(),
    };
    const index = requests.push(request) - 1;
    const waiter = waiting.shift();
    if (waiter) {
      handedOut += 1;
      waiter.resolve(request);
    }
    await give(response, await replyTo(request, index), request, index);
  };

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      // A script that throws must fail its test in words, and not as a model that is silent.
      const message = `the script failed: ${error instanceof Error ? error.message : String(error)}`;
      if (response.headersSent || response.destroyed) response.destroy();
      else void give(response, fault.status(400, { message }));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;

  const close = async (): Promise<void> => {
    for (const waiter of waiting.splice(0)) {
      waiter.reject(new Error("the scripted model was closed before another request came"));
    }
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };

  return {
    baseUrl: `http://127.0.0.1:${port}`,
    requests,
    async nextRequest() {
      const ready = requests[handedOut];
      if (ready) {
        handedOut += 1;
        return ready;
      }
      const waiter = Promise.withResolvers<RecordedRequest>();
      waiting.push(waiter);
      return await waiter.promise;
    },
    conversations: () => groupConversations(requests),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Scripts are tests' code, and JavaScript too: what they give is not what its type says. */
const isReply = (reply: unknown): reply is ScriptedReply =>
  typeof reply === "object" && reply !== null && "kind" in reply;

function parseBody(rawBody: string): RecordedRequest["body"] {
  try {
    return JSON.parse(rawBody) as RecordedRequest["body"];
  } catch {
    return { model: "", max_tokens: 0, messages: [] };
  }
}

const holdsKey = ({ headers }: RecordedRequest, apiKey: string): boolean =>
  headers.authorization === `Bearer ${apiKey}` || headers["x-api-key"] === apiKey;

function groupConversations(requests: readonly RecordedRequest[]): RecordedRequest[][] {
  const groups: RecordedRequest[][] = [];
  for (const request of requests) {
    const { messages = [] } = request.body;
    const known = groups.findLast((group) => {
      const last = group.at(-1)?.body.messages ?? [];
      return continues(last, messages);
    });
    if (known) known.push(request);
    else groups.push([request]);
  }
  return groups;
}

async function give(
  response: ServerResponse,
  reply: ScriptedReply,
  request?: RecordedRequest,
  index = 0,
): Promise<void> {
  const context = { id: String(index + 1), model: request?.body.model ?? "" };
  switch (reply.kind) {
    case "hang":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "held":
      await reply.until;
      return give(response, reply.reply, request, index);
    case "body":
      response.writeHead(reply.status, reply.headers).end(reply.body);
      return;
    case "message":
      if (request?.body.stream) sendEvents(response, messageEvents(reply, context));
      else {
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(JSON.stringify(messageObject(reply, context)));
      }
      return;
    case "broken-stream": {
      const events = messageEvents(reply.message, context).slice(0, reply.events);
      sendEvents(response, events, reply.end);
    }
  }
}

function sendEvents(
  response: ServerResponse,
  events: readonly StreamEvent[],
  end: StreamEnd = "end",
): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  for (const event of events) response.write(formatEvent(event));
  if (typeof end === "object") {
    const error = { type: end.errorType, message: `scripted ${end.errorType}` };
    response.end(formatEvent({ type: "error", error }));
  } else if (end === "end") response.end();
  // What was written must have left before the connection breaks.
  else if (end === "destroy") setImmediate(() => response.socket?.destroy());
}
