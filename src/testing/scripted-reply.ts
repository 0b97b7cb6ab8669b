import type { Verdict } from "../domain/finding.ts";
import type { RequestBody } from "./request-body.ts";

/** What a scripted model says: replies, and every way in which a provider is known to fail. */

/** One request that the scripted model has received. */
export interface RecordedRequest {
  readonly body: RequestBody;
  /** The exact text that came over the wire. */
  readonly rawBody: string;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface ScriptedUsage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly cacheWriteHourTokens?: number;
}

export type ScriptedBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  /** `json` is sent as it is, valid or not. */
  | { readonly type: "tool_use"; readonly name: string; readonly json: string };

/** A message that the model says to the end. */
export interface ScriptedMessage {
  readonly kind: "message";
  readonly content: readonly ScriptedBlock[];
  readonly stopReason: string;
  /** Goes with a refusal. */
  readonly explanation?: string;
  readonly usage?: ScriptedUsage;
  /** Default: the model that was asked for. */
  readonly model?: string;
}

/** How a stream ends before its time. */
export type StreamEnd = "stall" | "destroy" | "end" | { readonly errorType: string };

export type ScriptedReply =
  | ScriptedMessage
  | {
      readonly kind: "broken-stream";
      readonly message: ScriptedMessage;
      readonly events: number;
      readonly end: StreamEnd;
    }
  | {
      readonly kind: "body";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: "hang" }
  | { readonly kind: "reset" }
  | { readonly kind: "held"; readonly until: Promise<unknown>; readonly reply: ScriptedReply };

/** A reply, or how to make it out of the request; `index` counts requests from 0. */
export type ReplyMaker = (
  request: RecordedRequest,
  index: number,
) => ScriptedReply | Promise<ScriptedReply>;

interface MessageOptions {
  readonly usage?: ScriptedUsage;
  /** A thinking block before everything else. */
  readonly thinking?: string;
  readonly model?: string;
}

function message(
  content: readonly ScriptedBlock[],
  stopReason: string,
  { thinking, ...rest }: MessageOptions = {},
): ScriptedMessage {
  const thought: ScriptedBlock[] =
    thinking === undefined ? [] : [{ type: "thinking", thinking, signature: "c2lnbmVk" }];
  return { kind: "message", content: [...thought, ...content], stopReason, ...rest };
}

/** Says something and ends its turn. */
export const text = (words: string, options?: MessageOptions): ScriptedMessage =>
  message([{ type: "text", text: words }], "end_turn", options);

export interface ScriptedToolCall {
  readonly name: string;
  readonly input: unknown;
}

/** Calls tools, all in one reply. */
export const callTools = (
  calls: readonly ScriptedToolCall[],
  options: MessageOptions & { readonly text?: string } = {},
): ScriptedMessage => {
  const { text: words, ...rest } = options;
  const said: ScriptedBlock[] = words === undefined ? [] : [{ type: "text", text: words }];
  const uses = calls.map(({ name, input }): ScriptedBlock => ({
    type: "tool_use",
    name,
    json: JSON.stringify(input),
  }));
  return message([...said, ...uses], "tool_use", rest);
};

export interface ScriptedVerdict {
  readonly findingId: string;
  readonly verdict: Verdict;
  readonly message?: string;
  readonly effects?: readonly string[];
}

/** Ends the run with a verdict per finding. */
export const report = (
  input: { readonly verdicts: readonly ScriptedVerdict[]; readonly summary: string },
  options?: MessageOptions,
): ScriptedMessage => callTools([{ name: "report", input }], options);

/** Ends the run with the same verdict for every finding that the request shows. */
export const reportAll =
  (verdict: Verdict, options: MessageOptions & { readonly message?: string } = {}): ReplyMaker =>
  (request) => {
    const { message: words, ...rest } = options;
    const verdicts = findingIds(request).map((findingId) => ({
      findingId,
      verdict,
      ...(words === undefined ? {} : { message: words }),
    }));
    return report({ verdicts, summary: `${verdicts.length} findings: ${verdict}` }, rest);
  };

