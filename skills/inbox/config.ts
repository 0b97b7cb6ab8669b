import { parseDuration, z } from "watchkeeper";
import { rule, vip } from "./rules-config.ts";
import { isLoopback } from "./server-tls.ts";

const port = () => z.int().min(1).max(65_535);

const tls = () =>
  z.strictObject({
    /** A certificate authority to trust: PEM text, or the path of a PEM file. */
    ca: z.string().min(1).optional(),
    /** The name in the server's certificate when it is not `host`. */
    servername: z.string().min(1).optional(),
  });

/** For providers that take no passwords: XOAUTH2 with a token got by a refresh token. */
const oauth2 = z.strictObject({
  tokenUrl: z
    .url({ protocol: /^https?$/, error: "must be a web address" })
    .refine((text) => !text.startsWith("http:") || isLoopback(new URL(text).hostname), {
      error: "must begin with https://",
    }),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1).optional(),
  refreshToken: z.string().min(1),
  scope: z.string().min(1).optional(),
});

const imapServer = z
  .strictObject({
    host: z.string().min(1),
    /** Default: 993, or 143 when `secure` is false. */
    port: port().optional(),
    secure: z.boolean().default(true),
    user: z.string().min(1),
    password: z.string().min(1).optional(),
    oauth2: oauth2.optional(),
    /** Keep a connection on which the server says at once that mail has come. */
    idle: z.boolean().default(true),
    tls: tls().optional(),
  })
  .check((context) => {
    const { password, oauth2 } = context.value;
    if ((password === undefined) !== (oauth2 === undefined)) return;
    context.issues.push({
      code: "custom",
      message: `imap needs either password or oauth2${oauth2 === undefined ? "" : ", not both"}`,
      input: context.value,
    });
  });

/** A login with `user` alone is one with the account's `imap.oauth2`. */
const smtpServer = z
  .strictObject({
    host: z.string().min(1),
    /** Default: 465, or 587 when `secure` is false. */
    port: port().optional(),
    secure: z.boolean().default(true),
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    oauth2: oauth2.optional(),
    tls: tls().optional(),
  })
  .check((context) => {
    const { user, password, oauth2 } = context.value;
    const [given, ...more] = [password && "a password", oauth2 && "oauth2"].filter(Boolean);
    if (given === undefined || (user !== undefined && more.length === 0)) return;
    context.issues.push({
      code: "custom",
      message:
        more.length > 0
          ? "smtp takes either password or oauth2, not both"
          : `smtp has ${given} and no user; write both, or neither`,
      input: context.value,
    });
  });

/** How far back the first look goes, in milliseconds; 0 takes nothing that is already there. */
const firstSight = z
  .string()
  .default("now")
  .transform((text, context) => {
    const ms = text === "now" ? 0 : parseDuration(text);
    if (ms !== undefined) return ms;
    context.issues.push({
      code: "custom",
      message: `"${text}" is neither "now" nor a duration such as "2d"`,
      input: text,
    });
    return z.NEVER;
  });

const account = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[a-z0-9-]+$/,
        'must be made of lower-case letters, digits and hyphens, such as "work"',
      )
      .max(60),
    /** What mail is sent from; needed with `smtp`. */
    address: z
      .email({
        pattern: z.regexes.html5Email,
        error: 'must be an e-mail address, such as "me@example.com"',
      })
      .max(254)
      .optional(),
    /**
     * The name with which the account's own server begins its Authentication-Results header. Without
     * it nobody's address counts as proven.
     */
    authservId: z
      .string()
      .regex(
        /^[A-Za-z0-9._-]+$/,
        'is the first word of your server\'s Authentication-Results header, such as "mx.example.com"',
      )
      .optional(),
    firstSight,
    /** Watched folders, in the server's own spelling; in a Maildir `Support` is the folder `.Support`. */
    folders: z
      .array(z.string().min(1).max(255))
      .min(1)
      .max(50)
      .default(["INBOX"])
      .transform((names) => [...new Set(names)]),
    imap: imapServer.optional(),
    /** Path of a Maildir; a relative one starts at the folder of the config file. */
    maildir: z.string().min(1).optional(),
    smtp: smtpServer.optional(),
  })
  .check((context) => {
    const { imap, maildir, name, smtp, address } = context.value;
    if (smtp !== undefined && address === undefined) {
      context.issues.push({
        code: "custom",
        message: `account "${name}" has smtp and no address; write the address that its mail is sent from`,
        input: context.value,
      });
    }
    const { user, password, oauth2 = imap?.oauth2 } = smtp ?? {};
    if (user !== undefined && password === undefined && oauth2 === undefined) {
      context.issues.push({
        code: "custom",
        message:
          "smtp has a user and no password; write a password or oauth2, or leave both out (a user alone logs in with imap.oauth2)",
        path: ["smtp"],
        input: smtp,
      });
    }
    if ((imap === undefined) === (maildir === undefined)) {
      context.issues.push({
        code: "custom",
        message: `account "${name}" needs either imap or maildir${imap === undefined ? "" : ", not both"}`,
        input: context.value,
      });
    }
  });

const namesOnce =
  (what: string) =>
  ({ value, issues }: z.core.ParsePayload<readonly { readonly name: string }[]>): void => {
    const seen = new Set<string>();
    for (const [index, { name }] of value.entries()) {
      if (seen.has(name)) {
        issues.push({
          code: "custom",
          message: `the ${what} name "${name}" is used twice`,
          path: [index, "name"],
          input: name,
        });
      }
      seen.add(name);
    }
  };

export const inboxConfig = z
  .strictObject({
    every: z
      .string()
      .default("10m")
      .refine((text) => parseDuration(text) !== undefined, {
        error: 'is not a duration; write a number and s, m, h or d, such as "10m"',
      }),
    accounts: z.array(account).min(1).check(namesOnce("account")),
    /** The owner's own rules: the first that fits a mail decides. */
    rules: z.array(rule).max(500).default([]).check(namesOnce("rule")),
    /** How long a question by mail may wait for its answer before it is told, in milliseconds. */
    waitingFor: z
      .string()
      .transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined) return ms;
        context.issues.push({
          code: "custom",
          message: `"${text}" is not a duration; write a number and h or d, such as "3d"`,
          input: text,
        });
        return z.NEVER;
      })
      .optional(),
    /** Senders whose mail is one step more urgent. */
    vips: z.array(vip).max(1_000).default([]),
  })
  .check((context) => {
    const { accounts, rules, waitingFor } = context.value;
    const names = accounts.map(({ name }) => name);
    for (const [index, { accounts: meant = [] }] of rules.entries()) {
      for (const [place, name] of meant.entries()) {
        if (names.includes(name)) continue;
        context.issues.push({
          code: "custom",
          message: `there is no account "${name}"; the accounts are ${names.join(", ")}`,
          path: ["rules", index, "accounts", place],
          input: name,
        });
      }
    }
    if (waitingFor !== undefined && !accounts.some(({ address }) => address !== undefined)) {
      context.issues.push({
        code: "custom",
        message: "needs to know whose mail it is; write the address of an account",
        path: ["waitingFor"],
        input: waitingFor,
      });
    }
  });

export type InboxConfig = z.output<typeof inboxConfig>;
export type Account = InboxConfig["accounts"][number];
export type ImapSettings = z.output<typeof imapServer>;
export type SmtpSettings = z.output<typeof smtpServer>;
export type OAuth2Settings = z.output<typeof oauth2>;
