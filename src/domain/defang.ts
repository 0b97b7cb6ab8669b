/**
 * Links made dead: text of strangers as a person can read it, and as no mail program, chat or terminal
 * makes anything of it that opens with a click. `https://evil.example/x` becomes
 * `hxxps://evil[.]example/x`.
 */

// What no one sees, and what would break a link in two for us but not for who shows it.
const unseen =
  // eslint-disable-next-line no-control-regex -- these very characters are what is taken out
  /[\p{Default_Ignorable_Code_Point}\u0000-\u0008\u000B-\u001F\u007F-\u009F]/gu;

// Also the wide forms, which programs take for the plain ones.
const http = /[hｈ][tｔ][tｔ][pｐ]([sｓ]?)(?=[:：])/giu;
const schemeEnd = /(?<!hxxps?)[:：](?=[/／\\＼]{2})/giu;
const bareScheme =
  /\b(mailto|tel|sms|callto|sip|sips|facetime|skype|xmpp|magnet|bitcoin|geo|maps|javascript|vbscript|data|blob|urn|intent)[:：](?=\S)/giu;
/** `//host` and `\\server`, which open the same way without a scheme. */
const noScheme = /(?<![:：/／\\＼\p{L}\p{N}])([/／]{2}|[\\＼]{2})(?=[^\s/／\\＼\]])/gu;

/** Whatever may stand in a label of a host's name: all but blanks, dots and most ASCII punctuation. */
const label = String.raw`[^\s!-,.\/:-@\[-\^\x60{-~。．｡]`;
const dot = "[.。．｡]";
const wideDot = /[。．｡]/u;
// The lookbehind keeps it linear: without it each character of a long run is tried as a start.
const dotted = new RegExp(`(?<!${label})${label}+(?:${dot}${label}+)+`, "gu");
const dots = new RegExp(dot, "gu");

/** Linear in the length of the text; doing it twice is doing it once. */
export function defang(text: string): string {
  return text
    .toWellFormed()
    .replace(unseen, "")
    .replace(http, (_, secure: string) => `hxxp${secure ? "s" : ""}`)
    .replace(schemeEnd, "[:]")
    .replace(bareScheme, "$1[:]")
    .replace(noScheme, (slashes) => `[${slashes}]`)
    .replace(dotted, (name) => (isHarmless(name) ? name : name.replace(dots, "[.]")));
}

/** Numbers, dates, versions, abbreviations: nothing that could be the name of a host. */
function isHarmless(name: string): boolean {
  const labels = name.split(dots);
  if (labels.every((part) => part.length === 1 && /^\p{L}$/u.test(part))) return true;
  if (labels.length === 2 && isNoTopLevel(labels[1] ?? "")) return true;
  const [first = "", ...rest] = labels;
  const isNumber = (part: string) => /^\d+$/.test(part);
  if (!rest.every(isNumber) || !/^v?\d+$/i.test(first)) return false;
  // Not every program takes a wide dot for one: four numbers between them are an address all the same.
  return [labels, ...name.split(wideDot).map((part) => part.split("."))].every(
    ({ length }) => length !== 4,
  );
}

/** As in a time, `10:00:00.000Z`: no name ends in a part that begins with a digit and goes on with letters. */
const isNoTopLevel = (label: string): boolean => /^\d+[a-z]+$/i.test(label) && !/^0x/i.test(label);
