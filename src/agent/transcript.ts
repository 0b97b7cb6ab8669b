import type {
  ContentBlock,
  MessageParam,
  ToolResultBlockParam,
  ToolUseBlock,
} from "../model/port.ts";
import type { StepRecord } from "../store/port.ts";
import { toolResult } from "./tool-call.ts";

/**
 * From the journal back to the conversation: what a killed process had said and heard, up to its last
 * complete step, in a form that the provider accepts.
 */

export interface Rebuilt {
  readonly messages: MessageParam[];
  /** Calls of the last reply that have no complete step yet. */
  readonly open: readonly ToolUseBlock[];
  /** Results of those that have. */
  readonly results: readonly ToolResultBlockParam[];
  /** Where the next step stands. */
  readonly nextIndex: number;
}

export type RebuiltConversation =
  ({ readonly ok: true } & Rebuilt) | { readonly ok: false; readonly problem: string };

export function rebuildConversation(steps: readonly StepRecord[]): RebuiltConversation {
  const messages: MessageParam[] = [];
  const nextIndex = Math.max(-1, ...steps.map(({ index }) => index)) + 1;
  let calls: ToolUseBlock[] = [];
  // Of a reply that said nothing: the provider takes no empty message, and what was asked is asked again.
  let unanswered = 0;
  for (const step of steps.filter(({ kind }) => kind === "model")) {
    const asked = asMessages(step.input);
    if (!asked) return { ok: false, problem: `step ${step.index} has no readable input` };
    if (asked.length > 0) messages.length -= unanswered;
    messages.push(...asked);
    calls = [];
    unanswered = 0;
    if (step.durationMs === null) continue;
    const content = asContent(step.output);
    if (!content) return { ok: false, problem: step.error ?? `step ${step.index} has no reply` };
    if (content.length === 0) {
      unanswered = asked.length;
      continue;
    }
    messages.push({ role: "assistant", content });
    calls = content.filter((block) => block.type === "tool_use");
  }
  const done = new Map(
    steps
      .filter(({ kind, durationMs }) => kind === "tool" && durationMs !== null)
      .map((step) => [step.callId, step]),
  );
  const results = calls.flatMap(({ id }) => {
    const step = done.get(id);
    if (!step) return [];
    const isError = step.error !== null;
    const text = step.error ?? (typeof step.output === "string" ? step.output : "");
    return toolResult(id, { text, isError, trust: step.trust ?? "untrusted" });
  });
  const open = calls.filter(({ id }) => !done.has(id));
  const problem = transcriptProblem(messages);
  if (problem !== undefined) return { ok: false, problem };
  return { ok: true, messages, open, results, nextIndex };
}

/**
 * What the provider would refuse: roles that do not take turns, a tool call without its result in the
 * next message, a result without its call. The calls of the last reply may still be open.
 */
export function transcriptProblem(messages: readonly MessageParam[]): string | undefined {
  let open = new Set<string>();
  let last: MessageParam["role"] | undefined;
  for (const [index, { role, content }] of messages.entries()) {
    if (index === 0 && role !== "user") return "the first message is not the user's";
    if (role === "assistant" && last === "assistant" && open.size > 0) {
      return `message ${index} does not answer the calls before it`;
    }
    const blocks = typeof content === "string" ? [] : content;
    const answered = blocks.flatMap((block) =>
      block.type === "tool_result" ? [block.tool_use_id] : [],
    );
    const orphan = answered.find((id) => !open.has(id));
    if (orphan !== undefined) return `message ${index} answers ${orphan}, which nobody called`;
    if (role === "user" && open.size > 0 && answered.length < open.size) {
      return `message ${index} leaves a call without its result`;
    }
    open = new Set(
      role === "assistant"
        ? blocks.flatMap((block) => (block.type === "tool_use" ? [block.id] : []))
        : [],
    );
    last = role;
  }
  return undefined;
}

function asMessages(input: unknown): MessageParam[] | undefined {
  const messages = (input as { messages?: unknown } | null)?.messages;
  return Array.isArray(messages) ? (messages as MessageParam[]) : undefined;
}

function asContent(output: unknown): ContentBlock[] | undefined {
  const content = (output as { content?: unknown } | null)?.content;
  return Array.isArray(content) ? (content as ContentBlock[]) : undefined;
}
