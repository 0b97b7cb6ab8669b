import { messageEvents } from "../../src/testing/message-events.ts";
import { callTools, fault, text, type ScriptedReply } from "../../src/testing/scripted-reply.ts";
import type { ModelFailureKind, ModelStopReason } from "../../src/model/port.ts";

/** Every way in which a provider is known to fail, and what must come of it: for the chain and for the daemon. */

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;
/** When the calls are made: what is dated in the cases counts from here. */
export const faultsAt = Date.parse("2026-11-12T10:00:00Z");

/** Whether the model may be asked after the call: at once, from a time on (after the start), or never. */
export type Availability = "ready" | { readonly from: number } | "never";

export interface FaultCase {
  readonly said: ScriptedReply;
  readonly outcome: ModelFailureKind | ModelStopReason;
  readonly attempts: number;
  readonly after: Availability;
  /** The longest that the call may take on the clock. */
  readonly withinMs: number;
}

const fails = (
  said: ScriptedReply,
  outcome: ModelFailureKind,
  attempts: number,
  { after = "ready", withinMs = 5 * second }: { after?: Availability; withinMs?: number } = {},
): FaultCase => ({ said, outcome, attempts, after, withinMs });
const replies = (said: ScriptedReply, outcome: ModelStopReason): FaultCase => ({
  said,
  outcome,
  attempts: 1,
  after: "ready",
  withinMs: 0,
});
const atSpendLimit = { errorCode: "enforced_spend_limit_reached" };
const firstOfDecember = { from: Date.parse("2026-12-01T00:00:00Z") - faultsAt };
const silence = { withinMs: 4 * minute };

/** Would do harm if it were believed before it is whole. */
export const toolCall = callTools(
  [{ name: "inbox_send", input: { to: ["ann@example.com"], text: "Pay now." } }],
  { thinking: "They want it.", text: "I will send it." },
);
export const eventsOfToolCall = messageEvents(toolCall, { id: "1", model: "m" }).length;
const everyBreak = Array.from({ length: eventsOfToolCall }, (_, events) => events);

