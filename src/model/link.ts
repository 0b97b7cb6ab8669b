import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { Log } from "../telemetry/log.ts";
import { messageBody } from "./anthropic.ts";
import { createBreaker } from "./breaker.ts";
import { causeInWords } from "./cause.ts";
import type {
  Model,
  ModelFailure,
  ModelFailureKind,
  ModelReply,
  ModelRequest,
  ModelUsage,
  SpendLedger,
} from "./port.ts";
import { createRateLimit, estimateTokens, type RateLimits } from "./rate-limit.ts";
import { afterFailure, type RetrySettings } from "./retry.ts";

/** One model of a chain: its attempts, its limits, and when it is better left alone. */

export interface LinkOptions extends RetrySettings {
  readonly clock: Clock;
  /** From 0 up to 1, 1 excluded; spreads the waits. */
  readonly random: () => number;
  readonly log: Log;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly ledger?: SpendLedger;
}

/** Why a model is not asked now. */
export interface Rest {
  readonly kind: ModelFailureKind;
  /** In our own words. */
  readonly reason: string;
  /** Milliseconds since the epoch; null: not before something changes. */
  readonly until: number | null;
}

export interface Link {
  readonly name: string;
  readonly rest: (now: number) => Rest | null;
  /** Whatever kept it from being asked, the owner says that it may be. */
  askAgain(): void;
  /** One call, with as many attempts as it is worth. Never throws. */
  ask(request: ModelRequest, call: CallOptions): Promise<{ reply: ModelReply; attempts: number }>;
}

const breakerSettings = { mostFailures: 5, restMs: 60_000 };

