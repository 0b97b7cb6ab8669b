import { randomUUID } from "node:crypto";

/** Writes messages as RFC 5322 and MIME want them, for tests that need real mail. */

export interface MailAttachment {
  readonly filename: string;
  readonly content: string | Uint8Array;
  /** Default `application/octet-stream`. */
  readonly contentType?: string;
}

export interface MailMessage {
  /** `ann@example.com` or `Ann Example <ann@example.com>`. */
  readonly from: string;
  readonly to: string | readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** Default: now. */
  readonly date?: Date;
  /** Further headers; a name that is also written here replaces what would be written. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly MailAttachment[];
}

interface Part {
  readonly headers: readonly string[];
  readonly body: string;
}

/** The message as it is stored and sent, lines ending in CRLF. */
export function formatMail(mail: MailMessage): string {
  const to = typeof mail.to === "string" ? [mail.to] : mail.to;
  const custom = Object.entries(mail.headers ?? {});
  const replaced = new Set(custom.map(([name]) => name.toLowerCase()));
  const standard: [string, string][] = [
    ["From", formatAddress(mail.from)],
    ["To", to.map(formatAddress).join(", ")],
    ["Subject", encodeWords(mail.subject)],
    ["Date", (mail.date ?? new Date()).toUTCString().replace("GMT", "+0000")],
    ["Message-ID", `<${randomUUID()}@mail.example.com>`],
    ["MIME-Version", "1.0"],
  ];
  const headers = [
    ...standard.filter(([name]) => !replaced.has(name.toLowerCase())),
    ...custom.map(([name, value]): [string, string] => [name, encodeWords(value)]),
  ].map(([name, value]) => fold(`${name}: ${value}`));
  const content = bodyPart(mail);
  return [...headers, ...content.headers, "", content.body].join("\r\n");
}

function bodyPart({ text, html, attachments = [] }: MailMessage): Part {
  const plain = textPart("plain", text);
  const body =
    html === undefined ? plain : multipart("alternative", [plain, textPart("html", html)]);
  return attachments.length === 0
    ? body
    : multipart("mixed", [body, ...attachments.map(attachmentPart)]);
}

function textPart(subtype: string, text: string): Part {
  const lines = text.replace(/\r\n|\r|\n/g, "\r\n");
  const plain = /^[\t\r\n\x20-\x7e]*$/.test(lines) && !/[^\r\n]{900}/.test(lines);
  return {
    headers: [
      `Content-Type: text/${subtype}; charset=utf-8`,
      `Content-Transfer-Encoding: ${plain ? "7bit" : "base64"}`,
    ],
    body: plain ? lines : base64Lines(Buffer.from(lines)),
  };
}

function attachmentPart({ filename, content, contentType }: MailAttachment): Part {
  const name = encodeURIComponent(filename).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return {
    headers: [
      `Content-Type: ${contentType ?? "application/octet-stream"}`,
      fold(`Content-Disposition: attachment; filename*=utf-8''${name}`),
      "Content-Transfer-Encoding: base64",
    ],
    body: base64Lines(Buffer.from(content)),
  };
}

function multipart(subtype: string, parts: readonly Part[]): Part {
  const boundary = `=_${randomUUID()}`;
  const inner = parts.map(({ headers, body }) => ["", ...headers, "", body, ""].join("\r\n"));
  return {
    headers: [`Content-Type: multipart/${subtype}; boundary="${boundary}"`],
    body: `--${boundary}${inner.join(`--${boundary}`)}--${boundary}--\r\n`,
  };
}

function formatAddress(address: string): string {
  const named = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(address);
  const name = named?.[1]?.replace(/^"(.*)"$/, "$1") ?? "";
  const mailbox = encodeWords(named?.[2] ?? address);
  if (name === "") return mailbox;
  const encoded = encodeWords(name);
  const plain = encoded !== name || /^[\w!#$%&'*+/=?^`{|}~ -]+$/.test(name);
  return `${plain ? encoded : `"${name.replace(/["\\]/g, "\\$&")}"`} <${mailbox}>`;
}

const longestWordBytes = 45;

/** The value on one line: as it is where it is ASCII, as RFC 2047 encoded words where it is not. */
function encodeWords(value: string): string {
  const line = value.replace(/[\r\n]+/g, " ");
  if (/^[\t\x20-\x7e]*$/.test(line)) return line;
  const words: string[] = [];
  let word = "";
  for (const sign of line) {
    if (Buffer.byteLength(word + sign) > longestWordBytes) {
      words.push(word);
      word = "";
    }
    word += sign;
  }
  words.push(word);
  return words.map((one) => `=?utf-8?B?${Buffer.from(one).toString("base64")}?=`).join(" ");
}

/** Breaks a header at spaces so that no line is longer than it must be. */
function fold(header: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of header.split(" ")) {
    // A folded line of nothing but space would end the headers for some readers.
    if (line.trim() !== "" && word !== "" && line.length + 1 + word.length > 76) {
      lines.push(line);
      line = ` ${word}`;
    } else line = line === "" && lines.length === 0 ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\r\n");
}

const base64Lines = (content: Buffer): string =>
  content.toString("base64").replace(/.{76}(?=.)/g, "$&\r\n");
