/**
 * Patterns as the owner writes them: `*` stands for anything, capital and small letters are the same.
 * Matched without regular expressions, so that no pattern and no mail can make it slow.
 */

/** The whole text fits the pattern. */
export function fitsWhole(text: string, pattern: string): boolean {
  return fits(text, pattern, true);
}

/** Some part of the text fits the pattern. */
export function fitsSomewhere(text: string, pattern: string): boolean {
  return fits(text, pattern, false);
}

function fits(text: string, pattern: string, whole: boolean): boolean {
  const rest = text.toLowerCase();
  const pieces = pattern.toLowerCase().split("*");
  const [first = "", ...others] = pieces;
  const last = others.pop();
  if (last === undefined) return whole ? rest === first : rest.includes(first);
  let at = whole ? (rest.startsWith(first) ? first.length : -1) : end(rest, first, 0);
  for (const piece of others) at = at === -1 ? -1 : end(rest, piece, at);
  if (at === -1) return false;
  return whole
    ? rest.length - last.length >= at && rest.endsWith(last)
    : end(rest, last, at) !== -1;
}

/** Where `piece` ends, looked for from `from` on; -1 when it is not there. */
function end(text: string, piece: string, from: number): number {
  const at = text.indexOf(piece, from);
  return at === -1 ? -1 : at + piece.length;
}