export function createLink(model: Model, limits: RateLimits, options: LinkOptions): Link {
  const { clock, random, log, longestWaitMs } = options;
  const { name } = model;
  const breaker = createBreaker(breakerSettings);
  const rateLimit = createRateLimit(limits);
  let resting: (Rest & { readonly since: number }) | null = null;
  let lastKind: ModelFailureKind = "unreachable";

  function rest(now: number): Rest | null {
    // A clock that was set back must not prolong what was told by the old one.
    if (resting?.until === null) return resting;
    if (resting && now >= resting.since && now < resting.until) return resting;
    const until = breaker.restsUntil(now);
    return until === null
      ? null
      : { kind: lastKind, reason: `${causeInWords[lastKind]}, several times in a row`, until };
  }

  function restUntil(kind: ModelFailureKind, reason: string, until: number | null): void {
    const since = clock.now();
    resting = { kind, reason, until, since };
    const fields = { model: name, kind };
    if (until === null) log.error(fields, "the model is left alone until something changes");
    else log.warn({ ...fields, until: new Date(until).toISOString() }, "the model is left alone");
  }

  /** Waits for the model's own limits. @returns why the call cannot be made, or undefined */
  async function waitForLimits(
    tokens: number,
    signal: AbortSignal,
  ): Promise<ModelFailure | undefined> {
    for (;;) {
      if (signal.aborted) return calledOff;
      const waitMs = rateLimit.waitMs(tokens, clock.now());
      if (waitMs === 0) {
        rateLimit.take(tokens, clock.now());
        return undefined;
      }
      if (waitMs > longestWaitMs) {
        restUntil("rate-limited", ownLimit, clock.now() + waitMs);
        return { kind: "rate-limited", message: ownLimit };
      }
      log.info({ model: name, waitMs }, "the model's own limit is waited for");
      await clock.sleep(waitMs, signal);
    }
  }

  /** One attempt with its worst case reserved before and settled after. */
  async function attempt(
    request: ModelRequest,
    requestBytes: number,
    { signal, ledger }: CallOptions,
  ): Promise<ModelReply> {
    const worst = { model: name, requestBytes, maxTokens: request.maxTokens };
    const reserved = await reserve(ledger, worst);
    if (!reserved.ok) return failed({ kind: "over-budget", message: reserved.reason });
    const { maxTokens, reservation } = reserved;
    breaker.begin(clock.now());
    const reply = await model.complete({ ...request, maxTokens }, { signal });
    breaker.end(outcomeOf(reply), clock.now());
    try {
      await ledger?.settle(reservation, name, billedUsage(reply));
    } catch (error) {
      // The reservation stands: more is counted than was spent, never less.
      log.error({ model: name, error: describeError(error) }, "a call could not be settled");
    }
    return reply;
  }

  const failed = (failure: ModelFailure): ModelReply & { ok: false } => ({
    ok: false,
    model: name,
    failure,
    durationMs: 0,
  });

  return {
    name,
    rest,
    askAgain() {
      resting = null;
    },
    async ask(request, call) {
      const requestBytes = Buffer.byteLength(JSON.stringify(messageBody(name, request)));
      const tokens = estimateTokens(requestBytes, request.maxTokens);
      let attempts = 0;
      let badReplies = 0;
      let last: ModelReply | undefined;
      for (;;) {
        const refused = await waitForLimits(tokens, call.signal);
        if (refused) {
          // Where the limit is in the way of a retry, what the attempt met with is the true cause.
          const before = refused.kind === "aborted" ? undefined : last;
          return { reply: before ?? failed(refused), attempts };
        }
        const reply = await attempt(request, requestBytes, call);
        if (!reply.ok && reply.failure.kind === "over-budget") return { reply, attempts };
        attempts += 1;
        if (reply.usage) rateLimit.correct(tokens, reply.usage, clock.now());
        if (reply.ok) return { reply, attempts };
        last = reply;
        const { failure } = reply;
        lastKind = failure.kind;
        if (failure.kind === "bad-reply") badReplies += 1;
        const now = clock.now();
        const next = afterFailure(failure, { attempts, badReplies, now, random }, options);
        const fields = { model: name, attempts, kind: failure.kind, error: failure.message };
        if (next.kind === "rest") restUntil(failure.kind, causeInWords[failure.kind], next.until);
        if (next.kind !== "retry" || breaker.restsUntil(now) !== null) {
          log.warn(fields, "the model gave no reply");
          return { reply, attempts };
        }
        log.warn({ ...fields, waitMs: next.waitMs }, waitsToAskAgain);
        await clock.sleep(next.waitMs, call.signal);
      }
    },
  };
}

/** The log's words for a wait between two attempts. */
export const waitsToAskAgain = "the model is asked again after a wait";

const ownLimit = "its limit per minute in the configuration is used up";
const calledOff: ModelFailure = { kind: "aborted", message: "the call was called off" };

type Reserved = Awaited<ReturnType<SpendLedger["reserve"]>>;

/** Without a ledger everything is granted; one that fails grants nothing. */
async function reserve(
  ledger: SpendLedger | undefined,
  worst: Parameters<SpendLedger["reserve"]>[0],
): Promise<Reserved> {
  if (!ledger) return { ok: true, reservation: 0, maxTokens: worst.maxTokens };
  try {
    return await ledger.reserve(worst);
  } catch (error) {
    return { ok: false, reason: `the spend could not be reserved: ${describeError(error)}` };
  }
}

function outcomeOf(reply: ModelReply): "answered" | "failed" | "neither" {
  if (reply.ok) return "answered";
  switch (reply.failure.kind) {
    case "too-long":
    case "refusal":
    case "rejected":
      return "answered";
    case "aborted":
    case "over-budget":
    case "auth":
    case "spend-limit":
      return "neither";
    case "rate-limited":
    case "overloaded":
    case "cut":
    case "bad-reply":
    case "unreachable":
    case "timeout":
      return "failed";
  }
}

const nothing: ModelUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
};

/** What is certainly all that can be billed; undefined when that is not known. */
function billedUsage(reply: ModelReply): ModelUsage | undefined {
  if (!reply.ok && reply.failure.unbilled) return nothing;
  return reply.usage;
}
