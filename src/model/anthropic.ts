import type Anthropic from "@anthropic-ai/sdk";
import { systemClock, type Clock } from "../domain/clock.ts";
import { describeFailure, plainLine, withoutMarkup } from "./failure.ts";
import type { Model, ModelFailure, ModelReply, ModelRequest } from "./port.ts";
import {
  addEvent,
  BadReplyError,
  finishReply,
  startReply,
  usageOf,
  type ReplyDraft,
} from "./reply.ts";
import { startWatch, type CallWatch } from "./watch.ts";

export interface AnthropicModelOptions {
  /** A model id, such as `claude-sonnet-5-5`. */
  readonly model: string;
  /** May be left out when `baseUrl` names an endpoint that wants none. */
  readonly apiKey?: string | undefined;
  /** A Messages-compatible endpoint instead of Anthropic's, without `/v1/messages`. */
  readonly baseUrl?: string | undefined;
  /** The longest silence, before the answer begins and within it. Default a minute. */
  readonly idleTimeoutMs?: number | undefined;
  /** The longest time for the whole reply. Default ten minutes. */
  readonly requestTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const anthropicUrl = "https://api.anthropic.com";
// 128,000 tokens of output, one event each, are a third of this.
const largestAnswerBytes = 64 * 1024 * 1024;

/**
 * A {@link Model} at the Anthropic Messages API or anything that speaks it (vLLM, Ollama, LiteLLM).
 * One attempt per call: retries, budgets and fallbacks belong to who calls it.
 */
export function anthropicModel(options: AnthropicModelOptions): Model {
  const { model, idleTimeoutMs = 60_000, requestTimeoutMs = 600_000 } = options;
  const clock = options.clock ?? systemClock;
  const apiKey = options.apiKey?.trim() || undefined;
  const secrets = apiKey === undefined ? [] : [apiKey];

  return {
    name: model,
    async complete(request, { signal }): Promise<ModelReply> {
      const startedAt = clock.now();
      const draft = startReply();
      let watch: CallWatch | undefined;
      const fail = (failure: ModelFailure): ModelReply => {
        const usage = usageOf(draft);
        return {
          ok: false,
          model: draft.model ?? model,
          failure: { ...failure, message: plainLine(failure.message, secrets) },
          ...(usage ? { usage } : {}),
          durationMs: Math.max(0, clock.now() - startedAt),
        };
      };
      const unusable = unusableKey(apiKey, options.baseUrl);
      if (unusable !== undefined) return fail({ kind: "auth", message: unusable, unbilled: true });
      try {
        // Loaded at the first call, which takes a while that is not the provider's silence.
        const { default: Client } = await import("@anthropic-ai/sdk");
        watch = startWatch({ clock, idleTimeoutMs, requestTimeoutMs, signal });
        const client = openClient(Client, options, apiKey, watch);
        await receive(client, messageBody(model, request), draft, watch);
        const stopped = watch.stopped(draft.opened);
        if (stopped && !draft.stopped) return fail(stopped);
        const read = finishReply(draft);
        if (!read.ok) return fail(read.failure);
        return {
          ok: true,
          model: draft.model ?? model,
          content: read.content,
          stopReason: read.stopReason,
          usage: usageOf(draft) ?? { ...nothingSaid },
          durationMs: Math.max(0, clock.now() - startedAt),
        };
      } catch (error) {
        const context = { now: clock.now(), begun: draft.opened, secrets };
        return fail(watch?.stopped(draft.opened) ?? describeFailure(error, context));
      } finally {
        watch?.end();
      }
    },
  };
}

const nothingSaid = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  partial: true,
} as const;

export function unusableKey(
  apiKey: string | undefined,
  baseUrl: string | undefined,
): string | undefined {
  if (apiKey === undefined) return baseUrl === undefined ? "there is no API key" : undefined;
  return /^[\x21-\x7e]+$/.test(apiKey) ? undefined : "the API key holds characters that no key has";
}

/**
 * The request as it goes over the wire. Keys stand in a fixed order with what grows or varies at the
 * end, so that requests of one conversation begin with the same bytes.
 */
export function messageBody(
  model: string,
  request: ModelRequest,
): Anthropic.MessageCreateParamsStreaming {
  return {
    model,
    ...(request.tools.length > 0 ? { tools: request.tools } : {}),
    ...(request.system.length > 0 ? { system: request.system } : {}),
    messages: request.messages,
    ...(request.toolChoice ? { tool_choice: request.toolChoice } : {}),
    max_tokens: request.maxTokens,
    stream: true,
  };
}

export function openClient(
  Client: typeof Anthropic,
  { baseUrl, requestTimeoutMs }: AnthropicModelOptions,
  apiKey: string | undefined,
  watch: CallWatch,
): Anthropic {
  return new Client({
    // Given here, so that the client looks for neither in the environment nor in files of its own.
    apiKey: apiKey ?? "none",
    baseURL: baseUrl ?? anthropicUrl,
    maxRetries: 0,
    ...(requestTimeoutMs === undefined ? {} : { timeout: requestTimeoutMs }),
    logLevel: "off",
    openTelemetry: false,
    // A redirect would carry the owner's mail to a place that the owner has not named.
    fetch: async (url, init) => watched(await fetch(url, { ...init, redirect: "manual" }), watch),
  });
}

/** The same response with every piece of its body counted. */
function watched(response: Response, watch: CallWatch): Response {
  watch.touch(0);
  if (!response.body) return response;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        watch.touch(chunk.byteLength);
        if (watch.received() > largestAnswerBytes)
          throw new BadReplyError("the answer is too large");
        controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(counted, { status, statusText, headers });
}

async function receive(
  client: Anthropic,
  body: Anthropic.MessageCreateParamsStreaming,
  draft: ReplyDraft,
  watch: CallWatch,
): Promise<void> {
  const { data: events, response } = await client.messages
    .create(body, { signal: watch.signal })
    .withResponse();
  const type = response.headers.get("content-type") ?? "";
  if (!/^text\/event-stream\b/i.test(type)) {
    const said = withoutMarkup((await response.text()).slice(0, 20_000)).slice(0, 300);
    throw new BadReplyError(`the answer is ${type || "of no type"} and not a stream: ${said}`);
  }
  draft.opened = true;
  for await (const event of events) {
    addEvent(draft, event);
    if (draft.stopped) return;
  }
  if (draft.model === undefined && watch.received() > 0 && !watch.signal.aborted) {
    throw new BadReplyError("the stream holds no event of the Messages API");
  }
}
