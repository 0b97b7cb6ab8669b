import { defineSkill, type SkillContext } from "watchkeeper";
import { mailboxCheck } from "./check.ts";
import { type Account, type InboxConfig, inboxConfig } from "./config.ts";
import { imapMailbox } from "./imap-mailbox.ts";
import type { Mailbox } from "./mailbox.ts";
import { maildirMailbox } from "./maildir-mailbox.ts";
import { readTool } from "./read-tool.ts";

/** Watches mailboxes, over IMAP or in a Maildir, without ever changing them. One check per account. */
export default defineSkill({
  config: inboxConfig,
  checks(context) {
    const { every, accounts } = context.config;
    for (const { name, smtp } of accounts) {
      if (smtp) context.log.warn(`smtp of ${name} is not used by this version yet`);
    }
    return Object.fromEntries(
      [...openMailboxes(context)].map(([name, mailbox]) => [name, mailboxCheck(mailbox, every)]),
    );
  },
  tools: (context) => ({ read: readTool(openMailboxes(context)) }),
});

function openMailboxes({ config, baseDir }: SkillContext<InboxConfig>): Map<string, Mailbox> {
  return new Map(config.accounts.map((account) => [account.name, openMailbox(account, baseDir)]));
}

function openMailbox(account: Account, baseDir: string): Mailbox {
  const { imap, maildir } = account;
  if (imap !== undefined) return imapMailbox({ account, server: imap, baseDir });
  return maildirMailbox({ account, path: maildir ?? ".", baseDir });
}
