import { createHash } from "node:crypto";

/**
 * What makes a message the same message. Worked out from the raw bytes and not from the parser's
 * result, so that a message which cannot be parsed has a stable identity too.
 *
 * The key is `MESSAGE-ID#DIGEST`. The digest covers the content: whoever sends other content under a
 * known Message-ID makes another message and cannot hide behind, or replace, the first. The
 * Message-ID is in clear because a server can search for it.
 */
export interface MessageIdentity {
  /** `MESSAGE-ID#DIGEST`, or `#DIGEST` when there is no usable Message-ID. */
  readonly key: string;
  /** Without angle brackets; at most 200 printable ASCII characters; empty when there is none. */
  readonly messageId: string;
  /** The same for the same content. */
  readonly digest: string;
}

/** Headers are searched for within this many bytes. */
export const headerBytes = 16 * 1024;

const digestLength = 16;
const longestMessageId = 200;

/** Written by delivery and mail stores: they differ between two copies of the same message. */
const storeHeaders = new Set([
  "status",
  "x-status",
  "x-keywords",
  "x-uid",
  "x-uidl",
  "content-length",
  "lines",
]);
/** What the sender says; relays add other headers on the way. */
const contentHeaders = new Set([
  ...["from", "to", "cc", "reply-to", "subject", "date"],
  ...["content-type", "content-transfer-encoding"],
]);

/**
 * @param source the first bytes of the message
 * @param wholeSize its full size: counts when `source` is only a part, as the rest may differ
 */
export function identifyMessage(source: Uint8Array, wholeSize = source.length): MessageIdentity {
  const text = Buffer.from(source.buffer, source.byteOffset, source.length)
    .toString("latin1")
    .replaceAll("\r\n", "\n");
  const headerEnd = text.startsWith("\n") ? 0 : text.indexOf("\n\n");
  const headers = readHeaders(headerEnd === -1 ? text : text.slice(0, headerEnd));
  const messageId = cleanMessageId(headers.find(([name]) => name === "message-id")?.[1] ?? "");

  const hash = createHash("sha256");
  for (const [name, value] of headers) {
    const counts = messageId === "" ? !storeHeaders.has(name) : contentHeaders.has(name);
    if (counts) hash.update(`${name}:${value}\n`, "latin1");
  }
  hash.update("\n");
  if (headerEnd !== -1) hash.update(trimNewlines(text.slice(headerEnd)), "latin1");
  if (wholeSize > source.length) hash.update(`\n${wholeSize}`);
  const digest = hash.digest("base64url").slice(0, digestLength);
  return { key: `${messageId}#${digest}`, messageId, digest };
}

/** Takes an id apart: a key from {@link identifyMessage}, or a bare Message-ID, with or without brackets. */
export function parseMessageKey(id: string): { messageId: string; digest: string | undefined } {
  const match = /^(.*)#([A-Za-z0-9_-]{16})$/s.exec(id.trim());
  if (match) return { messageId: cleanMessageId(match[1] ?? ""), digest: match[2] };
  return { messageId: cleanMessageId(id), digest: undefined };
}

/** A short digest of the header block, for telling apart messages whose bodies were never fetched. */
export function digestHeaders(source: Uint8Array): string {
  const bytes = source.subarray(0, headerBytes);
  const text = Buffer.from(bytes).toString("latin1").replaceAll("\r\n", "\n");
  const end = text.indexOf("\n\n");
  const block = trimNewlines(end === -1 ? text : text.slice(0, end));
  return createHash("sha256").update(block, "latin1").digest("base64url").slice(0, 12);
}

function cleanMessageId(value: string): string {
  const bare = value.trim().replace(/^<+/, "");
  return /^[\x21-\x3b\x3d\x3f-\x7e]*/.exec(bare)?.[0].slice(0, longestMessageId) ?? "";
}

function readHeaders(block: string): (readonly [name: string, value: string])[] {
  const headers: [string, string][] = [];
  for (const line of block.split("\n")) {
    const last = headers.at(-1);
    if ((line.startsWith(" ") || line.startsWith("\t")) && last) {
      last[1] += ` ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(":");
    if (colon > 0)
      headers.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
  }
  return headers;
}

// A loop and not /\n+$/: that one is quadratic on a body of line feeds.
function trimNewlines(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === "\n") start += 1;
  while (end > start && text[end - 1] === "\n") end -= 1;
  return text.slice(start, end);
}
