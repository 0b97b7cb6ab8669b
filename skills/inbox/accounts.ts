import { AdapterError, type NotificationMail, type SkillLog, ToolError } from "watchkeeper";
import type { Account } from "./config.ts";
import type { ChangeContext, FoundMessage, MailContext, MailStore } from "./mail-store.ts";
import { parseWhole } from "./message.ts";
import type { OwnMail } from "./own-mail.ts";
import { provenSender } from "./proven-sender.ts";
import { mayBeSigned, receivedMail } from "./received-mail.ts";

/** An account as the tools see it. */
export interface ToolAccount {
  readonly account: Account;
  readonly store: MailStore;
  readonly own: OwnMail | undefined;
  readonly notificationMail: NotificationMail;
}

/** By name, in the order of the config. */
export type ToolAccounts = ReadonlyMap<string, ToolAccount>;

interface Context extends MailContext {
  readonly log: SkillLog;
}

/** One account, or all of them. @throws ToolError when there is none of that name */
export function pickAccounts(accounts: ToolAccounts, name: string | undefined): ToolAccount[] {
  if (name === undefined) return [...accounts.values()];
  const found = accounts.get(name);
  if (found !== undefined) return [found];
  throw new ToolError("INBOX_ACCOUNT_UNKNOWN", `there is no account "${name}"`, {
    hint: `The accounts are: ${[...accounts.keys()].join(", ")}`,
  });
}

export interface Holder extends ToolAccount {
  readonly found: FoundMessage;
}

/**
 * The account that has a message. One that cannot be asked does not hide it in another.
 * @throws ToolError when none has it, or when those that could not be asked may have it
 */
export async function findHolder(
  accounts: ToolAccounts,
  { id, account }: { id: string; account?: string | undefined },
  context: Context,
): Promise<Holder> {
  const failures: string[] = [];
  for (const each of pickAccounts(accounts, account)) {
    try {
      const found = await each.store.find(id, context);
      if (found === undefined) continue;
      const kind = await ownKind(each, found, context);
      if (kind === undefined) return { ...each, found };
      if (kind === "notification") throw notForTools();
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof ToolError) throw error;
      const { name } = each.account;
      const reason = reasonOf(error);
      context.log.warn("could not look for a message in an account", { account: name, reason });
      failures.push(`${name}: ${reason}`);
    }
  }
  if (failures.length > 0) {
    throw new ToolError("INBOX_READ_FAILED", `could not find the message: ${failures.join("; ")}`, {
      hint: "What the finding says is all there is for now",
    });
  }
  throw unknownMessage();
}

export const unknownMessage = (): ToolError =>
  new ToolError("INBOX_MESSAGE_UNKNOWN", "no account has a message with this id", {
    hint: "Give the id exactly as in the finding's Id line; the message may have been deleted or moved",
  });

/** What the daemon sent to its owner, as receipts and tools speak of it. */
export const ownMessages = (count: number): string =>
  count === 1 ? "1 message of watchkeeper's own" : `${count} messages of watchkeeper's own`;

const notForTools = (): ToolError =>
  new ToolError("INBOX_MESSAGE_OWN", "this is a message of watchkeeper's own to its owner", {
    hint: "It holds nothing that the findings do not say; leave it alone",
  });

/**
 * Whether the daemon itself sent it: as a notification to its owner, or with `inbox_send`. Neither is for its own
 * tools to read: it is no news from anybody.
 */
export async function ownKind(
  { own, notificationMail }: ToolAccount,
  { stored }: FoundMessage,
  context: MailContext,
): Promise<"notification" | "sent" | undefined> {
  if (own === undefined && !mayBeSigned(stored.source)) return undefined;
  const parsed = await parseWhole(stored, 0).catch(() => undefined);
  if (parsed === undefined) return undefined;
  if (notificationMail.isOurs(receivedMail(parsed))) return "notification";
  const { message } = parsed;
  if (own?.mayBeOurs(message) !== true) return undefined;
  return (await own.confirm([message.key], context)).has(message.key) ? "sent" : undefined;
}

/**
 * Facts for grants: `account`, and `from`, the single parsed From address, only when the receiving
 * server's authentication results are aligned with it.
 */
export async function factsOf(
  accounts: ToolAccounts,
  input: { id: string; account?: string | undefined },
  context: Context,
): Promise<Record<string, string>> {
  const { account, found } = await findHolder(accounts, input, context);
  const from = provenSender(found.stored.source, account.authservId);
  return { account: account.name, ...(from !== undefined && { from }) };
}

/**
 * Does what changes a mailbox. What goes wrong before the first command that changes anything is a
 * ToolError: nothing was done. What goes wrong after it is left as it is: nobody can tell.
 */
export async function changing<Result>(
  context: MailContext,
  work: (context: ChangeContext) => Promise<Result>,
): Promise<Result> {
  let begun = false;
  const onBegin = () => {
    begun = true;
  };
  try {
    return await work({ signal: context.signal, now: context.now, onBegin });
  } catch (error) {
    if (begun || error instanceof ToolError) throw error;
    const hint = error instanceof AdapterError ? error.hint : undefined;
    throw new ToolError("INBOX_NOT_CHANGED", `the mailbox was not changed: ${reasonOf(error)}`, {
      hint: `Nothing was done${hint === undefined ? "" : `. ${hint}`}`,
    });
  }
}

export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** For taking something back, which comes without a context of its own. */
export const undoContext = (): MailContext => ({
  signal: AbortSignal.timeout(50_000),
  now: new Date(),
});
