import { oneLine } from "./plain-text.ts";

/** Words of others in a Markdown page. */

const longest = 2_000;

/**
 * The text as code on one line: within it nothing is a link, an image, an address or HTML, in any
 * renderer. Its backticks, which would end it, become other quotes.
 */
export function codeSpan(text: string, length = longest): string {
  const shown = oneLine(text, length).replaceAll("`", "'");
  return `\`${shown || "(nothing)"}\``;
}
