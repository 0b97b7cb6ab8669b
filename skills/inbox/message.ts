import type { Address, Email } from "postal-mime";
import { htmlToText } from "./html-text.ts";
import { identifyMessage } from "./identity.ts";
import type { StoredMessage } from "./mailbox.ts";
import type { Header } from "./message-headers.ts";
import { cleanLine, cleanText } from "./plain-text.ts";

/** Name and address of somebody; either may be empty. */
export interface Person {
  readonly name: string;
  readonly address: string;
}

export interface AttachmentInfo {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** A message after parsing: every part cleaned and bounded, nothing raw. */
export interface Message {
  readonly key: string;
  readonly fingerprint: string;
  readonly messageId: string;
  readonly from: Person | undefined;
  readonly replyTo: readonly Person[];
  readonly to: readonly Person[];
  readonly cc: readonly Person[];
  readonly subject: string;
  /** What the sender's Date header says, as ISO 8601; undefined when it says nothing sensible. */
  readonly date: string | undefined;
  /** Why this is bulk or automatic mail, such as `List-Id`; undefined when it is not. */
  readonly bulk: string | undefined;
  readonly attachments: readonly AttachmentInfo[];
  /** How many attachments there are, listed or not. */
  readonly attachmentCount: number;
  readonly text: string;
  /** The message's own headers in order, names in small letters, values cut: for the owner's rules. */
  readonly headers: readonly Header[];
  /** Message-IDs that it answers, without angle brackets, oldest first. */
  readonly references: readonly string[];
  /** The size of the whole message in bytes. */
  readonly size: number;
  /** Only the beginning of the message was read. */
  readonly partial: boolean;
}

const mostLines = 20_000;
const mostPeople = 20;
const mostAttachments = 20;
const mostHeaders = 200;
const longestHeader = 1_000;
const mostReferences = 50;

/** A message, and the parser's result that it was made of: neither cleaned nor cut. */
export interface ParsedMessage {
  readonly message: Message;
  readonly email: Email;
}

export const parseMessage = async (stored: StoredMessage, textLimit: number): Promise<Message> =>
  (await parseWhole(stored, textLimit)).message;

/**
 * Parses a message within limits that keep a hostile one from holding the process: the parser's
 * time grows with the number of lines, parts and headers, and each of them is capped.
 * @throws whatever the parser throws when the message is beyond those limits
 */
export async function parseWhole(stored: StoredMessage, textLimit: number): Promise<ParsedMessage> {
  const { default: PostalMime } = await import("postal-mime");
  const bounded = firstLines(stored.source, mostLines);
  const email = await PostalMime.parse(bounded, {
    maxNestingDepth: 20,
    maxHeadersSize: 128 * 1024,
    maxRfc822NestingDepth: 2,
  });
  const partial = stored.size > stored.source.length || bounded.length < stored.source.length;
  return { email, message: messageOf(email, stored, { textLimit, partial }) };
}

function messageOf(
  email: Email,
  stored: StoredMessage,
  { textLimit, partial }: { readonly textLimit: number; readonly partial: boolean },
): Message {
  const identity = identifyMessage(stored.source, stored.size);
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value;
  const plain = cleanText(email.text ?? "", textLimit);
  return {
    key: identity.key,
    fingerprint: identity.digest,
    messageId: identity.messageId,
    from: people(email.from ? [email.from] : [])[0],
    replyTo: people(email.replyTo),
    to: people(email.to),
    cc: people(email.cc),
    subject: cleanLine(email.subject ?? "", 300),
    date: isoDate(email.date),
    bulk: bulkReason(header),
    attachments: email.attachments.slice(0, mostAttachments).map((attachment) => ({
      name: cleanLine(attachment.filename ?? "", 120) || "unnamed",
      type: cleanLine(attachment.mimeType, 80),
      size: sizeOf(attachment.content),
    })),
    attachmentCount: email.attachments.length,
    text: plain !== "" ? plain : cleanText(htmlToText(email.html ?? "", textLimit * 2), textLimit),
    headers: email.headers
      .slice(0, mostHeaders)
      .map(({ key, value }): Header => [key, cleanLine(value, longestHeader)]),
    references: referencesOf(header),
    size: stored.size,
    partial,
  };
}

/** Mailing lists, newsletters and machines: rarely worth an interruption. */
function bulkReason(header: (name: string) => string | undefined): string | undefined {
  if (header("list-id") !== undefined) return "List-Id";
  const precedence = header("precedence")?.trim().toLowerCase();
  if (precedence === "bulk" || precedence === "list" || precedence === "junk")
    return `Precedence: ${precedence}`;
  const automatic = header("auto-submitted")?.split(";")[0]?.trim().toLowerCase();
  if (automatic && automatic !== "no") return cleanLine(`Auto-Submitted: ${automatic}`, 60);
  return header("list-unsubscribe") === undefined ? undefined : "List-Unsubscribe";
}

function referencesOf(header: (name: string) => string | undefined): string[] {
  const text = `${header("references") ?? ""} ${header("in-reply-to") ?? ""}`;
  const unique = [...new Set(messageIdsIn(text))];
  return unique.length <= mostReferences
    ? unique
    : [...unique.slice(0, 1), ...unique.slice(1 - mostReferences)];
}

/** Message-IDs in a header, without angle brackets. */
export const messageIdsIn = (header: string): string[] =>
  (header.slice(0, 20_000).match(/<[\x21-\x3b\x3d\x3f-\x7e]{1,200}>/g) ?? []).map((id) =>
    id.slice(1, -1),
  );

function people(addresses: readonly Address[] | undefined): Person[] {
  const found: Person[] = [];
  for (const address of addresses ?? []) {
    for (const mailbox of address.group ?? [address]) {
      if (found.length >= mostPeople) return found;
      const person = {
        name: cleanLine(mailbox.name ?? "", 100),
        address: cleanLine(mailbox.address ?? "", 254),
      };
      if (person.name !== "" || person.address !== "") found.push(person);
    }
  }
  return found;
}

function isoDate(text: string | undefined): string | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function sizeOf(content: ArrayBuffer | Uint8Array | string): number {
  return typeof content === "string" ? content.length : content.byteLength;
}

function firstLines(source: Uint8Array, limit: number): Uint8Array {
  let lines = 0;
  let at = source.indexOf(10);
  while (at !== -1) {
    lines += 1;
    if (lines >= limit) return source.subarray(0, at + 1);
    at = source.indexOf(10, at + 1);
  }
  return source;
}
