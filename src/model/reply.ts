import { z } from "zod";
import type { ContentBlock, ModelFailure, ModelStopReason, ModelUsage } from "./port.ts";

/**
 * Reads the events of one streamed reply. Nothing of it counts before `message_stop`: a reply that
 * was cut can look whole, and half a tool call can parse.
 */

/** The stream broke the protocol: what it holds must not be used. */
export class BadReplyError extends Error {}

interface Block {
  readonly value: Record<string, unknown> & { readonly type: string };
  json: string;
  closed: boolean;
}

/** A reply as far as it has come. */
export interface ReplyDraft {
  /** Whether the provider has begun to stream, be it without an event so far. */
  opened: boolean;
  model: string | undefined;
  readonly blocks: Map<number, Block>;
  stopReason: string | undefined;
  stopExplanation: string | undefined;
  stopped: boolean;
  inputKnown: boolean;
  outputKnown: boolean;
  usage: {
    input: number;
    output: number;
    cacheRead: number;
    cacheWrite: number;
    cacheHour: number;
  };
}

/** How a finished stream is to be taken. */
export type ReadReply =
  | {
      readonly ok: true;
      readonly content: ContentBlock[];
      readonly stopReason: ModelStopReason;
    }
  | { readonly ok: false; readonly failure: ModelFailure };

const count = z.number().int().nonnegative().nullish().catch(undefined);
const usageShape = z
  .object({
    input_tokens: count,
    output_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    cache_creation: z.object({ ephemeral_1h_input_tokens: count }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined);
type Usage = z.infer<typeof usageShape>;

const index = z.number().int().nonnegative();
const typed = z.looseObject({ type: z.string() });
const eventShape = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("message_start"),
    message: z.object({ model: z.string().max(200), usage: usageShape }),
  }),
  z.object({ type: z.literal("content_block_start"), index, content_block: typed }),
  z.object({ type: z.literal("content_block_delta"), index, delta: typed }),
  z.object({ type: z.literal("content_block_stop"), index }),
  z.object({
    type: z.literal("message_delta"),
    delta: z.object({
      stop_reason: z.string().nullish(),
      stop_details: z.object({ explanation: z.string().nullish() }).nullish().catch(undefined),
    }),
    usage: usageShape,
  }),
  z.object({ type: z.literal("message_stop") }),
]);
const knownTypes = new Set<unknown>(eventShape.options.map((option) => option.shape.type.value));

export const startReply = (): ReplyDraft => ({
  opened: false,
  model: undefined,
  blocks: new Map(),
  stopReason: undefined,
  stopExplanation: undefined,
  stopped: false,
  inputKnown: false,
  outputKnown: false,
  usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheHour: 0 },
});

/** Adds one event to the draft. @throws BadReplyError when the event breaks the protocol. */
export function addEvent(draft: ReplyDraft, raw: unknown): void {
  const type = typeof raw === "object" && raw !== null && "type" in raw ? raw.type : undefined;
  // The API may add kinds of events: what we do not know is not ours to judge.
  if (typeof type === "string" && !knownTypes.has(type)) return;
  const parsed = eventShape.safeParse(raw);
  if (!parsed.success) {
    throw new BadReplyError(`the event ${JSON.stringify(type) ?? "without a type"} is malformed`);
  }
  const event = parsed.data;
  if (event.type === "message_start") {
    if (draft.model !== undefined) throw new BadReplyError("the stream starts a second message");
    draft.model = event.message.model;
    addUsage(draft, event.message.usage);
    return;
  }
  if (draft.model === undefined) throw new BadReplyError(`${event.type} came before message_start`);
  switch (event.type) {
    case "content_block_start":
      if (draft.blocks.has(event.index)) throw new BadReplyError("two blocks have the same index");
      draft.blocks.set(event.index, { value: event.content_block, json: "", closed: false });
      return;
    case "content_block_delta":
      addDelta(openBlock(draft, event.index), event.delta);
      return;
    case "content_block_stop":
      openBlock(draft, event.index).closed = true;
      return;
    case "message_delta":
      draft.stopReason = event.delta.stop_reason ?? draft.stopReason;
      draft.stopExplanation = event.delta.stop_details?.explanation ?? draft.stopExplanation;
      addUsage(draft, event.usage);
      if (typeof event.usage?.output_tokens === "number") draft.outputKnown = true;
      return;
    case "message_stop":
      draft.stopped = true;
  }
}

function openBlock(draft: ReplyDraft, at: number): Block {
  const block = draft.blocks.get(at);
  if (!block || block.closed) throw new BadReplyError("a delta belongs to no open block");
  return block;
}

