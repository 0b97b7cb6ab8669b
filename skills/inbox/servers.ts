import type { SkillContext } from "watchkeeper";
import type { Account, ImapSettings, InboxConfig, SmtpSettings } from "./config.ts";
import { createTokenSources, type TokenSource, type TokenSources } from "./oauth2.ts";
import type { Secrets } from "./without-secrets.ts";

/** An IMAP server as the config describes it, with what gives the tokens for it. */
export interface ImapServer extends ImapSettings {
  /** Undefined where a password is the login. */
  readonly tokens: TokenSource | undefined;
}

export interface SmtpServer extends SmtpSettings {
  /** Undefined where a password is the login, or where there is no login. */
  readonly tokens: TokenSource | undefined;
}

/** An account with its servers. */
export interface OpenAccount extends Account {
  readonly imap?: ImapServer | undefined;
  readonly smtp?: SmtpServer | undefined;
}

type Context = Pick<SkillContext<InboxConfig>, "config" | "stateDir" | "log">;

/** A loaded skill makes its checks, its tools and its background one by one, all with the same config. */
const opened = new WeakMap<InboxConfig, readonly OpenAccount[]>();

/** The accounts of one loaded skill: whoever asks shares the tokens of their servers. */
export function openAccounts(context: Context): readonly OpenAccount[] {
  const { config } = context;
  const known = opened.get(config);
  if (known !== undefined) return known;
  const tokenSources = createTokenSources(context);
  const accounts = config.accounts.map((account) => openAccount(account, tokenSources));
  opened.set(config, accounts);
  return accounts;
}

function openAccount({ imap, smtp, ...account }: Account, sourceFor: TokenSources): OpenAccount {
  return {
    ...account,
    ...(imap && { imap: { ...imap, tokens: imap.oauth2 && sourceFor(imap.oauth2) } }),
    ...(smtp && { smtp: { ...smtp, tokens: smtpTokens(smtp, imap, sourceFor) } }),
  };
}

/** With its own `oauth2`, or, for a user that has nothing to log in with, with that of `imap`. */
function smtpTokens(
  { user, password, oauth2 }: SmtpSettings,
  imap: ImapSettings | undefined,
  sourceFor: TokenSources,
): TokenSource | undefined {
  if (user === undefined || password !== undefined) return undefined;
  const settings = oauth2 ?? imap?.oauth2;
  return settings && sourceFor(settings);
}

/** What must not be shown of a server's login. */
export function secretsOf({
  user = "",
  password,
  tokens,
}: Pick<SmtpServer, "user" | "password" | "tokens">): Secrets {
  const secrets = [...(password === undefined ? [] : [password]), ...(tokens?.recent() ?? [])];
  return { user, secrets };
}
