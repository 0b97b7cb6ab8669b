import { Resolver } from "node:dns/promises";
import type { ServerAnswer } from "./answers.ts";

/** The servers behind a mail address: of providers that many have, and what a domain says of itself. */

export interface MailServers {
  readonly imap: ServerAnswer;
  readonly smtp?: ServerAnswer | undefined;
  readonly caldav?: string | undefined;
  /** What its owner has to know to get in. */
  readonly note?: string | undefined;
  /** Sure enough to send a password there without asking. */
  readonly sure: boolean;
}

type Known = Omit<MailServers, "sure">;

const tls = (host: string, port?: number): ServerAnswer => ({ host, port, secure: true });
const startTls = (host: string, port: number): ServerAnswer => ({ host, port, secure: false });
const appPassword = (where: string) => `It wants a password made for this program alone: ${where}`;

const google: Known = {
  imap: tls("imap.gmail.com"),
  smtp: tls("smtp.gmail.com"),
  note: appPassword("https://myaccount.google.com/apppasswords"),
};
const microsoft: Known = {
  imap: tls("outlook.office365.com"),
  smtp: startTls("smtp.office365.com", 587),
  note: "It takes no passwords any more, only OAuth2: keep what you type here, then write imap.oauth2 in its place (docs/configuration.md)",
};
const apple: Known = {
  imap: tls("imap.mail.me.com"),
  smtp: startTls("smtp.mail.me.com", 587),
  caldav: "https://caldav.icloud.com/",
  note: appPassword("https://account.apple.com, Sign-In and Security"),
};
const fastmail: Known = {
  imap: tls("imap.fastmail.com"),
  smtp: tls("smtp.fastmail.com"),
  caldav: "https://caldav.fastmail.com/",
  note: appPassword("Settings, Privacy & Security, App passwords"),
};
const yahoo: Known = {
  imap: tls("imap.mail.yahoo.com"),
  smtp: tls("smtp.mail.yahoo.com"),
  note: appPassword("https://login.yahoo.com/account/security"),
};
const gmx: Known = {
  imap: tls("imap.gmx.net"),
  smtp: tls("mail.gmx.net"),
  note: "IMAP has to be switched on in its settings first",
};
const webDe: Known = {
  imap: tls("imap.web.de"),
  smtp: startTls("smtp.web.de", 587),
  note: "IMAP has to be switched on in its settings first",
};
const mailboxOrg: Known = {
  imap: tls("imap.mailbox.org"),
  smtp: tls("smtp.mailbox.org"),
  caldav: "https://dav.mailbox.org/",
};
const posteo: Known = {
  imap: tls("posteo.de"),
  smtp: tls("posteo.de"),
  caldav: "https://posteo.de:8443/",
};
const proton: Known = {
  imap: startTls("127.0.0.1", 1143),
  smtp: startTls("127.0.0.1", 1025),
  note: "Proton Mail Bridge has to run on this machine; it shows the user and the password",
};
const telekom: Known = {
  imap: tls("secureimap.t-online.de"),
  smtp: tls("securesmtp.t-online.de"),
  note: "It wants the password for mail programs, made in the customer centre",
};

const providers: readonly (readonly [servers: Known, domains: readonly string[]])[] = [
  [google, ["gmail.com", "googlemail.com"]],
  [microsoft, ["outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de"]],
  [apple, ["icloud.com", "me.com", "mac.com"]],
  [fastmail, ["fastmail.com", "fastmail.fm"]],
  [yahoo, ["yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "ymail.com"]],
  [gmx, ["gmx.de", "gmx.net", "gmx.at", "gmx.ch"]],
  [webDe, ["web.de"]],
  [mailboxOrg, ["mailbox.org"]],
  [posteo, ["posteo.de", "posteo.net", "posteo.org"]],
  [proton, ["proton.me", "protonmail.com", "pm.me"]],
  [telekom, ["t-online.de", "magenta.de"]],
];

/** Whose machines take a domain's mail keeps it. */
const exchanges: readonly (readonly [servers: Known, domain: string])[] = [
  [google, "google.com"],
  [google, "googlemail.com"],
  [microsoft, "outlook.com"],
  [fastmail, "messagingengine.com"],
  [mailboxOrg, "mailbox.org"],
];

const domainOf = (address: string): string => address.split("@").at(-1)?.toLowerCase() ?? "";

/** Of a well-known provider; asks nobody. */
export function providerOf(address: string): MailServers | undefined {
  const found = providers.find(([, domains]) => domains.includes(domainOf(address)));
  return found && { ...found[0], sure: true };
}

/** As much of a resolver as is asked here. */
export type MailNames = Pick<Resolver, "resolveSrv" | "resolveMx">;

const nameServerMs = 2_000;

export const systemNames = (): MailNames => new Resolver({ timeout: nameServerMs, tries: 1 });

/** Never throws: whoever does not answer is guessed for, by the usual name. */
export async function findMailServers(address: string, names: MailNames): Promise<MailServers> {
  const known = providerOf(address);
  if (known !== undefined) return known;
  const domain = domainOf(address);
  const service = async (name: string, secure: boolean) =>
    names.resolveSrv(`${name}._tcp.${domain}`).then(
      (records) => serverFrom(records, secure),
      () => undefined,
    );
  const [imaps, imap, submissions, submission, mx] = await Promise.all([
    service("_imaps", true),
    service("_imap", false),
    service("_submissions", true),
    service("_submission", false),
    names.resolveMx(domain).catch(() => []),
  ]);
  const told = imaps ?? imap;
  if (told !== undefined) {
    // Anybody on the way could have answered: a name in the same domain is as good as the address.
    return { imap: told, smtp: submissions ?? submission, sure: isWithin(told.host, domain) };
  }
  const keeper = exchanges.find(([, theirs]) =>
    mx.some(({ exchange }) => isWithin(exchange, theirs)),
  );
  if (keeper !== undefined) return { ...keeper[0], sure: true };
  return { imap: tls(`imap.${domain}`), smtp: tls(`smtp.${domain}`), sure: true };
}

const isWithin = (host: string, domain: string): boolean =>
  `.${host.toLowerCase().replace(/\.$/, "")}`.endsWith(`.${domain}`);

type Service = Awaited<ReturnType<MailNames["resolveSrv"]>>[number];

/** The first choice; a target of `.` (here: nothing) says that there is no such service. */
function serverFrom(records: readonly Service[], secure: boolean): ServerAnswer | undefined {
  const [first] = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
  const host = first?.name.replace(/\.$/, "").toLowerCase();
  if (first === undefined || !host || !/^[a-z\d.-]+$/.test(host)) return undefined;
  const { port } = first;
  return port >= 1 && port <= 65_535 ? { host, port, secure } : undefined;
}
