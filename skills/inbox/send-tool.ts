import {
  type AnyTool,
  defineTool,
  type SkillLog,
  ToolError,
  type ToolRunContext,
  type z,
} from "watchkeeper";
import type { Account } from "./config.ts";
import type { SmtpServer } from "./servers.ts";
import { type AnsweredMailboxes, findAnswered, findThread, outgoingInput } from "./answer.ts";
import { composeMail, messageIdFor } from "./outgoing.ts";
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
  readonly mailboxes: AnsweredMailboxes;
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

const sendInput = outgoingInput("Default: the only one that can send");

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
