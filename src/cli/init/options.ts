import { Option, type Command } from "commander";

/** What `init` is told on the command line. Secrets are named by their files: others see what is typed. */
export interface InitOptions {
  readonly template?: boolean;
  /** False with --no-check. */
  readonly check: boolean;
  readonly mailAddress?: string;
  readonly imapHost?: string;
  readonly imapStarttls?: boolean;
  readonly imapUser?: string;
  readonly imapPasswordFile?: string;
  readonly maildir?: string;
  readonly caldavUrl?: string;
  readonly caldavUser?: string;
  readonly caldavPasswordFile?: string;
  readonly ics?: readonly string[];
  readonly googleClientId?: string;
  readonly googleClientSecretFile?: string;
  readonly service?: readonly string[];
  readonly apiKeyFile?: string;
  readonly ntfy?: string;
  readonly ntfyTokenFile?: string;
  readonly emailTo?: string;
  readonly smtpHost?: string;
  readonly smtpStarttls?: boolean;
  readonly smtpUser?: string;
  readonly smtpPasswordFile?: string;
  readonly slackUrlFile?: string;
  readonly telegramChat?: string;
  readonly telegramTokenFile?: string;
  readonly webhookUrl?: string;
  readonly webhookSecretFile?: string;
}

type Words = readonly [flags: string, description: string];

const groups: Readonly<Record<string, readonly Words[]>> = {
  "Mail:": [
    ["--mail-address <address>", "an e-mail address; its servers are guessed where not given"],
    ["--imap-host <host>", "its IMAP server, host or host:port"],
    ["--imap-starttls", "TLS begins after the greeting (default: by the port)"],
    ["--imap-user <user>", "default: the address"],
    ["--imap-password-file <file>", "or IMAP_PASSWORD in the environment"],
    ["--maildir <dir>", "mail in a Maildir on this machine"],
  ],
  "Calendar:": [
    ["--caldav-url <url>", "a CalDAV server, or one calendar on it"],
    ["--caldav-user <user>", "default: the mail address"],
    ["--caldav-password-file <file>", "or CALDAV_PASSWORD in the environment"],
    ["--ics <place...>", "iCalendar files or addresses"],
    ["--google-client-id <id>", "a calendar at Google; `auth google` logs in afterwards"],
    ["--google-client-secret-file <file>", "or GOOGLE_CLIENT_SECRET in the environment"],
  ],
  "Services:": [
    ["--service <address...>", "https://…, host:port, or tls://host for its certificate"],
  ],
  "Where to be told, beside the terminal:": [
    ["--ntfy <url>", "a topic, such as https://ntfy.sh/what-nobody-guesses"],
    ["--ntfy-token-file <file>", "or NTFY_TOKEN in the environment"],
    ["--email-to <address>", "e-mail, from the mail address or this one"],
    ["--smtp-host <host>", "its SMTP server, host or host:port"],
    ["--smtp-starttls", "TLS begins after the greeting (default: by the port)"],
    ["--smtp-user <user>", "default: the mail address, where there is a password"],
    ["--smtp-password-file <file>", "or SMTP_PASSWORD in the environment"],
    ["--slack-url-file <file>", "holds the address of an incoming webhook of Slack"],
    ["--telegram-chat <id>", "a chat with your bot"],
    ["--telegram-token-file <file>", "or TELEGRAM_TOKEN in the environment"],
    ["--webhook-url <url>", "an address of your own"],
    ["--webhook-secret-file <file>", "the key of its signature (default: one is made)"],
  ],
  "Model:": [["--api-key-file <file>", "an Anthropic API key; without one the rules decide"]],
};

/** Without any of these, on a terminal, `init` asks. */
export function addInitOptions(command: Command): Command {
  command
    .option("--template", "ask nothing: write the commented template")
    .option("--no-check", "ask none of the servers that you name");
  for (const [group, options] of Object.entries(groups)) {
    for (const [flags, description] of options) {
      command.addOption(new Option(flags, description).helpGroup(group));
    }
  }
  return command.addHelpText(
    "after",
    "\nOn a terminal and without options, init asks. A secret is given in a file, which\n" +
      "is used where it lies, on standard input (`-`), or in the environment; what came\n" +
      "by the last two is written into .env. Nothing that is there is overwritten.",
  );
}
