/**
 * The forms that a secret takes on its way out, as patterns: as it is, escaped for JSON, HTML or a URL,
 * quoted-printable, hexadecimal, and base64 alone or in the middle of a longer text, broken over lines.
 */

/** Below this a word or number is only taken out where it stands alone: "spring" is no part of "springtime". */
const shortestInWords = 12;
const shortestLine = 16;

/** One that harmless text may well hold. */
export const isShortWord = (secret: string): boolean =>
  secret.length < shortestInWords && /^(?:\p{L}+|\p{N}+)$/u.test(secret);

export interface SecretForms {
  readonly secret: string;
  /** What to look for in each of the {@link Views}. */
  readonly clues: {
    readonly plain: string;
    readonly base64: readonly string[];
    readonly hex: string;
  };
  /** The pattern, meant for the flag `u`, that matches every form. */
  readonly pattern: () => string;
}

export function formsOf(secret: string): SecretForms {
  const text = secret.toWellFormed();
  const bytes = Buffer.from(text, "utf8");
  let pattern: string | undefined;
  return {
    secret: text,
    clues: {
      plain: decoded(text, codes),
      base64: [0, 1, 2].map((before) => base64Core(bytes, before)),
      hex: bytes.toString("hex"),
    },
    pattern: () => (pattern ??= patternOf(text, bytes)),
  };
}

/** A text looked at in three ways, so that a plain search says whether the pattern is worth the while. */
export interface Views {
  readonly text: string;
  /** Escapes undone; quoted-printable apart, for "=41" may as well be a "41" after an "=". */
  readonly plain: readonly string[];
  readonly base64: string;
  readonly hex: string;
}

const breaks = /\s+|\\+[rn]/g;

export function viewsOf(text: string): Views {
  const joined = text.replace(breaks, "");
  return {
    text,
    plain: [
      ...(/[%=\\&+\s]/.test(text) ? [decoded(text, codes)] : []),
      ...(/=[0-9a-fA-F]{2}/.test(text) ? [decoded(text, printableCodes)] : []),
    ],
    base64: joined.replaceAll(/%2[bB]|-/g, "+").replaceAll(/%2[fF]|_|\\+\//g, "/"),
    hex: joined.replaceAll(":", "").toLowerCase(),
  };
}

/** Whether the text may hold the secret. */
export const seenThrough = (
  { text, plain, base64, hex }: Views,
  { secret, clues }: SecretForms,
): boolean =>
  text.includes(secret) ||
  plain.some((view) => view.includes(clues.plain)) ||
  clues.base64.some((core) => base64.includes(core)) ||
  hex.includes(clues.hex);

/** The same question for many secrets at once, for most texts hold none: one walk through each view. */
export function seesAny(known: readonly SecretForms[]): (views: Views) => boolean {
  const any = (words: readonly string[]) => new RegExp(words.map(RegExp.escape).join("|"));
  const secrets = any(known.map(({ secret }) => secret));
  const plain = any(known.map(({ clues }) => clues.plain));
  const base64 = any(known.flatMap(({ clues }) => clues.base64));
  const hex = any(known.map(({ clues }) => clues.hex));
  return (views) =>
    secrets.test(views.text) ||
    views.plain.some((view) => plain.test(view)) ||
    base64.test(views.base64) ||
    hex.test(views.hex);
}

const codes =
  /(?:%[0-9a-fA-F]{2})+|\\+u[0-9a-fA-F]{4}|&(?:amp|lt|gt|quot|apos|#\d{2}|#[xX][0-9a-fA-F]{2});/g;
const printableCodes = /(?:=\r?\n|=[0-9a-fA-F]{2})+/g;
const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** Without escapes, and without what stands for a blank or a break: the same for all plain forms. */
function decoded(text: string, escaped: RegExp): string {
  const withoutCodes = text.replace(escaped, (code) => {
    if (code.startsWith("&")) {
      const name = code.slice(1, -1);
      const number = /^#[xX]/.test(name)
        ? Number.parseInt(name.slice(2), 16)
        : Number(name.slice(1));
      return named[name] ?? String.fromCharCode(number);
    }
    if (code.startsWith("\\")) return String.fromCharCode(Number.parseInt(code.slice(-4), 16));
    return Buffer.from(code.replaceAll(/[%=\r\n]/g, ""), "hex").toString("utf8");
  });
  return withoutCodes.replaceAll(/\\+[nrt]|[\s\\+=]/g, "");
}

function patternOf(text: string, bytes: Buffer): string {
  const plain = [...text].map(characterPattern).join(softBreak);
  return [
    isShortWord(text) ? String.raw`(?<![\p{L}\p{N}])(?:${plain})(?![\p{L}\p{N}])` : plain,
    [...bytes].map(hexPattern).join(hexGap),
    ...[0, 1, 2].map((before) => base64Pattern(bytes, before)),
  ].join("|");
}

/** A secret of several lines, such as a private key, also gives itself away line by line. */
export function piecesOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= shortestLine);
  return [secret, ...(lines.length > 0 && lines[0] !== secret ? lines : [])];
}

