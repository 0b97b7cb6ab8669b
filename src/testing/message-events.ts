import type { ScriptedBlock, ScriptedMessage } from "./scripted-reply.ts";

/** A scripted message in the two forms of the Messages API: one JSON object, or a stream of events. */

export interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface MessageContext {
  readonly id: string;
  /** The model that the request asks for. */
  readonly model: string;
}

function wireUsage({ usage = {} }: ScriptedMessage) {
  const hour = usage.cacheWriteHourTokens ?? 0;
  const write = Math.max(usage.cacheWriteTokens ?? 0, hour);
  return {
    input_tokens: usage.inputTokens ?? 1_000,
    cache_read_input_tokens: usage.cacheReadTokens ?? 0,
    cache_creation_input_tokens: write,
    cache_creation: { ephemeral_5m_input_tokens: write - hour, ephemeral_1h_input_tokens: hour },
    output_tokens: usage.outputTokens ?? 100,
  };
}

const stopDetails = ({ explanation }: ScriptedMessage) =>
  explanation === undefined ? null : { type: "refusal", category: null, explanation };

const toolId = (id: string, index: number): string => `toolu_${id}_${index}`;

/** The answer to a request without `stream`. */
export function messageObject(said: ScriptedMessage, { id, model }: MessageContext): object {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: said.model ?? model,
    content: said.content.map((block, index) => wholeBlock(block, toolId(id, index))),
    stop_reason: said.stopReason,
    stop_details: stopDetails(said),
    stop_sequence: null,
    usage: wireUsage(said),
  };
}

function wholeBlock(block: ScriptedBlock, id: string): object {
  if (block.type === "text") return { ...block, citations: null };
  if (block.type === "thinking") return block;
  let input: unknown = {};
  try {
    input = JSON.parse(block.json);
  } catch {
    // An answer in one piece holds an object whatever the model wrote.
  }
  return { type: "tool_use", id, name: block.name, input };
}

/** The answer to a request with `stream`, from `message_start` to `message_stop`. */
export function messageEvents(said: ScriptedMessage, { id, model }: MessageContext): StreamEvent[] {
  const usage = wireUsage(said);
  return [
    {
      type: "message_start",
      message: {
        id: `msg_${id}`,
        type: "message",
        role: "assistant",
        model: said.model ?? model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...usage, output_tokens: 1 },
      },
    },
    { type: "ping" },
    ...said.content.flatMap((block, index) => blockEvents(block, index, toolId(id, index))),
    {
      type: "message_delta",
      delta: {
        stop_reason: said.stopReason,
        stop_details: stopDetails(said),
        stop_sequence: null,
      },
      usage: { output_tokens: usage.output_tokens },
    },
    { type: "message_stop" },
  ];
}

function blockEvents(block: ScriptedBlock, index: number, id: string): StreamEvent[] {
  const start = (content_block: object): StreamEvent => ({
    type: "content_block_start",
    index,
    content_block,
  });
  const delta = (piece: object): StreamEvent => ({
    type: "content_block_delta",
    index,
    delta: piece,
  });
  const stop: StreamEvent = { type: "content_block_stop", index };
  if (block.type === "text") {
    const deltas = halves(block.text).map((piece) => delta({ type: "text_delta", text: piece }));
    return [start({ type: "text", text: "", citations: null }), ...deltas, stop];
  }
  if (block.type === "thinking") {
    return [
      start({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: block.thinking }),
      delta({ type: "signature_delta", signature: block.signature }),
      stop,
    ];
  }
  const deltas = halves(block.json).map((piece) =>
    delta({ type: "input_json_delta", partial_json: piece }),
  );
  return [start({ type: "tool_use", id, name: block.name, input: {} }), ...deltas, stop];
}

// Two pieces, so that whoever forgets to put them together is found out.
function halves(whole: string): string[] {
  const middle = Math.ceil(whole.length / 2);
  return [whole.slice(0, middle), whole.slice(middle)];
}

/** An event as it is written to the wire. */
export const formatEvent = (event: StreamEvent): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
