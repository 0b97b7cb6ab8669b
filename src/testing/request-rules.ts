import { z } from "zod";
import type { RequestMessage } from "./request-body.ts";

/**
 * What the Messages API refuses, as far as an agent's loop can get it wrong. A script that answered
 * such requests would let a test pass that fails on the real API.
 */

const block = z.looseObject({ type: z.string() });
const requestShape = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.number().int().positive(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(["user", "assistant"]),
        content: z.union([z.string().min(1), z.array(block)]),
      }),
    )
    .min(1),
  system: z.union([z.string(), z.array(block)]).optional(),
  tools: z
    .array(
      z.looseObject({
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
        input_schema: z.looseObject({ type: z.literal("object") }),
      }),
    )
    .optional(),
  tool_choice: z.looseObject({ type: z.string() }).optional(),
});

const retiredFields = ["temperature", "top_p", "top_k"];

/** @returns why the API would refuse the request, or undefined when it would not. */
export function refusedBecause(body: unknown): string | undefined {
  const parsed = requestShape.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `${issue?.path.join(".") ?? "body"}: ${issue?.message ?? "invalid"}`;
  }
  const retired = retiredFields.find((field) => field in parsed.data);
  if (retired !== undefined) return `${retired}: this parameter is not supported`;
  const { tools = [], tool_choice: choice } = parsed.data;
  if (new Set(tools.map((tool) => tool.name)).size < tools.length) {
    return "tools: Tool names must be unique.";
  }
  if (choice && choice.type !== "auto" && choice.type !== "none") {
    return "tool_choice: forced tool use is not supported on this model";
  }
  if (countBreakpoints(parsed.data) > 4) {
    return "A maximum of 4 blocks with cache_control may be provided.";
  }
  return wrongTurn(parsed.data.messages);
}

type Messages = z.infer<typeof requestShape>["messages"];

function wrongTurn(messages: Messages): string | undefined {
  if (messages[0]?.role !== "user") return "messages: first message must use the user role";
  if (messages.at(-1)?.role !== "user") {
    return "messages: the conversation must end with a user message";
  }
  let open = new Set<unknown>();
  for (const [index, { role, content }] of messages.entries()) {
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (blocks.length === 0) return `messages.${index}: content must not be empty`;
    if (blocks.some((one) => one.type === "text" && one["text"] === "")) {
      return `messages.${index}: text content blocks must be non-empty`;
    }
    const results = blocks.filter((one) => one.type === "tool_result");
    for (const result of results) {
      if (role !== "user" || !open.delete(result["tool_use_id"])) {
        return `messages.${index}: unexpected tool_use_id in tool_result blocks: ${String(result["tool_use_id"])}`;
      }
    }
    if (open.size > 0) {
      return `messages.${index}: tool_use ids were found without tool_result blocks immediately after: ${[...open].join(", ")}`;
    }
    // A result after other content is the commonest way to get this wrong.
    if (blocks.slice(0, results.length).some((one) => one.type !== "tool_result")) {
      return `messages.${index}: tool_result blocks must come first`;
    }
    const uses = blocks.filter((one) => one.type === "tool_use");
    if (role === "user" && uses.length > 0) return `messages.${index}: tool_use in a user message`;
    open = new Set(uses.map((use) => use["id"]));
    if (open.size < uses.length) return `messages.${index}: tool_use ids must be unique`;
  }
  return undefined;
}

function countBreakpoints(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "input_schema" || key === "input") continue;
    count += key === "cache_control" && inner !== null ? 1 : countBreakpoints(inner);
  }
  return count;
}

/** Whether `later` goes on where `earlier` was: cache marks aside, its messages begin with the same. */
export function continues(
  earlier: readonly RequestMessage[],
  later: readonly RequestMessage[],
): boolean {
  if (later.length < earlier.length) return false;
  return earlier.every((one, index) => bare(one) === bare(later[index]));
}

const bare = (value: unknown): string =>
  JSON.stringify(value, (key, inner: unknown) => (key === "cache_control" ? undefined : inner));