/** The ids of the findings in the last user message that shows any. */
export function findingIds(request: RecordedRequest): string[] {
  for (const { role, content } of request.body.messages.toReversed()) {
    if (role !== "user") continue;
    const blocks =
      typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
    const shown = blocks.map((block) => (block.type === "text" ? block.text : "")).join("\n");
    const ids = [...shown.matchAll(/<finding id="([^"]*)"/g)].map((match) => match[1] ?? "");
    if (ids.length > 0) return ids;
  }
  return [];
}

/** Gives the reply only when the promise is settled: a slow model without waiting in the test. */
export const heldUntil = (until: Promise<unknown>, reply: ScriptedReply): ScriptedReply => ({
  kind: "held",
  until,
  reply,
});

const body = (status: number, type: string, content: string): ScriptedReply => ({
  kind: "body",
  status,
  headers: { "content-type": type },
  body: content,
});

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

interface StatusOptions {
  /** The `retry-after` header: seconds or a date. */
  readonly retryAfter?: number | string;
  /** Such as `enforced_spend_limit_reached`. */
  readonly errorCode?: string;
  readonly type?: string;
  readonly message?: string;
}

const cutToolCall: ScriptedBlock = {
  type: "tool_use",
  name: "inbox_send",
  json: '{"to": ["someone@example.com"], "subject": "Hal',
};
const wholeToolCall = callTools([
  { name: "inbox_send", input: { to: ["someone@example.com"], subject: "Hello", text: "…" } },
]);

const broken = (events: number, end: StreamEnd, said: ScriptedMessage): ScriptedReply => ({
  kind: "broken-stream",
  message: said,
  events,
  end,
});

/**
 * Faults. Those that break a stream do so after a number of events of a message, by default one
 * with a tool call that would do harm if it were believed.
 */
export const fault = {
  /** An error answer of the API. */
  status: (status: number, options: StatusOptions = {}): ScriptedReply => {
    const { retryAfter, errorCode, type = errorTypes[status] ?? "api_error" } = options;
    const error = {
      type,
      message: options.message ?? `scripted ${type}`,
      ...(errorCode === undefined ? {} : { details: { error_code: errorCode } }),
    };
    return {
      kind: "body",
      status,
      headers: {
        "content-type": "application/json",
        "request-id": "req_scripted",
        ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      },
      body: JSON.stringify({ type: "error", error, request_id: "req_scripted" }),
    };
  },
  /** Takes the request and never answers. */
  hang: (): ScriptedReply => ({ kind: "hang" }),
  /** Falls silent, connection open. */
  stallAfter: (events: number, said = wholeToolCall): ScriptedReply =>
    broken(events, "stall", said),
  /** Breaks the connection. */
  cutAfter: (events: number, said = wholeToolCall): ScriptedReply =>
    broken(events, "destroy", said),
  /** Ends the answer as if it were whole. */
  cleanEndAfter: (events: number, said = wholeToolCall): ScriptedReply =>
    broken(events, "end", said),
  /** An `error` event in the stream, such as `overloaded_error`. */
  errorEvent: (errorType: string, events = 2, said = wholeToolCall): ScriptedReply =>
    broken(events, { errorType }, said),
  /** A web page with status 200: a captive portal, a wrong address. */
  html: (): ScriptedReply =>
    body(200, "text/html", "<!doctype html><html><title>Sign in</title><p>Welcome</p></html>"),
  /** `{}` with status 200. */
  emptyObject: (): ScriptedReply => body(200, "application/json", "{}"),
  /** A tool call whose input does not parse, in a reply that says it is complete. */
  badToolJson: (): ScriptedReply => message([cutToolCall], "tool_use"),
  refusal: (explanation = "This is declined."): ScriptedReply => ({
    ...message([], "refusal"),
    explanation,
  }),
  /** Out of tokens in the middle of a tool call. */
  maxTokens: (): ScriptedReply =>
    message([{ type: "text", text: "I will send it." }, cutToolCall], "max_tokens"),
  /** The same with a tool call that happens to be whole. */
  maxTokensAfterWholeCall: (): ScriptedReply => ({ ...wholeToolCall, stopReason: "max_tokens" }),
  /** Resets the connection before an answer. */
  reset: (): ScriptedReply => ({ kind: "reset" }),
} as const;
