import { ConfigError } from "../../domain/errors.ts";
import type {
  Answers,
  CalendarAnswer,
  ChannelAnswer,
  GivenSecret,
  MailAnswer,
  ServerAnswer,
} from "./answers.ts";
import type { SecretSource } from "./given-secret.ts";
import { findMailServers, type MailNames, type MailServers } from "./mail-servers.ts";
import type { InitOptions } from "./options.ts";
import { newSigningKey, readTopic } from "./channel-parts.ts";
import { refuseLoose } from "./loose-options.ts";
import { readServer } from "./server-address.ts";
import { readServiceAddress } from "./service-address.ts";

/** Answers that were given on the command line, each with what goes with it. */

interface Sources {
  readonly secrets: SecretSource;
  readonly names: MailNames;
}

/** @throws ConfigError for what does not go together, with the option that is missing */
export async function answersFrom(
  options: InitOptions,
  { secrets, names }: Sources,
): Promise<Answers> {
  refuseLoose(options);
  const { mailAddress, emailTo, apiKeyFile } = options;
  const asked = mailAddress ?? emailTo;
  const wantsServers =
    (mailAddress !== undefined && options.maildir === undefined && !options.imapHost) ||
    (emailTo !== undefined && !options.smtpHost);
  const servers = asked && wantsServers ? await findMailServers(asked, names) : undefined;
  const mail = mailOf(options, secrets, servers);
  const mailPassword = mail.find(({ imap }) => imap)?.imap?.password;
  return {
    mail,
    calendars: calendarsOf(options, secrets),
    services: (options.service ?? []).map(readServiceAddress),
    channels: channelsOf(options, { secrets, servers, mailPassword }),
    ...(apiKeyFile && {
      apiKey: secrets.needed("--api-key-file", apiKeyFile, "ANTHROPIC_API_KEY"),
    }),
  };
}

function mailOf(
  { mailAddress, imapHost, imapStarttls, imapUser, imapPasswordFile, maildir }: InitOptions,
  secrets: SecretSource,
  servers: MailServers | undefined,
): MailAnswer[] {
  const local =
    maildir === undefined ? [] : [{ maildir, address: imapHost ? undefined : mailAddress }];
  if (imapHost === undefined && (mailAddress === undefined || maildir !== undefined)) return local;
  const user = imapUser ?? mailAddress;
  if (user === undefined) {
    throw new ConfigError("INIT_OPTION_ALONE", "--imap-host means nothing by itself", {
      hint: "Give --mail-address or --imap-user too",
    });
  }
  const server =
    imapHost === undefined
      ? sureOf(servers, "imap", "--imap-host")
      : serverOf("--imap-host", imapHost, imapStarttls);
  const password = secrets.needed("--imap-password-file", imapPasswordFile, "IMAP_PASSWORD");
  return [{ address: mailAddress, imap: { ...server, user, password } }, ...local];
}

/** A password goes only to where the owner, or a name that is as sure, says. */
function sureOf(
  servers: MailServers | undefined,
  kind: "imap" | "smtp",
  option: string,
): ServerAnswer {
  const server = servers?.[kind];
  if (servers?.sure && server) return server;
  const told = server ? `: the name servers say ${server.host}, which is another domain's` : "";
  throw new ConfigError(
    "INIT_SERVER_UNSURE",
    `the ${kind.toUpperCase()} server of that address is not sure${told}`,
    {
      hint: `Name it with ${option}`,
    },
  );
}

function serverOf(option: string, text: string, startTls: boolean | undefined): ServerAnswer {
  const server = readServer(text, startTls);
  if (server !== undefined) return server;
  throw new ConfigError("INIT_SERVER_INVALID", `${option} is not a server`, {
    hint: "Write a host, or host:port, such as imap.example.com:993",
  });
}

function calendarsOf(options: InitOptions, secrets: SecretSource): CalendarAnswer[] {
  const { caldavUrl, caldavUser, mailAddress, caldavPasswordFile, googleClientId } = options;
  const calendars: CalendarAnswer[] = [];
  if (caldavUrl !== undefined) {
    const user = caldavUser ?? mailAddress;
    if (user === undefined) {
      throw new ConfigError("INIT_OPTION_ALONE", "--caldav-url means nothing by itself", {
        hint: "Give --caldav-user too",
      });
    }
    const password = secrets.needed(
      "--caldav-password-file",
      caldavPasswordFile,
      "CALDAV_PASSWORD",
    );
    calendars.push({ kind: "caldav", url: caldavUrl, user, password });
  }
  for (const place of options.ics ?? []) calendars.push({ kind: "ics", place });
  if (googleClientId !== undefined) {
    const file = options.googleClientSecretFile;
    const clientSecret = secrets.needed(
      "--google-client-secret-file",
      file,
      "GOOGLE_CLIENT_SECRET",
    );
    calendars.push({ kind: "google", clientId: googleClientId, clientSecret });
  }
  return calendars;
}

interface MailWays {
  readonly secrets: SecretSource;
  readonly servers: MailServers | undefined;
  readonly mailPassword: GivenSecret | undefined;
}

function channelsOf(options: InitOptions, ways: MailWays): ChannelAnswer[] {
  const { secrets } = ways;
  const { ntfy, ntfyTokenFile, emailTo, slackUrlFile, telegramChat, webhookUrl } = options;
  const channels: ChannelAnswer[] = [];
  if (ntfy !== undefined) {
    const token = secrets.maybe("--ntfy-token-file", ntfyTokenFile, "NTFY_TOKEN");
    channels.push({ kind: "ntfy", ...readTopic(ntfy), token });
  }
  if (emailTo !== undefined) channels.push(emailOf(emailTo, options, ways));
  if (slackUrlFile !== undefined) {
    channels.push({
      kind: "slack",
      url: secrets.needed("--slack-url-file", slackUrlFile, "SLACK_URL"),
    });
  }
  if (telegramChat !== undefined) {
    const { telegramTokenFile } = options;
    const token = secrets.needed("--telegram-token-file", telegramTokenFile, "TELEGRAM_TOKEN");
    channels.push({ kind: "telegram", token, chatId: telegramChat });
  }
  if (webhookUrl !== undefined) {
    const { webhookSecretFile } = options;
    const secret = secrets.maybe("--webhook-secret-file", webhookSecretFile, "WEBHOOK_SECRET");
    channels.push({ kind: "webhook", url: webhookUrl, secret: secret ?? newSigningKey() });
  }
  return channels;
}

function emailOf(
  to: string,
  options: InitOptions,
  { secrets, servers, mailPassword }: MailWays,
): ChannelAnswer {
  const { smtpHost, smtpStarttls, smtpUser, smtpPasswordFile, mailAddress } = options;
  const from = mailAddress ?? to;
  const server =
    smtpHost === undefined
      ? sureOf(servers, "smtp", "--smtp-host")
      : serverOf("--smtp-host", smtpHost, smtpStarttls);
  const own = secrets.maybe("--smtp-password-file", smtpPasswordFile, "SMTP_PASSWORD");
  // At one provider the password that opens the mailbox sends from it too.
  const password = own ?? (smtpHost === undefined ? mailPassword : undefined);
  const login = password && { user: smtpUser ?? from, password };
  if (smtpUser !== undefined && password === undefined) {
    secrets.needed("--smtp-password-file", undefined, "SMTP_PASSWORD");
  }
  return { kind: "email", smtp: { ...server, ...login }, from, to };
}
