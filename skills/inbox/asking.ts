/**
 * Whether a mail asks something of whoever reads it: told from its words, without a model. Wrong now and
 * then, in both directions; what comes of it is a reminder.
 */

/** What begins the mail that is answered, quoted below the answer. */
const quoteIntroductions = [
  /^(?:on|am|le|el) .{4,200}(?:wrote|schrieb.*|écrit|escribió)\s*:$/i,
  /^-{2,} ?(?:original message|ursprüngliche nachricht|forwarded message)/i,
  /^_{10,}$/,
  /^(?:from|von|de): .*(?:@|<)/i,
];

const requests =
  /\b(?:could|can|would|will) you\b|\blet me know\b|\bplease (?:send|confirm|check|tell|advise|reply|answer|sign|review|approve|call)\b|\bwaiting for your\b|\b(?:kannst|könntest|würdest) du\b|\b(?:können|könnten|würden) sie\b|\bbitte (?:um|sende|senden|bestätige|gib|geben|sag|sagen|schick|prüf|unterschreib|melde|ruf)/i;

/** The words of whoever wrote it: no quotation, no signature. */
export function ownWords(text: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed === "--" || quoteIntroductions.some((pattern) => pattern.test(trimmed))) break;
    if (!trimmed.startsWith(">")) lines.push(trimmed);
  }
  return lines.join("\n");
}

/**
 * @param isAnswer the subject of an answer is somebody else's
 */
export function asksSomething({
  subject,
  text,
  isAnswer,
}: {
  subject: string;
  text: string;
  isAnswer: boolean;
}): boolean {
  const words = ownWords(text);
  return hasQuestion(words) || requests.test(words) || (!isAnswer && hasQuestion(subject));
}

/** A question mark at the end of a word, which an address on the web has in its middle. */
function hasQuestion(text: string): boolean {
  return text
    .split(/\s+/)
    .some(
      (word) =>
        !/^(?:https?:|www\.)/i.test(word) && /[\p{L}\p{N}][)"'”’»]*\?+[!?)"'”’»]*$/u.test(word),
    );
}
