import {
  type AnyTool,
  defineTool,
  type SkillLog,
  ToolError,
  type ToolRunContext,
  z,
} from "watchkeeper";
import type { Account, SmtpServer } from "./config.ts";
import { identifyMessage, parseMessageKey } from "./identity.ts";
import type { Mailbox, StoredMessage } from "./mailbox.ts";
import { composeMail, messageIdFor, type Thread, threadOf } from "./outgoing.ts";
import { provenSender } from "./proven-sender.ts";
import type { SentCopy, SentFolder } from "./sent-folder.ts";
import { deliver, type SmtpLimits } from "./smtp.ts";

/** An account that mail can be sent from. */
export interface Sender {
  readonly account: Account;
  readonly address: string;
  readonly server: SmtpServer;
  readonly sent: SentFolder;
}

interface Dependencies {
  /** By account name; not empty. */
  readonly senders: ReadonlyMap<string, Sender>;
  /** All accounts, in which the message that is answered is looked for. */
  readonly mailboxes: ReadonlyMap<string, { account: Account; mailbox: Mailbox }>;
  readonly baseDir: string;
  readonly limits?: SmtpLimits;
}

export interface SendResult {
  /** With angle brackets. */
  readonly messageId: string;
  readonly accepted: readonly string[];
  readonly rejected: readonly string[];
  readonly note?: string;
}

/** The copy in the sent folder is a courtesy: it must not use up the time of the call. */
const copyMs = 20_000;
/** Looking for the mail that is answered must not either. */
const searchMs = 20_000;

// Conditions in code and not in the schema: a pattern there is a line of noise in every prompt.
const isAddress = (text: string) => z.email().safeParse(text).success;
const isOneLine = (text: string) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text);
const isPlainText = (text: string) => !/(?![\t\n\r])[\p{Cc}\p{Cs}]/u.test(text);
const isId = (text: string) => /^[\x21-\x7e]+$/.test(text);

const sendInput = z.strictObject({
  account: z.string().max(60).optional().describe("Default: the only one that can send"),
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

type SendInput = z.output<typeof sendInput>;

/** The tool that sends one mail, in plain text, from one of the owner's accounts. */
export function sendTool(dependencies: Dependencies): AnyTool {
  return defineTool({
    description:
      "Send one plain-text mail from the owner's account. Returns which recipients the server accepted.",
    effect: "send",
    timeout: "150s",
    input: sendInput,
    run: (input, context) => send(dependencies, input, context),
    subject: (input, context) => factsOf(dependencies, input, context),
    reconcile: (input, context) => reconcile(dependencies, input, context),
  });
}

async function send(
  { senders, mailboxes, baseDir, limits }: Dependencies,
  input: SendInput,
  context: ToolRunContext,
): Promise<SendResult> {
  const { signal, idempotencyKey, now, log } = context;
  const { account, address, server, sent } = pickSender(senders, input.account);
  const to = distinct(input.to);
  const messageId = messageIdFor(idempotencyKey, address);
  const reply = input.inReplyTo && (await findThread(mailboxes, account, input.inReplyTo, context));
  const { subject, text } = input;
  const mail = { messageId, from: address, to, subject, text, date: now };
  const raw = await composeMail({ ...mail, reply: reply || undefined });
  const delivery = { server, baseDir, from: address, to, raw };
  const { accepted, rejected, refusals } = await deliver(delivery, {
    signal,
    ...(limits && { limits }),
  });
  await keepCopy(sent, { messageId: messageId.slice(1, -1), raw }, { signal, now, log });
  return {
    messageId,
    accepted,
    rejected,
    ...(refusals.length > 0 && { note: `refused: ${refusals.join("; ")}` }),
  };
}

function pickSender(senders: ReadonlyMap<string, Sender>, name: string | undefined): Sender {
  const [first, ...others] = senders.values();
  const sender = name === undefined && others.length === 0 ? first : senders.get(name ?? "");
  if (sender !== undefined) return sender;
  const hint = `Accounts that can send: ${[...senders.keys()].join(", ")}`;
  if (name === undefined) {
    throw new ToolError("INBOX_ACCOUNT_NEEDED", "there are several accounts to send from", {
      hint,
    });
  }
  throw new ToolError("INBOX_ACCOUNT_CANNOT_SEND", `no account "${name}" can send mail`, { hint });
}

/** The thread of the message that is answered; undefined when that has no Message-ID to name. */
async function findThread(
  mailboxes: Dependencies["mailboxes"],
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
  return messageId === "" ? undefined : threadOf(messageId, found?.stored.source);
}

/** Looks in the sending account first. A mailbox that cannot be used has not got it. */
async function findAnswered(
  mailboxes: Dependencies["mailboxes"],
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

/** Never fails the call: the mail is sent. */
async function keepCopy(
  sent: SentFolder,
  copy: SentCopy,
  { signal, now, log }: { signal: AbortSignal; now: Date; log: SkillLog },
): Promise<void> {
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(copyMs)]);
    if (!(await sent.keep(copy, { signal: limited, now }))) {
      log.info("the account has no folder for sent mail: no copy was kept");
    }
  } catch (error) {
    log.warn("the mail was sent, and no copy of it could be kept", {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}

/**
 * `from` is whom the call answers: the proven From address of the message, and only when the answer
 * goes to that address and to nobody else. Otherwise a grant to answer a friend would let whoever
 * speaks through the friend's mail send it anywhere.
 *
 * Several recipients are no fact: joined to one text, a pattern such as `*@example.com` would fit
 * one that is not there. As arguments each of them has to fit.
 */
async function factsOf(
  { senders, mailboxes }: Dependencies,
  input: SendInput,
  context: ToolRunContext,
): Promise<Record<string, string>> {
  const { account } = pickSender(senders, input.account);
  const [to = "", ...others] = distinct(input.to);
  const facts: Record<string, string> = { account: account.name };
  if (others.length > 0) return facts;
  facts["to"] = to;
  if (input.inReplyTo === undefined) return facts;
  const found = await findAnswered(mailboxes, account, input.inReplyTo, context);
  const from = found && provenSender(found.stored.source, found.account.authservId);
  if (from !== undefined && from === to.toLowerCase()) facts["from"] = from;
  return facts;
}

/**
 * A copy in the folder of sent mail proves that the mail went out: our own is put there only after
 * the server took the mail, and so is a server's. That there is none proves nothing: the daemon may
 * have ended between the two. So the answer is never "not-done".
 */
async function reconcile(
  { senders }: Dependencies,
  input: SendInput,
  { signal, idempotencyKey, now, log }: ToolRunContext,
): Promise<{ result: SendResult } | undefined> {
  try {
    const { address, sent } = pickSender(senders, input.account);
    const messageId = messageIdFor(idempotencyKey, address);
    const id = messageId.slice(1, -1);
    if (!(await sent.find([id], { signal, now }))?.has(id)) return undefined;
    const note =
      "found in the folder of sent mail; whether single recipients were refused is not known";
    return { result: { messageId, accepted: distinct(input.to), rejected: [], note } };
  } catch (error) {
    log.warn("could not look for the mail in the folder of sent mail", {
      reason: error instanceof Error ? error.message : String(error),
    });
    return undefined;
  }
}

/** Each recipient once: the part before the @ is left as it is written. */
function distinct(addresses: readonly string[]): string[] {
  return [...new Map(addresses.map((address) => [address.toLowerCase(), address])).values()];
}
