import { createHash } from "node:crypto";
import type { ObservationInput } from "watchkeeper";
import type { StoredMessage, UnreadableMessage } from "./mailbox.ts";
import type { Message, Person } from "./message.ts";
import { cleanLine, cutText } from "./plain-text.ts";

/** A finding about a message closes by itself after this long. */
const keptMs = 14 * 86_400_000;
const titleLength = 200;

/** Characters of the message's own text in an observation. */
export const excerptLength = 2_000;

/** What the agent and the owner are shown of one message. */
export function observeMessage(
  message: Message,
  stored: StoredMessage,
  now: Date,
): ObservationInput {
  return {
    key: message.key,
    severity: message.bulk === undefined ? "notice" : "info",
    trust: "untrusted",
    title: cleanLine(
      `Mail from ${senderName(message.from)}: ${message.subject || "(no subject)"}`,
      titleLength,
    ),
    text: renderMessage(message),
    fingerprint: message.fingerprint,
    closesAt: closingTime(stored.arrivedAt, now),
    data: {
      messageId: message.messageId || null,
      from: message.from?.address ?? null,
      fromName: message.from?.name ?? null,
      to: message.to.map(({ address }) => address),
      subject: message.subject,
      date: message.date ?? null,
      arrivedAt: new Date(stored.arrivedAt).toISOString(),
      bulk: message.bulk ?? null,
      attachments: message.attachments,
      size: message.size,
      ...stored.place,
    },
  };
}

/** A message that could not be read is still something that came: it is told, with the reason. */
export function observeUnreadable(
  message: UnreadableMessage & { readonly key?: string; readonly size?: number },
  now: Date,
): ObservationInput {
  const where = "uid" in message.place ? `UID ${message.place.uid}` : message.place.file;
  const key =
    message.key ??
    `unreadable#${createHash("sha256").update(placeId(message)).digest("base64url").slice(0, 22)}`;
  const reason = cleanLine(message.reason, 300);
  return {
    key,
    severity: "notice",
    trust: "untrusted",
    title: cleanLine(`A mail could not be read (${where}): ${reason}`, titleLength),
    text: [
      `Place: ${cleanLine(where, 300)}`,
      `Arrived: ${new Date(message.arrivedAt).toISOString()}`,
      `Reason: ${reason}`,
      "Open it in a mail program to see what it is.",
    ].join("\n"),
    fingerprint: key,
    closesAt: closingTime(message.arrivedAt, now),
    data: { ...message.place, reason, size: message.size ?? null },
  };
}

/** Headers, attachment list and text, in the form that both observation and read tool use. */
export function renderMessage(message: Message): string {
  const lines = [
    `Id: ${message.key}`,
    `From: ${message.from ? personText(message.from) : "(nobody)"}`,
  ];
  const replyTo = message.replyTo.filter(({ address }) => address !== message.from?.address);
  if (replyTo.length > 0) lines.push(`Reply-To: ${peopleText(replyTo)}`);
  if (message.to.length > 0) lines.push(`To: ${peopleText(message.to)}`);
  if (message.cc.length > 0) lines.push(`Cc: ${peopleText(message.cc)}`);
  lines.push(`Subject: ${message.subject || "(none)"}`, `Date: ${message.date ?? "(none)"}`);
  if (message.bulk !== undefined) lines.push(`Bulk: ${message.bulk}`);
  if (message.attachmentCount > 0) lines.push(`Attachments: ${attachmentsText(message)}`);
  if (message.partial) {
    lines.push(
      `Note: a message of ${sizeText(message.size)}, of which only the beginning was read`,
    );
  }
  return `${lines.join("\n")}\n\n${message.text || "(no text)"}`;
}

// The display name is the sender's own choice: one that poses as an address is shown with the real one.
function senderName(from: Person | undefined): string {
  if (from === undefined) return "an unknown sender";
  return from.name === "" || from.name.includes("@") ? personText(from) : from.name;
}

function personText({ name, address }: Person): string {
  if (name === "" || name === address) return address;
  return address === "" ? name : `${name} <${address}>`;
}

function peopleText(people: readonly Person[]): string {
  return cutText(people.map(personText).join(", "), 500);
}

function attachmentsText({ attachments, attachmentCount, partial }: Message): string {
  const listed = attachments
    .map(({ name, type, size }) => `${name} (${type}, ${sizeText(size)})`)
    .join(", ");
  const more = attachmentCount - attachments.length;
  return cutText(
    `${listed}${more > 0 ? ` and ${more} more` : ""}${partial ? ", perhaps more" : ""}`,
    1_500,
  );
}

function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_024 * 1_024) return `${Math.round(bytes / 1_024)} KB`;
  return `${(bytes / 1_024 / 1_024).toFixed(1)} MB`;
}

// At least a day from now: an old message that is let in on purpose must not be over at once. And
// no later than kept from now, whatever year the mailbox claims the message came in.
function closingTime(arrivedAt: number, now: Date): Date {
  const arrived = Math.min(arrivedAt, now.getTime());
  return new Date(Math.max(arrived + keptMs, now.getTime() + 86_400_000));
}

function placeId({ place }: UnreadableMessage): string {
  return "uid" in place ? `${place.uidValidity}/${place.uid}` : place.file;
}
