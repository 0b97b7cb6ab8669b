import type { ReceivedMail } from "watchkeeper";
import { htmlToText } from "./html-text.ts";
import { messageIdsIn, type ParsedMessage } from "./message.ts";

/** A message as the daemon is asked about it: whether it is one of its own, or the owner's reply to one. */

const signatureHeader = "x-watchkeeper-signature";
/** Servers add headers before it. */
const searchedBytes = 64 * 1024;

/** Whether it is worth parsing: a search goes through hundreds of messages. */
export const mayBeSigned = (source: Uint8Array): boolean =>
  Buffer.from(source.subarray(0, searchedBytes))
    .toString("latin1")
    .toLowerCase()
    .includes(signatureHeader);

/** What can be read of an HTML-only reply; its first line is what counts. */
const longestText = 20_000;

/** @param provenSender by the receiving server's word */
export function receivedMail(
  { message, email }: ParsedMessage,
  provenSender?: string,
): ReceivedMail {
  const valuesOf = (name: string) =>
    email.headers.filter(({ key }) => key === name).map(({ value }) => value);
  const [signature, ...others] = valuesOf(signatureHeader);
  const { text = "", html } = email;
  return {
    messageId: message.messageId,
    inReplyTo: messageIdsIn(valuesOf("in-reply-to").join(" ")),
    references: messageIdsIn(valuesOf("references").join(" ")),
    subject: email.subject ?? "",
    text: text.trim() === "" ? htmlToText(html ?? "", longestText) : text,
    isPlain: html === undefined && email.attachments.length === 0 && !message.partial,
    signature: others.length === 0 ? signature : undefined,
    provenSender,
    isAutomatic: isAutomatic(
      valuesOf,
      email.headers.map(({ key }) => key),
    ),
  };
}

/** By RFC 3834, the headers of lists, and the null sender that bounces have. */
function isAutomatic(
  valuesOf: (name: string) => readonly string[],
  names: readonly string[],
): boolean {
  const says = (name: string, pattern: RegExp) =>
    valuesOf(name).some((value) => pattern.test(value.trim()));
  return (
    names.some((name) => listHeader.test(name)) ||
    says("auto-submitted", /^(?!no\s*(?:[;(]|$))/i) ||
    says("precedence", /^(?:bulk|list|junk|auto_reply)\b/i) ||
    says("return-path", /^<\s*>$/) ||
    says("content-type", /^multipart\/report\b/i)
  );
}

const listHeader = /^(?:list-.+|(?:x-)?mailing-list|x-beenthere|x-autoreply|x-autorespond)$/;
