/**
 * HTML to plain text in one pass over the characters: no regular expression that could backtrack on
 * hostile input, nothing fetched, nothing run.
 */

const longestHtml = 512 * 1024;

const skippedElements = new Set([
  "script",
  "style",
  "head",
  "title",
  "template",
  "noscript",
  "svg",
]);
const blockElements = new Set(
  (
    "address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 " +
    "header hr li main nav ol p pre section table tbody tfoot thead tr ul"
  ).split(" "),
);
const cellElements = new Set(["td", "th"]);

const namedEntities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ensp: " ",
  emsp: " ",
  thinsp: " ",
  shy: "",
  zwnj: "",
  zwj: "",
  hellip: "…",
  ndash: "–",
  mdash: "—",
  lsquo: "‘",
  rsquo: "’",
  sbquo: "‚",
  ldquo: "“",
  rdquo: "”",
  bdquo: "„",
  laquo: "«",
  raquo: "»",
  bull: "•",
  middot: "·",
  euro: "€",
  pound: "£",
  yen: "¥",
  cent: "¢",
  copy: "©",
  reg: "®",
  trade: "™",
  deg: "°",
  sect: "§",
  times: "×",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  szlig: "ß",
  agrave: "à",
  aacute: "á",
  acirc: "â",
  atilde: "ã",
  aring: "å",
  aelig: "æ",
  ccedil: "ç",
  egrave: "è",
  eacute: "é",
  ecirc: "ê",
  euml: "ë",
  iacute: "í",
  ntilde: "ñ",
  oacute: "ó",
  ocirc: "ô",
  oslash: "ø",
  uacute: "ú",
  Eacute: "É",
  Oslash: "Ø",
  Aring: "Å",
};

/** The readable text of an HTML body, at most about `limit` characters. */
export function htmlToText(html: string, limit: number): string {
  const source = html.length > longestHtml ? html.slice(0, longestHtml) : html;
  // Searching for an end tag that is not there would scan the rest once per opening: ask only once.
  const missing = new Set<string>();
  let lower: string | undefined;
  let out = "";
  let at = 0;
  while (at < source.length && out.length < limit) {
    const open = source.indexOf("<", at);
    const end = open === -1 ? source.length : open;
    if (end > at)
      out += collapse(decodeEntities(source.slice(at, Math.min(end, at + limit * 8))), out);
    if (open === -1) break;
    if (source.startsWith("<!--", open)) {
      const close = source.indexOf("-->", open + 4);
      at = close === -1 ? source.length : close + 3;
      continue;
    }
    const name = tagName(source, open);
    if (name === undefined) {
      out += "<";
      at = open + 1;
      continue;
    }
    const close = source.indexOf(">", open);
    if (close === -1) break;
    at = close + 1;
    if (skippedElements.has(name) && source[open + 1] !== "/" && !missing.has(name)) {
      lower ??= source.toLowerCase();
      const ending = lower.indexOf(`</${name}`, at);
      if (ending === -1) missing.add(name);
      else at = ending;
    }
    if (blockElements.has(name) && !out.endsWith("\n\n")) out += "\n";
    else if (cellElements.has(name) && !/\s$/.test(out.slice(-1))) out += " ";
  }
  return out.trim();
}

/** The lower-case name of the tag that opens or closes at `open`, or undefined for a bare `<`. */
function tagName(source: string, open: number): string | undefined {
  const match = /^<\/?([a-z][a-z0-9]{0,20})|^<[!?]/i.exec(source.slice(open, open + 24));
  if (!match) return undefined;
  return (match[1] ?? "!").toLowerCase();
}

function collapse(text: string, before: string): string {
  const spaced = text.replace(/\s+/g, " ");
  return spaced.startsWith(" ") && /(^|\s)$/.test(before.slice(-1)) ? spaced.slice(1) : spaced;
}

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,8});?/gi, (whole, body: string) => {
    if (!body.startsWith("#")) return namedEntities[body] ?? whole;
    const isHex = body[1] === "x" || body[1] === "X";
    const point = Number.parseInt(body.slice(isHex ? 2 : 1), isHex ? 16 : 10);
    const valid = point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    return valid ? String.fromCodePoint(point) : "\ufffd";
  });
}
