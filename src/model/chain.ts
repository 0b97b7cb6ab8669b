import { createAuthorship } from "./authorship.ts";
import { createLink, type LinkOptions, type Rest } from "./link.ts";
import type { Model, ModelFailure, ModelReply } from "./port.ts";
import type { RateLimits } from "./rate-limit.ts";

/** Several models as one: the first that can be asked and replies. After the last come the rules. */

export interface ChainEntry {
  /** One attempt per call. */
  readonly model: Model;
  readonly limits?: RateLimits;
}

export type ModelAvailability =
  | { readonly ready: true }
  | {
      readonly ready: false;
      /** When to look again, in milliseconds since the epoch; null: not before something changes. */
      readonly until: number | null;
      /** In our own words, for the owner. */
      readonly reason: string;
    };

export interface ModelChain extends Model {
  /** Whether a call has any chance now. */
  availability(now: number): ModelAvailability;
  /** The owner's word that something has changed: models that refused the key are asked again. */
  askAgain(): void;
}

export type ChainOptions = Pick<LinkOptions, "clock" | "random" | "log"> &
  Partial<Omit<LinkOptions, "clock" | "random" | "log">>;

const defaults = {
  maxAttempts: 3,
  baseDelayMs: 1_000,
  maxDelayMs: 20_000,
  longestWaitMs: 30_000,
};

/**
 * A call goes to the entries in their order, to each with its own retries, until one replies. The
 * reply's `usage` is that of the attempt that made it; every attempt goes through the ledger. A
 * failure is the last entry's, unless a model that did answer could not take the request, and its
 * message names each entry with its cause.
 */
export function createModelChain(
  entries: readonly ChainEntry[],
  options: ChainOptions,
): ModelChain {
  const { clock } = options;
  const links = entries.map(({ model, limits = {} }) =>
    createLink(model, limits, { ...defaults, ...options }),
  );
  const authorship = createAuthorship();

  return {
    name: links[0]?.name ?? "none",

    availability(now) {
      const rests: { readonly name: string; readonly rest: Rest }[] = [];
      for (const { name, rest } of links) {
        const why = rest(now);
        if (!why) return { ready: true };
        rests.push({ name, rest: why });
      }
      const untils = rests.flatMap(({ rest }) => rest.until ?? []);
      return {
        ready: false,
        until: untils.length > 0 ? Math.min(...untils) : null,
        reason: rests.map(({ name, rest }) => `${name}: ${inWords(rest)}`).join("; "),
      };
    },

    askAgain() {
      for (const link of links) link.askAgain();
    },

    async complete(request, call) {
      const startedAt = clock.now();
      const durationMs = () => Math.max(0, clock.now() - startedAt);
      const causes: string[] = [];
      const asked: (ModelReply & { ok: false })[] = [];
      let resting: ModelFailure | undefined;
      for (const link of links) {
        const rest = link.rest(clock.now());
        if (rest) {
          resting ??= { kind: rest.kind, message: rest.reason };
          causes.push(`${link.name} not asked: ${inWords(rest)}`);
          continue;
        }
        const messages = authorship.messagesFor(link.name, request.messages);
        const { reply, attempts } = await link.ask({ ...request, messages }, call);
        if (reply.ok) {
          authorship.note(reply.content, link.name);
          return { ...reply, durationMs: durationMs() };
        }
        asked.push(reply);
        const { kind, message } = reply.failure;
        const often = attempts > 1 ? ` (${attempts} attempts)` : "";
        causes.push(`${link.name}: ${kind}: ${message}${often}`);
        // A dearer model may not fit what is left where a cheaper one does.
        if (kind === "aborted") break;
      }
      const end = asked.at(-1);
      const told =
        end && isFinal(end) ? end : (asked.find(({ failure }) => isAnswer(failure)) ?? end);
      const kind = told?.failure.kind ?? resting?.kind ?? "rejected";
      const message = end?.failure.kind === "over-budget" ? end.failure.message : causes.join("; ");
      return {
        ok: false,
        model: told?.model ?? links[0]?.name ?? "none",
        failure: { kind, message: message || "there is no model in the chain" },
        ...(told?.usage ? { usage: told.usage } : {}),
        durationMs: durationMs(),
      };
    },
  };
}

const isFinal = ({ failure }: { readonly failure: ModelFailure }): boolean =>
  failure.kind === "aborted" || failure.kind === "over-budget";

/** The model is there and well; the request is not for it. */
const isAnswer = ({ kind }: ModelFailure): boolean => kind === "refusal" || kind === "too-long";

const inWords = ({ reason, until }: Rest): string =>
  until === null
    ? `${reason}; it is not asked again until \`watchkeeper resume\` or a new start`
    : `${reason}; not before ${new Date(until).toISOString().slice(0, 16).replace("T", " ")} UTC`;
