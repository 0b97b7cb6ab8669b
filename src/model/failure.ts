import type { ModelFailure, ModelFailureKind } from "./port.ts";
import { BadReplyError } from "./reply.ts";

/**
 * Says what an error of the API client means. It looks at the shape of errors and not at their
 * classes, so that it is a plain table and the client is loaded only when a call is made.
 */

export interface FailureContext {
  /** Milliseconds since the epoch, for a `retry-after` that names a date. */
  readonly now: number;
  /** Whether the reply had begun when it failed. */
  readonly begun: boolean;
  /** What must not stand in the message. */
  readonly secrets: readonly string[];
}

interface ErrorShape {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly status?: unknown;
  readonly type?: unknown;
  readonly apiMessage?: unknown;
  readonly errorCode?: unknown;
  readonly requestID?: unknown;
  readonly headers?: unknown;
}

/** Turns whatever a call has thrown into a failure with its true cause. */
export function describeFailure(error: unknown, context: FailureContext): ModelFailure {
  const shape: ErrorShape = typeof error === "object" && error !== null ? error : {};
  const status = typeof shape.status === "number" ? shape.status : undefined;
  const type = typeof shape.type === "string" ? shape.type : undefined;
  const answered = status !== undefined || type !== undefined;
  const text = answered ? describeAnswer(shape, status, type) : describeChain(error);
  const retryAfterMs = retryAfter(shape.headers, context.now);
  return {
    kind: answered
      ? kindOfAnswer(status, type, shape.errorCode, text)
      : kindOfBreakdown(error, shape, context.begun),
    message: plainLine(text, context.secrets),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(isUnbilled(error, status, context.begun) ? { unbilled: true } : {}),
  };
}

// No connection was made, so no request can have arrived.
const neverConnected = new Set<unknown>([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ERR_INVALID_URL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A request that was turned away at the door; what fails within the provider may have cost something. */
function isUnbilled(error: unknown, status: number | undefined, begun: boolean): boolean {
  if (begun) return false;
  // Load is shed before anything is done for it; were it billed, an outage would eat the day's budget.
  if (status === 503 || status === 529) return true;
  if (status !== undefined) return status >= 300 && status < 500 && status !== 408;
  return causesOf(error).some(({ code }) => neverConnected.has(code));
}

const spendLimit =
  /credit balance|usage limits?|spend(?:ing)? limit|billing|budget has been exceeded/i;
const tooLong =
  /prompt is too long|context (?:window|length|limit|size)|maximum (?:context|prompt)|too many (?:input )?tokens|request_too_large/i;

function kindOfAnswer(
  status: number | undefined,
  type: string | undefined,
  errorCode: unknown,
  text: string,
): ModelFailureKind {
  if (errorCode === "enforced_spend_limit_reached") return "spend-limit";
  if (type === "billing_error" || status === 402) return "spend-limit";
  if (type === "overloaded_error" || status === 529) return "overloaded";
  if (type === "rate_limit_error" || status === 429) return "rate-limited";
  if (type === "authentication_error" || type === "permission_error") return "auth";
  if (status === 401 || status === 403) return "auth";
  if (type === "timeout_error" || status === 408 || status === 504) return "timeout";
  if (type === "request_too_large" || status === 413) return "too-long";
  // The account's own spend limit and a too long prompt come as 400 and differ in words only.
  if (type === "invalid_request_error" || status === 400) {
    if (spendLimit.test(text)) return "spend-limit";
    return tooLong.test(text) ? "too-long" : "rejected";
  }
  if (status === undefined) return type === "api_error" ? "overloaded" : "cut";
  // 409 is a lock that another request holds.
  return status >= 500 || status === 409 ? "overloaded" : "rejected";
}

function kindOfBreakdown(error: unknown, shape: ErrorShape, begun: boolean): ModelFailureKind {
  if (error instanceof BadReplyError || error instanceof SyntaxError) return "bad-reply";
  if (begun) return "cut";
  return shape.name === "APIConnectionTimeoutError" ? "timeout" : "unreachable";
}

function describeAnswer(
  shape: ErrorShape,
  status: number | undefined,
  type: string | undefined,
): string {
  const head = [status === undefined ? "" : `HTTP ${status}`, type ?? ""].filter(Boolean).join(" ");
  const said =
    typeof shape.apiMessage === "string" && shape.apiMessage
      ? shape.apiMessage
      : withoutMarkup(typeof shape.message === "string" ? shape.message : "");
  const target = shape.headers instanceof Headers ? shape.headers.get("location") : null;
  const body = target ? `redirects to ${target}` : said.replace(/^\d{3}\s+/, "");
  const request = typeof shape.requestID === "string" ? ` (request ${shape.requestID})` : "";
  return `${head}${body ? `: ${body}` : ""}${request}`;
}

// What the client and fetch say of every breakdown; the cause below says which.
const emptyWords = new Set(["Connection error.", "fetch failed"]);

function describeChain(error: unknown): string {
  const parts: string[] = [];
  for (const { message, code } of causesOf(error)) {
    for (const word of [message, code]) {
      if (typeof word !== "string" || word === "" || emptyWords.has(word)) continue;
      if (!parts.some((part) => part.includes(word))) parts.push(word);
    }
  }
  return parts.join(": ") || (typeof error === "string" ? error : "the connection failed");
}

/** An error and what caused it, the outermost first. */
function causesOf(error: unknown): ErrorShape[] {
  const causes: ErrorShape[] = [];
  let current: unknown = error;
  while (causes.length < 5 && typeof current === "object" && current !== null) {
    const shape: ErrorShape = current;
    causes.push(shape);
    const nested = current instanceof AggregateError ? (current.errors as unknown[])[0] : undefined;
    current = shape.cause ?? nested;
  }
  return causes;
}

const longestWaitMs = 366 * 86_400_000;

function retryAfter(headers: unknown, now: number): number | undefined {
  if (!(headers instanceof Headers)) return undefined;
  const ms = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  const text = headers.get("retry-after") ?? "";
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1_000 : Number.NaN;
  // A date has words in it; a bare "-5" would be read as a year.
  const date = /[a-z]{3}/i.test(text) ? Date.parse(text) - now : Number.NaN;
  const wait = [ms, seconds, date].find((candidate) => Number.isFinite(candidate));
  return wait === undefined ? undefined : Math.min(Math.max(0, Math.round(wait)), longestWaitMs);
}

/** The words of a web page, or the text as it is when it is none. */
export function withoutMarkup(text: string): string {
  if (!/<(?:!doctype|html|head|body)\b/i.test(text)) return text;
  const title = /<title[^>]*>([^<]*)</i.exec(text)?.[1]?.trim();
  return title ? `a web page titled "${title}"` : "a web page";
}

const longestMessage = 500;

/** One line without control characters, without secrets, of bounded length. */
export function plainLine(text: string, secrets: readonly string[]): string {
  let line = text;
  for (const secret of secrets) {
    // A very short key would be found in ordinary words, and tells nothing worth hiding.
    if (secret.length < 4) continue;
    line = line.replaceAll(secret, "[key]").replaceAll(encodeURIComponent(secret), "[key]");
  }
  line = line
    .replace(/sk-ant-[\w-]+/g, "[key]")
    .replace(/\/\/[^/\s@]+@/g, "//")
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
  return line.length > longestMessage ? `${line.slice(0, longestMessage)}…` : line;
}
