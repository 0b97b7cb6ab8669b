import { readReplyWord, type ReplyWord } from "./reply-word.ts";
import { wordToken, wordTokens } from "./word-token.ts";

/**
 * Whether a mail is the owner's word on an approval. It is when it bears the approval's token, comes from one of
 * the owner's addresses as the receiving server proves it, was written by a person, and says one word.
 */

export interface AnswerMail {
  /** Message-IDs, without angle brackets. */
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** In small letters; undefined when nobody proves it. */
  readonly provenSender: string | undefined;
  readonly isAutomatic: boolean;
}

/** Of an approval what its token is made of, and how it stands. */
export interface ApprovalClaim {
  readonly id: number;
  readonly argumentsHash: string;
  readonly expiresAt: number;
  readonly status: "pending" | "approved" | "denied" | "expired";
}

export type AnswerDecision =
  /** A mail like any other. */
  | { readonly kind: "none" }
  | {
      readonly kind: "take";
      readonly approval: ApprovalClaim;
      readonly word: Exclude<ReplyWord, { kind: "unclear" }>;
    }
  /** The word was given before, as when a mail is met again. */
  | { readonly kind: "known"; readonly approvalId: number; readonly status: "approved" | "denied" }
  | {
      readonly kind: "refuse";
      readonly approvalId: number | null;
      readonly why: Refusal;
      /** The rightful sender is told; whoever else is not. */
      readonly tell: boolean;
    };

export type Refusal =
  | "unknown-token"
  | "several-tokens"
  | "automatic"
  | "sender-not-proven"
  | "sender-not-asked"
  | "unclear"
  | "expired"
  | "decided";

/** Whoever writes more of them into a mail is not answering. */
const mostTokens = 30;

/**
 * @param approvals those that the mail may be about
 * @param askedAddresses to whom the question was sent, in small letters
 */
export function decideAnswer(
  mail: AnswerMail,
  {
    approvals,
    askedAddresses,
    secret,
    now,
  }: {
    readonly approvals: readonly ApprovalClaim[];
    readonly askedAddresses: readonly string[];
    readonly secret: string;
    readonly now: number;
  },
): AnswerDecision {
  const named = namedApproval(mail, approvals, secret);
  if (named.kind === "none") return named;
  const refuse = (why: Refusal, approvalId: number | null, tell = false) =>
    ({ kind: "refuse", why, approvalId, tell }) as const;
  if (named.kind === "unclear") return refuse(named.why, null);
  const { approval } = named;
  const { id } = approval;
  if (mail.isAutomatic) return refuse("automatic", id);
  if (mail.provenSender === undefined) return refuse("sender-not-proven", id);
  if (!askedAddresses.includes(mail.provenSender)) return refuse("sender-not-asked", id);
  const word = readReplyWord(mail.text);
  const status =
    approval.status === "pending" && approval.expiresAt <= now ? "expired" : approval.status;
  // Talk that goes on after the word was given is no failed answer.
  if (word.kind === "unclear") return refuse("unclear", id, status === "pending");
  if (status === "pending") return { kind: "take", approval, word };
  if (status === "expired") return refuse("expired", id, true);
  const wanted = word.kind === "approve" ? "approved" : "denied";
  return wanted === status
    ? { kind: "known", approvalId: id, status }
    : refuse("decided", id, true);
}

type Named =
  | { readonly kind: "none" }
  | { readonly kind: "unclear"; readonly why: "unknown-token" | "several-tokens" }
  | { readonly kind: "one"; readonly approval: ApprovalClaim };

/** What it says it answers counts before what it quotes. */
function namedApproval(
  { inReplyTo, references, subject, text }: AnswerMail,
  approvals: readonly ApprovalClaim[],
  secret: string,
): Named {
  const answeredTokens = tokensIn(inReplyTo.map(localPart).join(" "));
  const threadTokens = tokensIn(references.map(localPart).join(" "));
  const quotedTokens = tokensIn(`${subject}\n${text}`);
  if (answeredTokens.length + threadTokens.length + quotedTokens.length === 0)
    return { kind: "none" };
  // Once for each approval, however many tokens a stranger writes into a mail. Nobody can measure by mail how
  // long looking up takes.
  const byToken = new Map(
    approvals.map((approval) => {
      const { id: approvalId, argumentsHash, expiresAt } = approval;
      return [wordToken(secret, { approvalId, argumentsHash, expiresAt, use: "reply" }), approval];
    }),
  );
  const approvalsOf = (tokens: readonly string[]) =>
    new Set(tokens.flatMap((token) => byToken.get(token) ?? []));
  const answered = approvalsOf(answeredTokens);
  const [approval, ...others] =
    answered.size > 0 ? answered : approvalsOf([...threadTokens, ...quotedTokens]);
  if (others.length > 0) return { kind: "unclear", why: "several-tokens" };
  if (approval !== undefined) return { kind: "one", approval };
  // Quoted ones may be those of links, which are for no reply.
  return answeredTokens.length + threadTokens.length > 0
    ? { kind: "unclear", why: "unknown-token" }
    : { kind: "none" };
}

const localPart = (messageId: string): string =>
  messageId.slice(0, Math.max(0, messageId.lastIndexOf("@")));

const tokensIn = (text: string): string[] => {
  const found = text.toLowerCase().match(wordTokens) ?? [];
  return [...new Set(found)].slice(0, mostTokens);
};