const softBreak = String.raw`(?:=\r?\n)?`;
const hexGap = String.raw`(?:[\s:]|\\[rn])?`;
const base64Gap = String.raw`(?:\s|\\[rn]){0,6}`;

const digit = (value: number): string => {
  const [lower, upper] = [value.toString(16), value.toString(16).toUpperCase()];
  return lower === upper ? lower : `[${lower}${upper}]`;
};
const hexPattern = (byte: number): string => `${digit(byte >> 4)}${digit(byte & 15)}`;

const entities: Readonly<Record<string, string>> = {
  "&": "&(?:amp|#38|#[xX]26);",
  "<": "&(?:lt|#60|#[xX]3[cC]);",
  ">": "&(?:gt|#62|#[xX]3[eE]);",
  '"': "&(?:quot|#34|#[xX]22);",
  "'": "&(?:apos|#39|#[xX]27);",
};
/** What else a character may be written as. */
const escapes: Readonly<Record<string, string>> = {
  '"': String.raw`\\+"`,
  "\\": String.raw`\\{2,}`,
  "/": String.raw`\\+/`,
  "\n": String.raw`\\+n|\s`,
  "\r": String.raw`\\+r|\s`,
  "\t": String.raw`\\+t|\s`,
  " ": String.raw`\+`,
};

function characterPattern(character: string): string {
  const bytes = [...Buffer.from(character, "utf8")].map(hexPattern);
  const units = [...character].flatMap((point) =>
    Array.from({ length: point.length }, (_, index) => point.charCodeAt(index)),
  );
  const unicode = units.map(
    (unit) => String.raw`\\+u${hexPattern(unit >> 8)}${hexPattern(unit & 255)}`,
  );
  const ways = [
    RegExp.escape(character),
    bytes.map((byte) => `[%=]${byte}`).join(""),
    unicode.join(""),
    entities[character],
    escapes[character],
  ];
  return `(?:${ways.filter((way) => way !== undefined).join("|")})`;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const sextetPattern = (value: number): string =>
  value === 62
    ? String.raw`(?:[+\-]|%2[bB])`
    : value === 63
      ? String.raw`(?:[\/_]|%2[fF]|\\+\/)`
      : (alphabet[value] ?? "");

/** The bits from the first character on that is the secret's alone. */
function base64Bits(bytes: Buffer, before: number): string {
  const all = [...Buffer.alloc(before), ...bytes].map((byte) => byte.toString(2).padStart(8, "0"));
  return all.join("").slice(Math.ceil((8 * before) / 6) * 6);
}

const base64Core = (bytes: Buffer, before: number): string =>
  sextetsOf(base64Bits(bytes, before))
    .whole.map((value) => `${alphabet}+/`[value])
    .join("");

function sextetsOf(bits: string): { whole: number[]; rest: string } {
  const count = Math.floor(bits.length / 6);
  const whole = Array.from({ length: count }, (_, index) =>
    Number.parseInt(bits.slice(6 * index, 6 * index + 6), 2),
  );
  return { whole, rest: bits.slice(6 * count) };
}

/**
 * The characters that are the secret's alone when it stands after `before` bytes (modulo 3) of a longer
 * text; the last one, which it may share with what follows, where it is there.
 */
function base64Pattern(bytes: Buffer, before: number): string {
  const { whole, rest } = sextetsOf(base64Bits(bytes, before));
  return `${whole.map(sextetPattern).join(base64Gap)}${lastPattern(rest)}${padding}`;
}

const padding = "(?:={1,2}|(?:%3[dD]){1,2})?";

/** The sextets that begin with these bits. */
function lastPattern(bits: string): string {
  if (bits === "") return "";
  const free = 6 - bits.length;
  const first = Number.parseInt(bits, 2) << free;
  const ways = Array.from({ length: 2 ** free }, (_, offset) => sextetPattern(first + offset));
  return `(?:${base64Gap}(?:${ways.join("|")}))?`;
}
