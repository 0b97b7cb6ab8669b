import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * One-time tokens with which the owner gives their word from a message: in a link, or in a reply. A token is
 * made of the approval that it is for, so nothing of it is kept: whoever holds the daemon's secret can make it
 * again, and it is used up when the approval is decided or its time is over.
 */

export interface WordTokenSubject {
  readonly approvalId: number;
  /** Of the call as it was shown. */
  readonly argumentsHash: string;
  readonly expiresAt: number;
  /** A link that approves is none that denies; whoever replies says which. */
  readonly use: "approve" | "deny" | "reply";
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const prefix = "wk1";
/** 130 bits. */
const signs = 26;

/** Finds tokens in any text, so that they can be taken out of it. */
export const wordTokens = /wk1[a-z2-7]{26}/gi;

/**
 * The same as they may stand in a raw mail or in an address: in part or whole as codes, broken by a soft line break.
 * The signs are counted: written out one by one, V8 makes half a megabyte of code of them.
 */
export const writtenWordTokens = ((): RegExp => {
  const broken = String.raw`(?:=\r?\n)?`;
  const start = ["(?:w|[%=][57]7)", "(?:k|[%=][46]b)", "(?:1|[%=]31)"].join(broken);
  const sign = "(?:[a-z2-7]|[%=](?:[46][1-9a-f]|[57][0-9a]|3[2-7]))";
  return new RegExp(`${start}(?:${broken}${sign}){${signs}}`, "gi");
})();

export function wordToken(secret: string, subject: WordTokenSubject): string {
  const { approvalId, argumentsHash, expiresAt, use } = subject;
  const claim = JSON.stringify(["word", approvalId, argumentsHash, expiresAt, use]);
  const digest = createHmac("sha256", secret).update(claim).digest();
  const text = Array.from(digest.subarray(0, signs), (byte) => alphabet[byte % alphabet.length]);
  return `${prefix}${text.join("")}`;
}

/** In a time that tells nothing; mail programs may change the case of what stands in a header. */
export function isWordToken(given: string, secret: string, subject: WordTokenSubject): boolean {
  const expected = Buffer.from(wordToken(secret, subject));
  const found = Buffer.from(given.toLowerCase());
  return found.length === expected.length && timingSafeEqual(found, expected);
}
