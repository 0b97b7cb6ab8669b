import { createHash } from "node:crypto";
import { strictHeaders, valuesOf } from "./message-headers.ts";

/** Mail that is sent: its Message-ID and its bytes. */

export interface OutgoingMail {
  /** With angle brackets. */
  readonly messageId: string;
  /** Undefined in a draft of an account that has no address. */
  readonly from: string | undefined;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly date: Date;
  readonly reply: Thread | undefined;
}

/** What a reply says of the message that it answers; ids with angle brackets, oldest first. */
export interface Thread {
  readonly inReplyTo: string;
  readonly references: readonly string[];
}

const mostReferences = 10;

/**
 * The same for every attempt at the same call: a repeat is the same message to whoever compares.
 * @returns with angle brackets
 */
export function messageIdFor(idempotencyKey: string, address: string): string {
  const digest = createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 32);
  return `<watchkeeper.${digest}@${domainOf(address)}>`;
}

/** Whether an id, without angle brackets, is made as the agent's are. Anybody can make such an id. */
export const looksSentByAgent = (messageId: string): boolean =>
  /^watchkeeper\.[0-9a-f]{32}@/i.test(messageId);

/** As {@link looksSentByAgent}, from that address. */
export function looksLikeOurs(messageId: string, address: string): boolean {
  return (
    looksSentByAgent(messageId) &&
    messageId.slice(messageId.indexOf("@") + 1).toLowerCase() === domainOf(address)
  );
}

/** Plain text in, the bytes that are sent out, lines ending in CRLF. */
export async function composeMail(mail: OutgoingMail): Promise<Buffer> {
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const { messageId, from, to, subject, text, date, reply } = mail;
  return new MailComposer({
    messageId,
    ...(from !== undefined && { from }),
    to: [...to],
    subject,
    text: text.replace(/\r\n?/g, "\n"),
    date,
    ...(reply && { inReplyTo: reply.inReplyTo, references: [...reply.references] }),
    // The input is text; never is it the name of a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}

/**
 * The thread that an answer belongs to.
 * @param messageId of the message that is answered, without angle brackets
 * @param source that message, when it is at hand: its References are carried on
 */
export function threadOf(messageId: string, source: Uint8Array | undefined): Thread {
  const inReplyTo = `<${messageId}>`;
  const headers = (source && strictHeaders(source)) ?? [];
  const earlier = valuesOf(headers, "references")
    .flatMap((value) => value.match(/<[\x21-\x3b\x3d\x3f-\x7e]{1,200}>/g) ?? [])
    .filter((id) => id !== inReplyTo && !bearsToken(id));
  const unique = [...new Set(earlier)];
  // The first names the thread; of the rest the last say where in it the answer stands.
  const kept =
    unique.length < mostReferences
      ? unique
      : [...unique.slice(0, 1), ...unique.slice(2 - mostReferences)];
  return { inReplyTo, references: [...kept, inReplyTo] };
}

/**
 * The ids of the daemon's questions are what the owner's word is known by: no mail that the agent writes may bear
 * one, or it could pass for that word where it is sent from the owner's address.
 */
export const bearsToken = (messageId: string): boolean => /wk1[a-z2-7]{26}/i.test(messageId);

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}
