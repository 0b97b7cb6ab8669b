import type Anthropic from "@anthropic-ai/sdk";

/**
 * The model as the rest of the daemon sees it: one call, one complete reply or one reason why there
 * is none. The wire shapes of the Messages API are our shapes; nothing of its client leaves `model/`.
 */

export type TextBlockParam = Anthropic.TextBlockParam;
export type ToolParam = Anthropic.Tool;
export type ToolChoice = Anthropic.ToolChoice;
export type MessageParam = Anthropic.MessageParam;
export type ContentBlock = Anthropic.ContentBlock;
export type ToolUseBlock = Anthropic.ToolUseBlock;
export type ToolResultBlockParam = Anthropic.ToolResultBlockParam;

export interface ModelRequest {
  readonly system: TextBlockParam[];
  readonly tools: ToolParam[];
  readonly messages: MessageParam[];
  /** The most tokens the reply may have, thinking included. */
  readonly maxTokens: number;
  /** Leave it out where you can: current models refuse to be forced to use a tool. */
  readonly toolChoice?: ToolChoice;
}

export interface ModelUsage {
  /** Read at the full price; cached tokens are not among them. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** How many of `cacheWriteTokens` were written for an hour instead of five minutes. */
  readonly cacheWriteHourTokens?: number;
  /** The provider did not say everything: what was billed may be more than this. */
  readonly partial?: true;
}

/** Why a complete reply ended. `tool_use` is the only one whose content holds tool calls. */
export type ModelStopReason =
  "end_turn" | "max_tokens" | "stop_sequence" | "tool_use" | "pause_turn";

/**
 * - `auth`: the key is missing, wrong or not allowed to do this
 * - `rate-limited`, `overloaded`: the same request may pass later
 * - `spend-limit`: the account is out of money until somebody changes that or the month ends
 * - `too-long`: the conversation does not fit the model
 * - `refusal`: the model declined
 * - `cut`: the reply ended or stalled after it began
 * - `bad-reply`: an answer that is not a valid reply (a web page, `{}`, broken JSON)
 * - `unreachable`: no connection
 * - `timeout`: no answer in time
 * - `aborted`: the caller's signal
 * - `rejected`: the provider says that the request is wrong
 * - `over-budget`: the ledger has no room for the call's worst case; nothing was sent
 */
export type ModelFailureKind =
  | "auth"
  | "rate-limited"
  | "overloaded"
  | "spend-limit"
  | "too-long"
  | "refusal"
  | "cut"
  | "bad-reply"
  | "unreachable"
  | "timeout"
  | "aborted"
  | "rejected"
  | "over-budget";

export interface ModelFailure {
  readonly kind: ModelFailureKind;
  /** The true cause in one line, without the key. */
  readonly message: string;
  /** How long the provider asked to be left alone, in milliseconds; may be days. */
  readonly retryAfterMs?: number;
  /** The request was certainly not taken up: nothing can be billed for it. */
  readonly unbilled?: true;
}

export type ModelReply =
  | {
      readonly ok: true;
      /** As the provider names it; often more exact than what was asked for. */
      readonly model: string;
      /** To be sent back as it is in the next request: thinking blocks are signed. */
      readonly content: ContentBlock[];
      readonly stopReason: ModelStopReason;
      readonly usage: ModelUsage;
      readonly durationMs: number;
    }
  | {
      readonly ok: false;
      readonly model: string;
      readonly failure: ModelFailure;
      /** What is known to have been used; absent when the provider said nothing. */
      readonly usage?: ModelUsage;
      readonly durationMs: number;
    };

/** The worst that one attempt at a call can cost, before it is made. */
export interface WorstCase {
  readonly model: string;
  /** Of the whole request body: no more tokens than bytes can be billed for it. */
  readonly requestBytes: number;
  readonly maxTokens: number;
}

/** Reserves the worst case of each attempt before it is made, and settles it after. */
export interface SpendLedger {
  /** @returns a reservation, perhaps with fewer tokens for the reply so that it fits; or why there is none */
  reserve(
    worst: WorstCase,
  ): Promise<{ ok: true; reservation: number; maxTokens: number } | { ok: false; reason: string }>;
  /** Undefined usage is settled at the whole reservation. */
  settle(reservation: number, model: string, usage: ModelUsage | undefined): Promise<void>;
}

export interface Model {
  /** The model's id, such as `claude-sonnet-5-5`. */
  readonly name: string;
  /** One request, one attempt. Never throws: failure is a value. */
  complete(
    request: ModelRequest,
    options: { readonly signal: AbortSignal; readonly ledger?: SpendLedger },
  ): Promise<ModelReply>;
}
