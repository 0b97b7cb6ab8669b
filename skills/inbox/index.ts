import { defineSkill, type SkillContext } from "watchkeeper";
import { accountCheck } from "./check.ts";
import { type Account, type InboxConfig, inboxConfig } from "./config.ts";
import { imapMailbox } from "./imap-mailbox.ts";
import { imapSent } from "./imap-sent.ts";
import type { Mailbox } from "./mailbox.ts";
import { folderPath } from "./maildir-folders.ts";
import { maildirMailbox } from "./maildir-mailbox.ts";
import { maildirSent } from "./maildir-sent.ts";
import { ownMail } from "./own-mail.ts";
import { readTool } from "./read-tool.ts";
import { type Sender, sendTool } from "./send-tool.ts";
import type { SentFolder } from "./sent-folder.ts";

/**
 * Watches mailboxes, over IMAP or in a Maildir, one check per account. Looking and reading never
 * change them; the one thing written is the copy of a sent mail in the folder for sent mail.
 */
export default defineSkill({
  config: inboxConfig,
  checks({ config: { every, accounts, rules, vips }, baseDir, log }) {
    return Object.fromEntries(
      accounts.map((account) => {
        const { name, smtp, address, authservId } = account;
        const own = smtp && address ? ownMail(address, openSent(account, baseDir), log) : undefined;
        const folders = account.folders.map((folder) => ({
          name: folder,
          mailbox: openMailbox(account, folder, baseDir),
        }));
        return [
          name,
          accountCheck({ name, every, folders, own, words: { rules, vips }, authservId }),
        ];
      }),
    );
  },
  tools(context) {
    const { accounts } = context.config;
    const { baseDir } = context;
    const opened = new Map(
      accounts.map((account) => [
        account.name,
        { account, mailbox: openMailbox(account, account.folders[0] ?? "INBOX", baseDir) },
      ]),
    );
    const mailboxes = new Map([...opened].map(([name, { mailbox }]) => [name, mailbox]));
    const senders = findSenders(context);
    return {
      read: readTool(mailboxes),
      ...(senders.size > 0 && { send: sendTool({ senders, mailboxes: opened, baseDir }) }),
    };
  },
});

function findSenders({ config, baseDir }: SkillContext<InboxConfig>): Map<string, Sender> {
  const senders = new Map<string, Sender>();
  for (const account of config.accounts) {
    const { name, address, smtp } = account;
    if (smtp === undefined || address === undefined) continue;
    senders.set(name, { account, address, server: smtp, sent: openSent(account, baseDir) });
  }
  return senders;
}

function openMailbox(account: Account, folder: string, baseDir: string): Mailbox {
  const { imap, maildir } = account;
  if (imap !== undefined) return imapMailbox({ account, server: imap, folder, baseDir });
  return maildirMailbox({ account, path: folderPath(maildir ?? ".", folder), baseDir });
}

function openSent(account: Account, baseDir: string): SentFolder {
  const { imap, maildir } = account;
  if (imap !== undefined) return imapSent(imap, baseDir);
  return maildirSent(account, maildir ?? ".", baseDir);
}
