import { createHash } from "node:crypto";
import type { ObservationInput } from "watchkeeper";
import { conversationKey, type NewMessage } from "./conversations.ts";
import type { UnreadableMessage } from "./mailbox.ts";
import type { Message, Person } from "./message.ts";
import { cleanLine, cutText } from "./plain-text.ts";
import type { Judgement } from "./rules.ts";

/** A finding about a message closes by itself after this long. */
const keptMs = 14 * 86_400_000;
const titleLength = 200;

/** Characters of the message's own text in an observation. */
export const excerptLength = 2_000;

/** Characters of all messages together: what the agent sees of a finding. */
const togetherLength = 3_700;

/**
 * What the agent and the owner are shown of one message, or of several that belong to one conversation
 * and have the same severity.
 * @param messages at least one, in the order in which they came
 */
export function observeMessages(messages: readonly NewMessage[], now: Date): ObservationInput {
  const newest = messages.at(-1);
  if (newest === undefined) throw new RangeError("there is no message to observe");
  const { message, arrivedAt, judgement } = newest;
  const several = messages.length > 1;
  const title = `${senderName(message.from)}: ${message.subject || "(no subject)"}`;
  return {
    key: several ? conversationKey(messages) : message.key,
    severity: judgement.severity,
    trust: "untrusted",
    title: cleanLine(
      several ? `${messages.length} mails, the last from ${title}` : `Mail from ${title}`,
      titleLength,
    ),
    text: several ? renderConversation(messages) : renderMessage(message, judgement),
    fingerprint: several ? conversationKey(messages) : message.fingerprint,
    closesAt: closingTime(arrivedAt, now),
    data: {
      ...dataOf(newest),
      ...(several && { messages: messages.map(shortDataOf) }),
    },
  };
}

function dataOf({ message, arrivedAt, place, folder, judgement }: NewMessage) {
  return {
    messageId: message.messageId || null,
    from: message.from?.address ?? null,
    fromName: message.from?.name ?? null,
    to: message.to.map(({ address }) => address),
    subject: message.subject,
    date: message.date ?? null,
    arrivedAt: new Date(arrivedAt).toISOString(),
    bulk: message.bulk ?? null,
    rule: judgement.rule ?? null,
    vip: judgement.vip ?? null,
    attachments: message.attachments,
    size: message.size,
    folder,
    ...place,
  };
}

/** Without what may be long: there is a limit to an observation's data. */
function shortDataOf({ message, arrivedAt, place, folder }: NewMessage) {
  return {
    key: message.key,
    from: message.from?.address ?? null,
    subject: message.subject,
    arrivedAt: new Date(arrivedAt).toISOString(),
    folder,
    ...place,
  };
}

/** The newest first, each with the same share, so that none can crowd out another. */
function renderConversation(messages: readonly NewMessage[]): string {
  const share = Math.floor(togetherLength / messages.length);
  return messages
    .toReversed()
    .map(({ message, judgement }) => {
      const from = message.from ? personText(message.from) : "(nobody)";
      const short = { ...message, to: [], cc: [] };
      const whole = renderMessage(short, judgement);
      // Who wrote it must be seen however long the rest is.
      return cutText(whole, share).includes(from)
        ? cutText(whole, share)
        : cutText(`From: ${cutText(from, 100)}\nId: ${message.key}`, share);
    })
    .join("\n\n---\n\n");
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
export function renderMessage(message: Message, judgement?: Judgement): string {
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
  if (judgement?.rule !== undefined) lines.push(`Rule: ${judgement.rule}`);
  if (judgement?.vip !== undefined) lines.push(`Vip: ${judgement.vip}`);
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