function addDelta(block: Block, delta: Record<string, unknown> & { readonly type: string }): void {
  const append = (field: string, piece: unknown): void => {
    const before = block.value[field] ?? "";
    if (typeof piece !== "string" || typeof before !== "string") {
      throw new BadReplyError(`${delta.type} does not fit a block of type ${block.value.type}`);
    }
    block.value[field] = before + piece;
  };
  if (delta.type === "text_delta") append("text", delta["text"]);
  else if (delta.type === "thinking_delta") append("thinking", delta["thinking"]);
  else if (delta.type === "signature_delta") append("signature", delta["signature"]);
  else if (delta.type === "input_json_delta") {
    if (typeof delta["partial_json"] !== "string") {
      throw new BadReplyError("input_json_delta holds no text");
    }
    block.json += delta["partial_json"];
  } else if (delta.type === "citations_delta") {
    const before: unknown = block.value["citations"];
    const known: unknown[] = Array.isArray(before) ? before : [];
    block.value["citations"] = [...known, delta["citation"]];
  }
}

// The counts are running totals, and not every endpoint repeats in the end what it said at the start.
function addUsage(draft: ReplyDraft, said: Usage): void {
  if (!said) return;
  const { usage } = draft;
  if (typeof said.input_tokens === "number") draft.inputKnown = true;
  usage.input = Math.max(usage.input, said.input_tokens ?? 0);
  usage.output = Math.max(usage.output, said.output_tokens ?? 0);
  usage.cacheRead = Math.max(usage.cacheRead, said.cache_read_input_tokens ?? 0);
  usage.cacheWrite = Math.max(usage.cacheWrite, said.cache_creation_input_tokens ?? 0);
  usage.cacheHour = Math.max(usage.cacheHour, said.cache_creation?.ephemeral_1h_input_tokens ?? 0);
}

/** What the provider has said so far of what this call used; undefined when it said nothing. */
export function usageOf(draft: ReplyDraft): ModelUsage | undefined {
  if (!draft.inputKnown && !draft.outputKnown) return undefined;
  const { input, output, cacheRead, cacheWrite, cacheHour } = draft.usage;
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: Math.max(cacheWrite, cacheHour),
    ...(cacheHour > 0 ? { cacheWriteHourTokens: cacheHour } : {}),
    ...(draft.inputKnown && draft.outputKnown ? {} : { partial: true as const }),
  };
}

const completeReasons: ReadonlySet<string> = new Set<ModelStopReason>([
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "pause_turn",
]);
const isCompleteReason = (reason: string): reason is ModelStopReason => completeReasons.has(reason);

/** Judges a stream that has ended. @throws BadReplyError when what it holds is not a valid reply. */
export function finishReply(draft: ReplyDraft): ReadReply {
  if (draft.model === undefined || !draft.stopped) {
    return failed("cut", "the reply ended before it was complete");
  }
  const reason = draft.stopReason;
  if (reason === undefined) throw new BadReplyError("the reply does not say why it stopped");
  if (reason === "refusal") {
    const why = draft.stopExplanation ? `: ${draft.stopExplanation}` : "";
    return failed("refusal", `the model declined to answer${why}`);
  }
  if (reason === "model_context_window_exceeded") {
    return failed("too-long", "the conversation does not fit the model's context window");
  }
  if (!isCompleteReason(reason)) throw new BadReplyError(`the stop reason "${reason}" is unknown`);

  const blocks = [...draft.blocks].sort(([a], [b]) => a - b).map(([, block]) => block);
  if (blocks.some((block) => !block.closed)) throw new BadReplyError("a block was never closed");
  const kept = blocks.filter((block) => reason === "tool_use" || !isToolCall(block));
  const content = kept.map(closeBlock);
  if (reason === "tool_use") checkToolCalls(content);
  return { ok: true, content, stopReason: reason };
}

const failed = (kind: ModelFailure["kind"], message: string): ReadReply => ({
  ok: false,
  failure: { kind, message },
});

const isToolCall = (block: Block): boolean => block.value.type.endsWith("tool_use");

function closeBlock(block: Block): ContentBlock {
  if (isToolCall(block) && block.json !== "") block.value["input"] = parseInput(block.json);
  // Checked as far as we use it: tool calls below, text and thinking as they were put together.
  return block.value as unknown as ContentBlock;
}

function parseInput(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new BadReplyError("the input of a tool call is not valid JSON", { cause });
  }
}

const toolCallShape = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  input: z.record(z.string(), z.unknown()),
});

function checkToolCalls(content: ContentBlock[]): void {
  const ids = new Set<string>();
  for (const block of content) {
    if (block.type !== "tool_use") continue;
    const call = toolCallShape.safeParse(block);
    if (!call.success) throw new BadReplyError("a tool call lacks its id, name or input");
    if (ids.has(call.data.id)) throw new BadReplyError("two tool calls have the same id");
    ids.add(call.data.id);
  }
  if (ids.size === 0) throw new BadReplyError("the reply stops for a tool call and holds none");
}
