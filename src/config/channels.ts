import { z } from "zod";
import { duration } from "../domain/duration.ts";
import { severities, severityRank } from "../domain/finding.ts";

/** What may stand under `notify.channels`. */

const common = {
  /** `fallback`: only what another channel could not deliver. */
  use: z.enum(["always", "fallback"]).default("always"),
  /** The lowest that it is given. */
  severity: z.enum(severities).default("info"),
};

const anyWebAddress = () => z.url({ protocol: /^https?$/ });

/** `fetch` refuses an address with a login in it, and would quote it. */
export const webAddress = () =>
  anyWebAddress().refine((text) => !URL.canParse(text) || !hasLogin(new URL(text)), {
    error: "must not have a user or password before its host: it could not be called",
  });

const hasLogin = ({ username, password }: URL): boolean => username !== "" || password !== "";

/** An address of which path, query and login would be lost. */
const serverAddress = () =>
  anyWebAddress().refine((text) => !URL.canParse(text) || isOriginOnly(new URL(text)), {
    error: ({ input }) =>
      `${JSON.stringify(input)} must be scheme and host alone, such as "https://ntfy.example.com"`,
  });

const isOriginOnly = ({ pathname, search, hash, username, password }: URL): boolean =>
  pathname === "/" && `${search}${hash}${username}${password}` === "";

const mailAddress = () =>
  z.email({
    // On this machine or in this house a host has no dot.
    pattern: z.regexes.html5Email,
    error: ({ input }) => `${JSON.stringify(input)} is not an address such as "me@example.com"`,
  });

const smtp = z
  .strictObject({
    host: z.string().min(1),
    /** Default: 465, or 587 when `secure` is false. */
    port: z.int().min(1).max(65_535).optional(),
    secure: z.boolean().default(true),
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    tls: z
      .strictObject({
        /** A certificate authority to trust: PEM text, or the path of a PEM file. */
        ca: z.string().min(1).optional(),
        /** The name in the server's certificate when it is not `host`. */
        servername: z.string().min(1).optional(),
      })
      .optional(),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    error: "has only one of user and password; write both, or neither",
  });

const email = z.strictObject({
  smtp,
  from: mailAddress(),
  to: z.union([mailAddress(), z.array(mailAddress()).min(1)]).transform((to) => [to].flat()),
  ...common,
});

const ntfy = z
  .strictObject({
    server: serverAddress(),
    topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, {
      error: "must be up to 64 letters, digits, hyphens and underscores",
    }),
    token: z.string().min(1).optional(),
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    ...common,
  })
  .check((context) => {
    const { token, user, password } = context.value;
    const isHalf = (user === undefined) !== (password === undefined);
    const isTwofold = token !== undefined && user !== undefined;
    if (!isHalf && !isTwofold) return;
    context.issues.push({
      code: "custom",
      message: isHalf
        ? "has only one of user and password; write both, or neither"
        : "takes either a token, or user and password, not both",
      input: context.value,
    });
  });

const slack = z.strictObject({ url: webAddress(), ...common });

const telegram = z.strictObject({
  token: z.string().regex(/^\d+:[\w-]+$/, {
    error: "must be the bot's token, such as 123456:ABC-DEF",
  }),
  chatId: z.union([
    z.int(),
    z.string().regex(/^(?:-?\d+|@\w+)$/, {
      error: 'must be the number of a chat, or the name of a channel such as "@watch"',
    }),
  ]),
  /** Of a Bot API server of one's own. */
  apiUrl: webAddress().default("https://api.telegram.org"),
  ...common,
});

const leastKeyBytes = 24;

const webhook = z.strictObject({
  url: webAddress(),
  /** The key of the signature: `whsec_` and base64, or any text. */
  secret: z.string().refine((text) => signingKey(text).length >= leastKeyBytes, {
    error: `must be at least ${leastKeyBytes} bytes, as text or in base64 behind whsec_; openssl rand -base64 32 makes one`,
  }),
  ...common,
});

/** The bytes that a webhook is signed with. */
export const signingKey = (secret: string): Buffer =>
  secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret, "utf8");

const command = z.strictObject({
  /** Program and arguments, without a shell. */
  run: z.array(z.string().min(1)).min(1),
  env: z.record(z.string().min(1), z.string()).default({}),
  timeout: duration().prefault("20s"),
  ...common,
});

export const channelsSchema = z.strictObject({
  terminal: z.strictObject(common).optional(),
  email: email.optional(),
  ntfy: ntfy.optional(),
  slack: slack.optional(),
  telegram: telegram.optional(),
  webhook: webhook.optional(),
  command: command.optional(),
});

export type ChannelSettings = z.output<typeof channelsSchema>;
export type ChannelName = keyof ChannelSettings;
/** The settings of one channel. */
export type SettingsOf<Name extends ChannelName> = NonNullable<ChannelSettings[Name]>;

/** Where a secret stands, whether it is given by `secret()` or not. */
const secretPlaces = [
  "email.smtp.password",
  "ntfy.token",
  "ntfy.password",
  "slack.url",
  "telegram.token",
  "webhook.secret",
];

/** The secrets among the settings, by where they stand; of what the owner wrote: only those in clear text. */
export function channelSecrets(channels: unknown): Map<string, string> {
  const found = new Map<string, string>();
  for (const place of secretPlaces) {
    const value = place
      .split(".")
      .reduce<unknown>(
        (node, key) => (node as Record<string, unknown> | undefined)?.[key],
        channels,
      );
    if (typeof value === "string") found.set(`notify.channels.${place}`, value);
  }
  return found;
}

/** A parsed object has its keys in the schema's order; the owner's says who is asked first. */
export function inWrittenOrder(channels: ChannelSettings, written: unknown): ChannelSettings {
  const names = Object.keys(written ?? channels) as ChannelName[];
  return Object.fromEntries(
    names.flatMap((name) => (channels[name] ? [[name, channels[name]]] : [])),
  );
}

/** What the owner may not have meant: messages that no channel is given. */
export function channelWarnings(channels: ChannelSettings): string[] {
  const ranks = Object.values(channels).map((settings) =>
    severityRank(settings?.severity ?? "info"),
  );
  const lowest = severities[Math.min(...ranks)];
  if (lowest === undefined || severityRank(lowest) <= severityRank("notice")) return [];
  return [
    `every channel of notify.channels begins at ${lowest}: what is below goes to none of them`,
  ];
}
