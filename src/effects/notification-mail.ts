import type { Clock } from "../domain/clock.ts";
import { isWatchkeeperError } from "../domain/errors.ts";
import { decideAnswer, type AnswerDecision, type Refusal } from "../domain/mail-answer.ts";
import { isSignedMail } from "../domain/mail-signature.ts";
import { wordTokens } from "../domain/word-token.ts";
import type { NotificationMail, ReceivedMail, TakenAnswer } from "../skills/notification-mail.ts";
import type { Store } from "../store/port.ts";
import { repliesCheck } from "./outcome.ts";
import { giveWord } from "./owner-word.ts";

/** The daemon's own mail, met again, and the owner's replies to it. */

export interface NotificationMailDependencies {
  /** What tokens and signatures are made of. */
  readonly secret: string;
  /** Undefined where nothing may be changed: answers are then mail like any other. */
  readonly answers:
    | {
        readonly store: Store;
        readonly clock: Clock;
        /** To whom questions are mailed, in small letters; none where they are not mailed. */
        readonly askedAddresses: readonly string[];
        /** Called when there is something to carry out. */
        readonly wake: () => void;
      }
    | undefined;
}

/** Replies to what was decided, or has expired, longer ago are mail like any other. */
const rememberedMs = 30 * 86_400_000;

export function notificationMail({
  secret,
  answers,
}: NotificationMailDependencies): NotificationMail {
  return {
    isOurs: ({ signature, isPlain, ...content }) =>
      signature !== undefined && isPlain && isSignedMail(signature, secret, content),

    async takeAnswer(mail) {
      if (answers === undefined || !mayAnswer(mail)) return undefined;
      const { store, clock, askedAddresses } = answers;
      const now = clock.now();
      const decide = async () => {
        const approvals = await store.listApprovalClaims({ expiringAfter: now - rememberedMs });
        return decideAnswer(mail, { approvals, askedAddresses, secret: secret, now });
      };
      const decision = await decide();
      if (decision.kind !== "take") return account(decision, now, store);
      const note = await give(decision, now, answers);
      // Not given: somebody else was quicker.
      return note === undefined ? account(await decide(), now, store) : { taken: true, note };
    },
  };
}

/** Nearly all mail ends here. */
function mayAnswer({ inReplyTo, references, subject, text }: ReceivedMail): boolean {
  const places = [...inReplyTo, ...references, subject, text];
  return places.some((place) => place.search(wordTokens) !== -1);
}

/** @returns undefined when the approval waits for no word any more */
async function give(
  { approval, word }: Extract<AnswerDecision, { kind: "take" }>,
  at: number,
  { store, wake }: NonNullable<NotificationMailDependencies["answers"]>,
): Promise<string | undefined> {
  const { id, argumentsHash: shownHash } = approval;
  const decision = word.kind === "approve" ? "approved" : "denied";
  const note = word.kind === "deny" ? word.note : null;
  try {
    await giveWord(store, id, { decision, note, at, shownHash });
  } catch (error) {
    if (isWatchkeeperError(error)) return undefined;
    throw error;
  }
  wake();
  await store.resolveOwnFinding({ check: repliesCheck, key: keyOf(id), at });
  return `approval ${id} ${decision} by e-mail reply`;
}

/** What is said of a reply that decides nothing. */
async function account(
  decision: AnswerDecision,
  at: number,
  store: Store,
): Promise<TakenAnswer | undefined> {
  switch (decision.kind) {
    case "none":
    case "take":
      return undefined;
    case "known": {
      const { approvalId, status } = decision;
      const note = `approval ${approvalId} was ${status} already: an e-mail reply says the same`;
      return { taken: true, note };
    }
    case "refuse": {
      const { approvalId, why, tell } = decision;
      if (tell && approvalId !== null) await tellSender(approvalId, why, at, store);
      const what =
        approvalId === null
          ? "an e-mail reply with a token"
          : `an e-mail reply to approval ${approvalId}`;
      return { taken: false, note: `${what} did not count: ${reasons[why]}` };
    }
  }
}

const reasons: Readonly<Record<Refusal, string>> = {
  "unknown-token": "its token is that of no approval",
  "several-tokens": "it bears the tokens of several approvals",
  automatic: "a machine or a list sent it",
  "sender-not-proven": "its sender is not proven by aligned Authentication-Results",
  "sender-not-asked": "its sender is none of notify.channels.email.to",
  unclear: "its first line is neither approve nor deny",
  expired: "the approval has expired",
  decided: "the approval was decided otherwise before",
};

const keyOf = (approvalId: number): string => `approval-${approvalId}`;

/** Once for an approval, until something else is to be said of it. */
async function tellSender(
  approvalId: number,
  why: Refusal,
  at: number,
  store: Store,
): Promise<void> {
  const told = titles[why];
  if (told === undefined) return;
  const title = `Your reply to approval ${approvalId} ${told}`;
  await store.setOwnFinding({
    check: repliesCheck,
    key: keyOf(approvalId),
    // The owner believes to have given their word.
    severity: "warning",
    title,
    text:
      why === "unclear"
        ? "Write approve or deny, and nothing else, as its first line; `deny: reason` says why."
        : `\`watchkeeper approvals show ${approvalId}\` shows what became of it.`,
    at,
  });
}

const titles: Readonly<Partial<Record<Refusal, string>>> = {
  unclear: "was not understood: nothing was decided",
  expired: "came too late: nothing was done",
  decided: "changes nothing: it was decided otherwise before",
};
