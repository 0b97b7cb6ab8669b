import { ConfigError } from "../../domain/errors.ts";
import type { InitOptions } from "./options.ts";

/** Which options are answers, and which mean something only beside another. */

export const hasAnswers = (options: InitOptions): boolean =>
  Object.keys(optionNames).some((key) => key in options);

const optionNames = {
  mailAddress: "--mail-address",
  imapHost: "--imap-host",
  imapStarttls: "--imap-starttls",
  imapUser: "--imap-user",
  imapPasswordFile: "--imap-password-file",
  maildir: "--maildir",
  caldavUrl: "--caldav-url",
  caldavUser: "--caldav-user",
  caldavPasswordFile: "--caldav-password-file",
  ics: "--ics",
  googleClientId: "--google-client-id",
  googleClientSecretFile: "--google-client-secret-file",
  service: "--service",
  apiKeyFile: "--api-key-file",
  ntfy: "--ntfy",
  ntfyTokenFile: "--ntfy-token-file",
  emailTo: "--email-to",
  smtpHost: "--smtp-host",
  smtpStarttls: "--smtp-starttls",
  smtpUser: "--smtp-user",
  smtpPasswordFile: "--smtp-password-file",
  slackUrlFile: "--slack-url-file",
  telegramChat: "--telegram-chat",
  telegramTokenFile: "--telegram-token-file",
  webhookUrl: "--webhook-url",
  webhookSecretFile: "--webhook-secret-file",
} as const satisfies Partial<Record<keyof InitOptions, string>>;

type OptionName = keyof typeof optionNames;

/** An option that means nothing without one of these. */
const needs: Partial<Record<OptionName, readonly OptionName[]>> = {
  imapStarttls: ["imapHost"],
  imapUser: ["imapHost", "mailAddress"],
  imapPasswordFile: ["imapHost", "mailAddress"],
  caldavUser: ["caldavUrl"],
  caldavPasswordFile: ["caldavUrl"],
  googleClientSecretFile: ["googleClientId"],
  ntfyTokenFile: ["ntfy"],
  smtpHost: ["emailTo"],
  smtpStarttls: ["smtpHost"],
  smtpUser: ["emailTo"],
  smtpPasswordFile: ["emailTo"],
  telegramTokenFile: ["telegramChat"],
  webhookSecretFile: ["webhookUrl"],
};

/** @throws ConfigError for one that stands alone */
export function refuseLoose(options: InitOptions): void {
  for (const [name, wanted] of Object.entries(needs) as [OptionName, readonly OptionName[]][]) {
    if (options[name] === undefined || wanted.some((each) => options[each] !== undefined)) continue;
    throw new ConfigError("INIT_OPTION_ALONE", `${optionNames[name]} means nothing by itself`, {
      hint: `Give ${wanted.map((each) => optionNames[each]).join(" or ")} too`,
    });
  }
}
