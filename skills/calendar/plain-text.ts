// Control characters, bidirectional overrides, zero-width characters and the invisible tag block:
// a stranger's invite could use them to show one thing and say another.
const invisible =
  /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\u034f/gu;
// eslint-disable-next-line no-control-regex -- control characters are what is taken out
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** One line without control, bidirectional or invisible characters, at most `limit` characters. */
export function plainLine(text: string, limit: number): string {
  // Cut first: what a stranger wrote may be megabytes long.
  const cut = text.length > limit * 4 ? text.slice(0, limit * 4) : text;
  const line = cut
    .toWellFormed()
    .replace(invisible, "")
    .replace(control, " ")
    .replace(/\s+/gu, " ")
    .trim();
  return line.length > limit
    ? `${line
        .slice(0, limit - 1)
        .toWellFormed()
        .trimEnd()}…`
    : line;
}

/** The readable part of a description, which calendars often write as HTML, on one line. */
export function plainExcerpt(text: string, limit: number): string {
  const cut = text.slice(0, limit * 8);
  return plainLine(cut.replace(/<\/?[a-z!][^<>]{0,500}>/gi, " ").replaceAll("&nbsp;", " "), limit);
}
