import { oneLine } from "./plain-text.ts";
import type { Scrub } from "./scrub.ts";

/**
 * Every error that Watchkeeper raises on purpose. `code` is stable and listed with its mend in
 * docs/errors.md; `hint` says what to do. Anything else that is thrown is a bug.
 */

// A skill may load a second copy of this file: instanceof would miss its errors, the symbol does not.
const marker = Symbol.for("watchkeeper.error");

export interface ErrorDetails {
  /** What the reader can do about it, as one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class WatchkeeperError extends Error {
  readonly [marker] = true;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
  }
}

/** Something in the user's set-up is wrong: said in one line with its mend; exit code 2. */
export class ConfigError extends WatchkeeperError {}

/** A skill cannot be used: it is switched off and reported, the daemon goes on. */
export class SkillError extends WatchkeeperError {}

/** A tool could not do what was asked: goes to the model as the tool's result. */
export class ToolError extends WatchkeeperError {}

/** The state directory or the database cannot be used: the command ends with exit code 1. */
export class StoreError extends WatchkeeperError {}

/** A server or file outside could not be used; a check that throws it is tried again later. */
export class AdapterError extends WatchkeeperError {
  readonly retryable: boolean;
  /** Milliseconds since the epoch before which trying again is useless. */
  readonly retryAt: number | undefined;

  constructor(
    code: string,
    message: string,
    details: ErrorDetails & { retryable?: boolean; retryAt?: number } = {},
  ) {
    super(code, message, details);
    this.retryable = details.retryable ?? true;
    this.retryAt = details.retryAt;
  }
}

export function isWatchkeeperError(error: unknown): error is WatchkeeperError {
  return typeof error === "object" && error !== null && marker in error;
}

/** Whether a file or folder was not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

const longestMessage = 2_000;

/**
 * One line for a person: the message, what caused it, and the hint; never a stack trace, nor control
 * characters that a server may have put into its answer. Never throws, whatever was thrown.
 * @param scrub takes secrets out before the line is cut: half a secret would not be known for one
 */
export function describeError(error: unknown, scrub: Scrub = (text) => text): string {
  try {
    return describe(error, scrub);
  } catch {
    return "unknown error";
  }
}

function describe(error: unknown, scrub: Scrub): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 4 && current !== undefined && current !== null; depth += 1) {
    const message = messageOf(current);
    if (message && !parts.some((part) => part.includes(message))) parts.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  const hint = isWatchkeeperError(error) && error.hint ? `. ${error.hint}` : "";
  return oneLine(scrub(`${parts.join(": ") || "unknown error"}${hint}`), longestMessage);
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message && error.errors.length > 0) {
    return messageOf(error.errors[0]);
  }
  if (error instanceof Error) {
    const code = "code" in error && typeof error.code === "string" ? error.code : "";
    return String(error.message || code || error.name);
  }
  if (typeof error === "string") return error;
  try {
    return JSON.stringify(error) ?? typeof error;
  } catch {
    return `something thrown that is not an error (${typeof error})`;
  }
}
