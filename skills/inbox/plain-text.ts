/**
 * Text that a stranger wrote, made safe to show: no control characters that move a terminal's
 * cursor, no bidirectional overrides that reorder what the owner reads, no invisible characters
 * that hide words from the owner and show them to a model.
 */

// Controls except tab and line feed, and what Unicode says to show nothing for: zero-width and
// bidirectional marks, soft hyphens, fillers, tag characters. Joiners and the emoji selectors stay:
// scripts and emoji need them.
const unsafe =
  /(?!\t|\n|\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028-\u202e\ufff9-\ufffb]/gu;

/** Cuts at `limit` UTF-16 units, never inside a character, and says so with `…`. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = Math.max(0, limit - 1);
  const splits = /[\ud800-\udbff]/.test(text.charAt(end - 1));
  return `${text.slice(0, splits ? end - 1 : end)}…`;
}

/** One line without anything invisible, at most `limit` characters. */
export function cleanLine(text: string, limit: number): string {
  // Cut first: what comes after could be megabytes that nobody will see.
  const line = text
    .slice(0, limit * 8)
    .toWellFormed()
    .replace(/[\s\u2028\u2029]+/g, " ")
    .replace(unsafe, "")
    .trim();
  return cutText(line, limit);
}

/** Paragraphs without anything invisible: spaces collapsed, at most one blank line in a row. */
export function cleanText(text: string, limit: number): string {
  const lines = text
    .slice(0, limit * 8)
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(unsafe, "")
    .split("\n");
  const kept: string[] = [];
  for (const line of lines) {
    const trimmed = line.replace(/[^\S\n]+/g, " ").trim();
    if (trimmed !== "" || (kept.length > 0 && kept.at(-1) !== "")) kept.push(trimmed);
  }
  return cutText(kept.join("\n").trimEnd(), limit);
}
