import { findSecret, secret, type Environment } from "../../config/secret.ts";
import { ConfigError } from "../../domain/errors.ts";
import type {
  Answers,
  CalendarAnswer,
  ChannelAnswer,
  GivenSecret,
  MailAnswer,
  ServerAnswer,
} from "./answers.ts";
import { isPrivateAddress, nameFrom, namesApart } from "./names.ts";

/** What answers come to: parts of a configuration, and the secrets that they name. */

export interface Setup {
  /** As they stand in the configuration, with `secret()` where a secret belongs; undefined: not wanted. */
  readonly services: object | undefined;
  readonly inbox: object | undefined;
  readonly calendar: object | undefined;
  /** Beside the terminal. */
  readonly channels: Readonly<Record<string, object>>;
  readonly secrets: readonly NamedSecret[];
}

export interface NamedSecret extends GivenSecret {
  readonly name: string;
}

/** What stands in `.env` and in the environment before. */
export interface KnownEnvironment {
  readonly dotEnv: Environment;
  readonly environment: Environment;
}

/** Secrets with the names they get: the first use of a name keeps it plain, the second is `_2`. */
interface Purse {
  put(name: string, given: GivenSecret): unknown;
}

/** @throws ConfigError when the key of the model is in the environment already, with another value */
export function planSetup(answers: Answers, known: KnownEnvironment): Setup {
  const secrets: NamedSecret[] = [];
  const before = { ...known.dotEnv, ...known.environment };
  const valueOf = (name: string) =>
    secrets.find((each) => each.name === name)?.value ?? findSecret(name, before);
  const isFree = (name: string, value: string) => {
    const there = valueOf(name);
    return there === undefined ? !before[`${name}_FILE`] : there === value;
  };
  const purse: Purse = {
    put(wanted, given) {
      let name = wanted;
      for (let count = 2; !isFree(name, given.value); count += 1) name = `${wanted}_${count}`;
      if (!secrets.some((each) => each.name === name)) secrets.push({ ...given, name });
      return secret(name);
    },
  };
  const { mail, calendars, services, channels, apiKey } = answers;
  const addresses = [...new Set(mail.flatMap(({ address }) => address ?? []))];
  const setup = {
    services:
      services.length === 0
        ? undefined
        : { every: "1m", failureThreshold: 3, targets: targetsOf(services) },
    inbox: mail.length === 0 ? undefined : { every: "10m", accounts: accountsOf(mail, purse) },
    calendar:
      calendars.length === 0
        ? undefined
        : {
            every: "15m",
            remindBefore: "30m",
            // Invitations to these are the owner's.
            address: addresses.length > 1 ? addresses : addresses[0],
            sources: sourcesOf(calendars, purse),
          },
    channels: Object.fromEntries(
      channels.map((channel) => [channel.kind, channelOf(channel, purse)]),
    ),
  };
  if (apiKey) {
    if (!isFree(keyName, apiKey.value)) {
      throw new ConfigError(
        "INIT_KEY_TWICE",
        `${keyName} is in the environment or in .env with another value`,
        {
          hint: "Take it out there, or go on with that one",
        },
      );
    }
    secrets.push({ ...apiKey, name: keyName });
  }
  return { ...setup, secrets };
}

export const keyName = "ANTHROPIC_API_KEY";

function accountsOf(mail: readonly MailAnswer[], purse: Purse): object[] {
  const name = namesApart();
  return mail.map(({ address, imap, maildir }) => ({
    name: name(nameFrom(address?.split("@").at(-1) ?? imap?.host ?? "local")),
    address,
    maildir: imap ? undefined : maildir,
    imap: imap && {
      ...serverOf(imap),
      user: imap.user,
      password: purse.put("IMAP_PASSWORD", imap.password),
    },
  }));
}

const serverOf = ({ host, port, secure }: ServerAnswer) => ({ host, port, secure });

function sourcesOf(calendars: readonly CalendarAnswer[], purse: Purse): object[] {
  const name = namesApart();
  return calendars.map((calendar) => {
    switch (calendar.kind) {
      case "caldav": {
        const { url, user } = calendar;
        const password = purse.put("CALDAV_PASSWORD", calendar.password);
        return { name: name("mine"), caldav: { url, user, password } };
      }
      case "google": {
        const clientSecret = purse.put("GOOGLE_CLIENT_SECRET", calendar.clientSecret);
        const google = { calendarId: "primary", clientId: calendar.clientId, clientSecret };
        return { name: name("google"), google };
      }
      case "ics": {
        const { place } = calendar;
        const ics = isPrivateAddress(place)
          ? purse.put("CALENDAR_ADDRESS", { value: place })
          : place;
        return { name: name("calendar"), ics };
      }
    }
  });
}

function targetsOf(services: Answers["services"]): object[] {
  const name = namesApart();
  return services.map(({ kind, address }) => {
    const host = kind === "http" ? URL.parse(address)?.hostname : address.replace(/:\d+$/, "");
    return { name: name(nameFrom(host ?? kind)), [kind]: address };
  });
}

function channelOf(channel: ChannelAnswer, purse: Purse): object {
  switch (channel.kind) {
    case "ntfy": {
      const { server, topic, token } = channel;
      return { server, topic, token: token && purse.put("NTFY_TOKEN", token) };
    }
    case "email": {
      const { smtp, from, to } = channel;
      const password = smtp.password && purse.put("SMTP_PASSWORD", smtp.password);
      return { smtp: { ...serverOf(smtp), user: smtp.user, password }, from, to };
    }
    case "slack":
      return { url: purse.put("SLACK_URL", channel.url) };
    case "telegram": {
      const { token, chatId } = channel;
      return { token: purse.put("TELEGRAM_TOKEN", token), chatId };
    }
    case "webhook":
      return { url: channel.url, secret: purse.put("WEBHOOK_SECRET", channel.secret) };
  }
}

/** The tree that the configuration's default export holds. */
export const configTree = ({ services, inbox, calendar, channels }: Setup): object => ({
  skills: Object.fromEntries(
    Object.entries({ services, inbox, calendar }).filter(([, part]) => part !== undefined),
  ),
  notify: { channels: { terminal: {}, ...channels } },
});
