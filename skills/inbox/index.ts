import { type CheckDefinition, defineSkill, type SkillContext, type SkillLog } from "watchkeeper";
import { answeredMailboxes } from "./answer.ts";
import { archiveTool, labelTool, markReadTool } from "./change-tools.ts";
import { accountCheck } from "./check.ts";
import { type InboxConfig, inboxConfig } from "./config.ts";
import { imapMailbox } from "./imap-mailbox.ts";
import { imapSent, imapSentMailbox } from "./imap-sent.ts";
import type { Mailbox } from "./mailbox.ts";
import { folderPath } from "./maildir-folders.ts";
import { maildirMailbox } from "./maildir-mailbox.ts";
import { maildirSent, maildirSentMailbox } from "./maildir-sent.ts";
import { imapStore } from "./imap-store.ts";
import { loginCheck, loginCheckName } from "./login-check.ts";
import type { MailStore } from "./mail-store.ts";
import { maildirStore } from "./maildir-store.ts";
import { draftTool } from "./draft-tool.ts";
import { searchTool } from "./search-tool.ts";
import { listenForNews } from "./idle.ts";
import { type OwnMail, ownMail } from "./own-mail.ts";
import { readTool } from "./read-tool.ts";
import { type Sender, sendTool } from "./send-tool.ts";
import { smtpCheck, smtpCheckName } from "./smtp-check.ts";
import type { WaitingAccount } from "./waiting-look.ts";
import type { SentFolder } from "./sent-folder.ts";
import { type OpenAccount, openAccounts } from "./servers.ts";

/**
 * Watches mailboxes, over IMAP or in a Maildir, one check per account, and whether their servers let the
 * owner in. Looking, searching and reading never change them.
 */
export default defineSkill({
  config: inboxConfig,
  checks(context) {
    const { config, baseDir, log, wake, notificationMail } = context;
    const { every, rules, vips, waitingFor } = config;
    return Object.fromEntries(
      openAccounts(context).flatMap((account) => {
        const { name, authservId } = account;
        const own = ownMailOf(account, baseDir, log);
        const folders = account.folders.map((folder) => ({
          name: folder,
          mailbox: openMailbox(account, folder, baseDir),
        }));
        const words = { rules, vips };
        const waiting = waitingIn(account, waitingFor, context);
        const onRefusal = () => wake(loginCheckName(name));
        const watched = {
          ...{ name, every, folders, own, words, authservId, waiting, onRefusal },
          notificationMail,
        };
        const checks: [string, CheckDefinition][] = [[name, accountCheck(watched)]];
        if (account.imap !== undefined)
          checks.push([loginCheckName(name), loginCheck(name, account.imap, baseDir)]);
        if (account.smtp !== undefined)
          checks.push([smtpCheckName(name), smtpCheck(account.smtp, baseDir)]);
        return checks;
      }),
    );
  },
  repliesAt: ({ config }) =>
    config.accounts.flatMap(({ name, address, authservId }) => {
      if (address === undefined) return [];
      const problem = `account "${name}" has no authservId, so nobody's address counts as proven; write the first word of your server's Authentication-Results header`;
      return [{ address, ...(authservId === undefined && { problem }) }];
    }),
  async background(context) {
    const { baseDir, log, wake, signal } = context;
    await Promise.all(
      openAccounts(context).flatMap(({ name, imap, folders: [folder = "INBOX"] }) => {
        if (imap?.idle !== true) return [];
        const onNews = () => wake(name);
        return listenForNews({ account: name, server: imap, folder, baseDir, signal, log, onNews });
      }),
    );
  },
  tools(context) {
    const { config, baseDir, log, notificationMail } = context;
    const accounts = new Map(
      openAccounts(context).map((account) => {
        const own = ownMailOf(account, baseDir, log);
        const store = openStore(account, baseDir);
        return [account.name, { account, store, own, notificationMail }];
      }),
    );
    const senders = findSenders(context);
    const mailboxes = answeredMailboxes(accounts);
    return {
      search: searchTool(accounts, config),
      read: readTool(accounts),
      label: labelTool(accounts),
      mark_read: markReadTool(accounts),
      archive: archiveTool(accounts),
      draft: draftTool(accounts),
      ...(senders.size > 0 && { send: sendTool({ senders, mailboxes, baseDir }) }),
    };
  },
});

function findSenders(context: SkillContext<InboxConfig>): Map<string, Sender> {
  const { baseDir } = context;
  const senders = new Map<string, Sender>();
  for (const account of openAccounts(context)) {
    const { name, address, smtp } = account;
    if (smtp === undefined || address === undefined) continue;
    senders.set(name, { account, address, server: smtp, sent: openSent(account, baseDir) });
  }
  return senders;
}

function openMailbox(account: OpenAccount, folder: string, baseDir: string): Mailbox {
  const { imap, maildir } = account;
  if (imap !== undefined) return imapMailbox({ account, server: imap, folder, baseDir });
  return maildirMailbox({ account, path: folderPath(maildir ?? ".", folder), baseDir });
}

function openStore(account: OpenAccount, baseDir: string): MailStore {
  const { imap, maildir, folders } = account;
  if (imap !== undefined) return imapStore({ server: imap, folders, baseDir });
  return maildirStore(account, maildir ?? ".", baseDir);
}

function ownMailOf(account: OpenAccount, baseDir: string, log: SkillLog): OwnMail | undefined {
  const { smtp, address } = account;
  return smtp && address ? ownMail(address, openSent(account, baseDir), log) : undefined;
}

/** Whose mail it is must be known: only accounts with an address are looked at for it. */
function waitingIn(
  account: OpenAccount,
  waitMs: number | undefined,
  { baseDir, notificationMail }: SkillContext<InboxConfig>,
): WaitingAccount | undefined {
  const { address, imap, maildir } = account;
  if (waitMs === undefined || address === undefined) return undefined;
  const sent =
    imap === undefined
      ? maildirSentMailbox(account, maildir ?? ".", baseDir)
      : imapSentMailbox(account, imap, baseDir);
  return { address, waitMs, sent, store: openStore(account, baseDir), notificationMail };
}

function openSent(account: OpenAccount, baseDir: string): SentFolder {
  const { imap, maildir } = account;
  if (imap !== undefined) return imapSent(imap, baseDir);
  return maildirSent(account, maildir ?? ".", baseDir);
}
