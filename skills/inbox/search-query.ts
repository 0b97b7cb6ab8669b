import type { MailQuery } from "./mail-store.ts";
import type { StoredMessage } from "./mailbox.ts";
import { parseMessage, type Person } from "./message.ts";

const longestText = 100_000;

/** What an IMAP server's SEARCH would say of a message; case does not count. */
export async function messageFits(
  stored: StoredMessage,
  { query, from, to }: MailQuery,
): Promise<boolean> {
  if (query === undefined && from === undefined && to === undefined) return true;
  const message = await parseMessage(stored, longestText).catch(() => undefined);
  if (message === undefined) return false;
  const { subject, text, attachments } = message;
  const sender = message.from ? [message.from] : [];
  const recipients = [...message.to, ...message.cc];
  const names = attachments.map(({ name }) => name);
  const all = [subject, text, ...wordsOf([...sender, ...recipients]), ...names];
  return (
    (query === undefined || holds(all, query)) &&
    (from === undefined || holds(wordsOf(sender), from)) &&
    (to === undefined || holds(wordsOf(recipients), to))
  );
}

const wordsOf = (people: readonly Person[]): string[] =>
  people.map(({ name, address }) => `${name} <${address}>`);

const holds = (texts: readonly string[], wanted: string): boolean =>
  texts.some((text) => text.toLowerCase().includes(wanted.toLowerCase()));
