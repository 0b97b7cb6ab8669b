import { ToolError, type ToolRunContext, z } from "watchkeeper";
import type { ToolAccounts } from "./accounts.ts";
import type { Account } from "./config.ts";
import { identifyMessage, parseMessageKey } from "./identity.ts";
import type { Mailbox, StoredMessage } from "./mailbox.ts";
import { bearsToken, type Thread, threadOf } from "./outgoing.ts";

/** What a mail of the owner's is made of, and the mail that it answers. */

/** All accounts by name, in which the message that is answered is looked for. */
export type AnsweredMailboxes = ReadonlyMap<
  string,
  { readonly account: Account; readonly mailbox: Pick<Mailbox, "find"> }
>;

export const answeredMailboxes = (accounts: ToolAccounts): AnsweredMailboxes =>
  new Map(
    [...accounts].map(([name, { account, store }]) => [
      name,
      {
        account,
        mailbox: { find: async (id, context) => (await store.find(id, context))?.stored },
      },
    ]),
  );

/** Looking for the mail that is answered must not use up the time of the call. */
const searchMs = 20_000;

// Conditions in code and not in the schema: a pattern there is a line of noise in every prompt.
// A host in the owner's own network has no dot.
const isAddress = (text: string) => z.regexes.html5Email.test(text);
const isOneLine = (text: string) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text);
const isPlainText = (text: string) => !/(?![\t\n\r])[\p{Cc}\p{Cs}]/u.test(text);
const isId = (text: string) => /^[\x21-\x7e]+$/.test(text);

/** What a mail is made of; `account` says what becomes of it when it is left out. */
export const outgoingInput = (account: string) =>
  z.strictObject({
    account: z.string().max(60).optional().describe(account),
    to: z
      .array(z.string().max(254).refine(isAddress, 'must be an address such as "ann@example.com"'))
      .min(1)
      .max(20),
    subject: z.string().min(1).max(300).refine(isOneLine, "must be one line of plain text"),
    text: z.string().min(1).max(50_000).refine(isPlainText, "must be plain text"),
    inReplyTo: z
      .string()
      .min(1)
      .max(1_000)
      .refine(isId, "must be an id as it stands in a finding")
      .optional()
      .describe("Id of the mail that this answers"),
  });

/** The thread of the message that is answered; undefined when that has no Message-ID to name. */
export async function findThread(
  mailboxes: AnsweredMailboxes,
  account: Account,
  id: string,
  context: ToolRunContext,
): Promise<Thread | undefined> {
  const found = await findAnswered(mailboxes, account, id, context);
  const named = parseMessageKey(id).messageId;
  if (found === undefined && named === "") {
    throw new ToolError("INBOX_MESSAGE_UNKNOWN", "no account has a message with this id", {
      hint: "Give inReplyTo exactly as in the finding's Id line, or leave it out",
    });
  }
  const messageId = found ? identifyMessage(found.stored.source).messageId : named;
  return messageId === "" || bearsToken(messageId)
    ? undefined
    : threadOf(messageId, found?.stored.source);
}

/** Looks in the sending account first. A mailbox that cannot be used has not got it. */
export async function findAnswered(
  mailboxes: AnsweredMailboxes,
  account: Account,
  id: string,
  { signal, now, log }: ToolRunContext,
): Promise<{ account: Account; stored: StoredMessage } | undefined> {
  const own = [...mailboxes.values()].filter((each) => each.account === account);
  const others = [...mailboxes.values()].filter((each) => each.account !== account);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(searchMs)]);
  for (const { account: holder, mailbox } of [...own, ...others]) {
    try {
      const stored = await mailbox.find(id, { signal: limited, now });
      if (stored) return { account: holder, stored };
    } catch (error) {
      signal.throwIfAborted();
      log.warn("could not look for the mail that is answered", {
        account: holder.name,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return undefined;
}
