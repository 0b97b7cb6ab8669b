import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { MailAnswer, ServerAnswer } from "./answers.ts";
import type { Asker } from "./asker.ts";
import { secretProblem } from "./given-secret.ts";
import { findMailServers } from "./mail-servers.ts";
import { readServer, serverText } from "./server-address.ts";
import { settle, type Interview } from "./settle.ts";

/** Mailboxes, as many as there are. */
export async function askMail(interview: Interview): Promise<MailAnswer[]> {
  const { asker } = interview;
  const mail: MailAnswer[] = [];
  do {
    const answer = await settle<MailAnswer>(
      interview,
      (before) => askMailbox(interview, before),
      (one) => ({ mail: [one] }),
    );
    if (answer) mail.push(answer);
  } while (await asker.yes("Another mailbox?", "no"));
  return mail;
}

async function askMailbox(
  { asker, names, baseDir }: Interview,
  before: MailAnswer | undefined,
): Promise<MailAnswer> {
  const kind = await asker.choose("Where is your mail?", {
    imap: ["On a server", "IMAP"],
    maildir: ["On this machine", "a Maildir"],
  });
  const address = await asker.text({
    message: "Your e-mail address",
    initial: before?.address,
    example: "me@example.com",
    problem: addressProblem,
  });
  if (kind === "maildir") {
    const typed = await asker.text({
      message: "The folder of the Maildir",
      initial: before?.maildir ?? "~/Maildir",
      problem: (text) => maildirProblem(resolve(baseDir, atHome(text))),
    });
    return { address, maildir: atHome(typed) };
  }
  const servers = await findMailServers(address, names);
  if (servers.note !== undefined) asker.say(servers.note);
  const same = before?.address === address ? before.imap : undefined;
  const server = await askServer(asker, "The IMAP server", same ?? servers.imap);
  const user = await asker.text({
    message: "Your user name there",
    initial: same?.user ?? address,
    problem: needed,
  });
  const password = { value: await askSecret(asker, "Your password there") };
  return { address, imap: { ...server, user, password } };
}

export async function askServer(
  asker: Asker,
  message: string,
  before: ServerAnswer,
): Promise<ServerAnswer> {
  const text = await asker.text({
    message: `${message}, as host or host:port`,
    initial: serverText(before),
    problem: (typed) =>
      readServer(typed) === undefined ? "That is neither a host nor host:port" : undefined,
  });
  const server = readServer(text) ?? before;
  if (text === serverText(before)) return before;
  // On the usual ports it is known.
  if (server.port === undefined || server.port === 993 || server.port === 465) return server;
  const secure = await asker.yes(
    "Does TLS begin at once on that port? No means STARTTLS",
    server.secure ? undefined : "no",
  );
  return { ...server, secure };
}

export const askSecret = async (asker: Asker, message: string): Promise<string> =>
  asker.secret({
    message: `${message} (it is not shown)`,
    problem: (value) => {
      const problem = secretProblem(value);
      return problem && `It ${problem}`;
    },
  });

export const needed = (text: string): string | undefined =>
  text === "" ? "This is needed" : undefined;

export const addressProblem = (text: string): string | undefined =>
  /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? undefined : "Write it such as me@example.com";

function maildirProblem(path: string): string | undefined {
  if (["new", "cur"].some((name) => existsSync(resolve(path, name)))) return undefined;
  return existsSync(path)
    ? "That is not a Maildir: it has no new and no cur"
    : "There is no such folder";
}

const atHome = (text: string): string => text.replace(/^~(?=\/|$)/, homedir());