export const faultCases: [string, FaultCase][] = [
  ["429 without retry-after", fails(fault.status(429), "rate-limited", 3)],
  ["429 with a retry-after of 0", fails(fault.status(429, { retryAfter: 0 }), "rate-limited", 3)],
  [
    "429 with a short retry-after",
    fails(fault.status(429, { retryAfter: 20 }), "rate-limited", 3, { withinMs: 40 * second }),
  ],
  [
    "429 with a long retry-after",
    fails(fault.status(429, { retryAfter: 3_600 }), "rate-limited", 1, {
      after: { from: 60 * minute },
      withinMs: 0,
    }),
  ],
  [
    "429 with the longest retry-after that is waited for",
    fails(fault.status(429, { retryAfter: 30 }), "rate-limited", 3, { withinMs: 60 * second }),
  ],
  [
    "429 with the shortest that is not",
    fails(fault.status(429, { retryAfter: 31 }), "rate-limited", 1, {
      after: { from: 31 * second },
      withinMs: 0,
    }),
  ],
  [
    "429 with a retry-after of a year",
    fails(fault.status(429, { retryAfter: 31_536_000 }), "rate-limited", 1, {
      after: { from: day },
      withinMs: 0,
    }),
  ],
  [
    "429 until a date close by",
    fails(fault.status(429, { retryAfter: "Thu, 12 Nov 2026 10:00:10 GMT" }), "rate-limited", 3, {
      withinMs: 15 * second,
    }),
  ],
  [
    "429 until a date far off",
    fails(fault.status(429, { retryAfter: "Thu, 12 Nov 2026 16:00:00 GMT" }), "rate-limited", 1, {
      after: { from: 6 * 60 * minute },
      withinMs: 0,
    }),
  ],
  [
    "429 until a date in the past",
    fails(fault.status(429, { retryAfter: "Thu, 12 Nov 2020 10:00:00 GMT" }), "rate-limited", 3),
  ],
  [
    "429 with a retry-after that is none",
    fails(fault.status(429, { retryAfter: "soon" }), "rate-limited", 3),
  ],
  ["529 on every attempt", fails(fault.status(529), "overloaded", 3)],
  [
    "529 with a long retry-after",
    fails(fault.status(529, { retryAfter: 120 }), "overloaded", 1, {
      after: { from: 2 * minute },
      withinMs: 0,
    }),
  ],
  ["500", fails(fault.status(500), "overloaded", 3)],
  [
    "502 with a web page",
    fails({ ...fault.html(), status: 502 } as ScriptedReply, "overloaded", 3),
  ],
  ["503", fails(fault.status(503), "overloaded", 3)],
  ["504", fails(fault.status(504), "timeout", 3)],
  ["409", fails(fault.status(409), "overloaded", 3)],
  ["a reset connection", fails(fault.reset(), "unreachable", 3)],
  ["silence before the headers", fails(fault.hang(), "timeout", 3, silence)],
  ["silence before the first event", fails(fault.stallAfter(0), "cut", 3, silence)],
  ["silence in mid-stream", fails(fault.stallAfter(4), "cut", 3, silence)],
  ["silence before message_stop", fails(fault.stallAfter(7), "cut", 3, silence)],
  ["an overload in the stream", fails(fault.errorEvent("overloaded_error"), "overloaded", 3)],
  ["a rate limit in the stream", fails(fault.errorEvent("rate_limit_error"), "rate-limited", 3)],
  [
    "an overload after a whole tool call",
    fails(fault.errorEvent("overloaded_error", 7), "overloaded", 3),
  ],
  ["a web page with status 200", fails(fault.html(), "bad-reply", 2)],
  ["{} with status 200", fails(fault.emptyObject(), "bad-reply", 2)],
  ["a tool call of broken JSON", fails(fault.badToolJson(), "bad-reply", 2)],
  ["an unknown stop reason", fails({ ...toolCall, stopReason: "bored" }, "bad-reply", 2)],
  ["a refusal", fails(fault.refusal(), "refusal", 1, { withinMs: 0 })],
  [
    "a full context window",
    fails({ ...toolCall, stopReason: "model_context_window_exceeded" }, "too-long", 1, {
      withinMs: 0,
    }),
  ],
  ["413", fails(fault.status(413), "too-long", 1, { withinMs: 0 })],
  [
    "400 for a long prompt",
    fails(fault.status(400, { message: "prompt is too long: 210000 tokens" }), "too-long", 1, {
      withinMs: 0,
    }),
  ],
  ["400", fails(fault.status(400), "rejected", 1, { withinMs: 0 })],
  ["404", fails(fault.status(404), "rejected", 1, { withinMs: 0 })],
  ["401", fails(fault.status(401), "auth", 1, { after: "never", withinMs: 0 })],
  ["403", fails(fault.status(403), "auth", 1, { after: "never", withinMs: 0 })],
  ["402", fails(fault.status(402), "spend-limit", 1, { after: firstOfDecember, withinMs: 0 })],
  [
    "429 at the spend limit",
    fails(fault.status(429, atSpendLimit), "spend-limit", 1, {
      after: firstOfDecember,
      withinMs: 0,
    }),
  ],
  [
    "429 at the spend limit with a retry-after",
    fails(fault.status(429, { ...atSpendLimit, retryAfter: 864_000 }), "spend-limit", 1, {
      after: { from: 10 * day },
      withinMs: 0,
    }),
  ],
  [
    "400 without credit",
    fails(fault.status(400, { message: "Your credit balance is too low." }), "spend-limit", 1, {
      after: firstOfDecember,
      withinMs: 0,
    }),
  ],
  ["out of tokens in the middle of a call", replies(fault.maxTokens(), "max_tokens")],
  ["out of tokens after a whole call", replies(fault.maxTokensAfterWholeCall(), "max_tokens")],
  ["a pause", replies({ ...text("A moment."), stopReason: "pause_turn" }, "pause_turn")],
  [
    "a turn that ends beside a tool call",
    replies({ ...toolCall, stopReason: "end_turn" }, "end_turn"),
  ],
  ...everyBreak.flatMap((events): [string, FaultCase][] => [
    [
      `a connection that breaks after ${events} of ${eventsOfToolCall} events`,
      fails(fault.cutAfter(events, toolCall), "cut", 3),
    ],
    [
      `a stream that ends as if whole after ${events} of ${eventsOfToolCall} events`,
      fails(fault.cleanEndAfter(events, toolCall), "cut", 3),
    ],
  ]),
];
