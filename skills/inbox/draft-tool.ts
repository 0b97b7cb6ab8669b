import { type AnyTool, defineTool, ToolError, type ToolRunContext } from "watchkeeper";
import { changing, type ToolAccount, type ToolAccounts, undoContext } from "./accounts.ts";
import { answeredMailboxes, findThread, outgoingInput } from "./answer.ts";
import { identifyMessage } from "./identity.ts";
import { composeMail, messageIdFor } from "./outgoing.ts";

export interface DraftResult {
  /** Of the draft: its Message-ID and content. */
  readonly id: string;
  readonly account: string;
  readonly folder: string;
}

/** The tool that writes a mail and leaves it to the owner to send it. */
export function draftTool(accounts: ToolAccounts): AnyTool {
  return defineTool({
    description: "Write a plain-text mail into the folder for drafts, for the owner to send.",
    effect: "write",
    harmless: true,
    timeout: "60s",
    input: outgoingInput("Default: the one that has the answered mail, else the first"),
    async run(input, context): Promise<DraftResult> {
      const { account, store } = await pick(accounts, input, context);
      const from = account.address;
      const thread =
        input.inReplyTo === undefined
          ? undefined
          : await findThread(answeredMailboxes(accounts), account, input.inReplyTo, context);
      const { to, subject, text } = input;
      const messageId = messageIdFor(context.idempotencyKey, from ?? "draft@localhost");
      const raw = await composeMail({
        ...{ messageId, from, to, subject, text },
        date: context.now,
        reply: thread,
      });
      const folder = await changing(context, (begin) => store.addDraft(raw, begin));
      return { id: identifyMessage(raw).key, account: account.name, folder };
    },
    async undo({ id, account, folder }: DraftResult) {
      const holder = accounts.get(account);
      const removed =
        holder !== undefined &&
        (await changing(undoContext(), (begin) => holder.store.removeDraft(id, begin)));
      if (removed) return;
      throw new ToolError("INBOX_UNDO_TOO_LATE", `${folder} has no such draft any more`, {
        hint: "It was changed, sent or deleted in the meantime, and is left as it is",
      });
    },
    async reconcile(input, context) {
      // Which account it was to be is looked up as it was before.
      const { account, store } = await pick(accounts, input, context);
      const messageId = messageIdFor(
        context.idempotencyKey,
        account.address ?? "draft@localhost",
      ).slice(1, -1);
      const found = await store.findDraft(messageId, context);
      if (found === undefined) return "not-done";
      return { result: { id: found.id, account: account.name, folder: found.folder } };
    },
  });
}

async function pick(
  accounts: ToolAccounts,
  { account: name, inReplyTo }: { account?: string | undefined; inReplyTo?: string | undefined },
  context: ToolRunContext,
): Promise<ToolAccount> {
  const [first] = accounts.values();
  if (name !== undefined) {
    const named = accounts.get(name);
    if (named !== undefined) return named;
    throw new ToolError("INBOX_ACCOUNT_UNKNOWN", `there is no account "${name}"`, {
      hint: `The accounts are: ${[...accounts.keys()].join(", ")}`,
    });
  }
  if (inReplyTo !== undefined && accounts.size > 1) {
    for (const each of accounts.values()) {
      const found = await each.store.find(inReplyTo, context).catch(() => undefined);
      if (found !== undefined) return each;
    }
  }
  if (first === undefined) throw new RangeError("the skill has no account");
  return first;
}
