/** Text from outside made plain: no control characters, nothing that turns or hides what one reads. */

// C0 and C1 controls except tab and line feed, zero-width and bidirectional formatting characters,
// line and paragraph separators, the byte order mark, and language tags.
const unseen =
  // eslint-disable-next-line no-control-regex, no-misleading-character-class -- these very characters are what is taken out
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E0FFF}]/gu;

const cut = (text: string, length: number): string =>
  text.length <= length
    ? text
    : `${text
        .slice(0, length - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, "")}…`;

/** Many lines stay lines. Cut at `length` UTF-16 units with an ellipsis. */
export function plainText(text: string, length: number): string {
  const lines = text
    .slice(0, length * 4)
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, "\n")
    .replace(unseen, "");
  // The lookbehind keeps it linear: without it each blank of a long run is tried as a start.
  const trimmed = lines.replace(/(?<![ \t])[ \t]+\n/g, "\n");
  return cut(trimmed.replace(/\n{4,}/g, "\n\n\n").trim(), length);
}

/** Everything on one line. Cut at `length` UTF-16 units with an ellipsis. */
export function oneLine(text: string, length: number): string {
  return cut(plainText(text, length * 2).replace(/\s+/g, " "), length);
}
