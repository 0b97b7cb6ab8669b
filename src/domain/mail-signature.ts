import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * By what the daemon knows mail of its own again. Whoever got one can send a copy, so the signature is of the
 * content: what says anything else is not ours. Blanks do not count, as mail servers wrap, pad and stuff lines.
 */

export interface SignedContent {
  /** With or without angle brackets. */
  readonly messageId: string;
  readonly subject: string;
  readonly text: string;
}

/** The header that bears it. */
export const signatureHeader = "X-Watchkeeper-Signature";

export function mailSignature(secret: string, content: SignedContent): string {
  const { messageId, subject, text } = content;
  const claim = JSON.stringify([
    "mail",
    messageId.trim().replace(/^<|>$/g, ""),
    withoutBlanks(subject),
    withoutBlanks(text),
  ]);
  return createHmac("sha256", secret).update(claim).digest("base64url");
}

/** In a time that tells nothing. */
export function isSignedMail(given: string, secret: string, content: SignedContent): boolean {
  const expected = Buffer.from(mailSignature(secret, content));
  const found = Buffer.from(given.replace(/\s+/g, ""));
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** Mail stores put a `>` before a line that begins with `From`. */
const withoutBlanks = (text: string): string =>
  text
    .replace(/^>+(?=From\b)/gm, "")
    .normalize("NFC")
    .replace(/[\s\u200b\ufeff]+/gu, "");
