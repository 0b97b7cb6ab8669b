import { demoOwner } from "./mails.ts";
import type { DemoBody, DemoMail } from "./mails.ts";

const minuteMs = 60_000;

export const sentAt = (mail: DemoMail, madeAt: Date): Date =>
  new Date(madeAt.getTime() - mail.minutesAgo * minuteMs);

/** A mail as a server would have put it into a Maildir. */
export function composeMail(mail: DemoMail, madeAt: Date): Buffer {
  const { address } = mail.from;
  const domain = address.slice(address.indexOf("@") + 1);
  const date = sentAt(mail, madeAt).toUTCString().replace("GMT", "+0000");
  const word = mail.authenticated === false ? "fail" : "pass";
  const answered = mail.answers && messageId(mail.answers, madeAt);
  const headers: Record<string, string> = {
    "Return-Path": `<${address}>`,
    "Authentication-Results": `mx.harbourlight.example; spf=${word} smtp.mailfrom=${domain}; dkim=${word} header.d=${domain}; dmarc=${word} header.from=${domain}`,
    Received: `from mail.${domain} by mx.harbourlight.example with ESMTPS; ${date}`,
    From: `${encodeHeader(mail.from.name, true)} <${address}>`,
    To: `${demoOwner.name} <${demoOwner.address}>`,
    Subject: encodeHeader(mail.subject),
    Date: date,
    "Message-ID": messageId(mail.id, madeAt),
    ...(answered && { "In-Reply-To": answered, References: answered }),
    ...mail.headers,
    "MIME-Version": "1.0",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  return Buffer.from(lines.join("") + composeBody(mail.body, `=_${mail.id}`));
}

// Another world's mails are other mails.
const messageId = (id: string, madeAt: Date): string =>
  `<${id}.${Math.floor(madeAt.getTime() / 1_000)}@mail.harbourlight.example>`;

/** The content headers, an empty line, and the content. */
function composeBody(body: DemoBody, boundary: string): string {
  switch (body.kind) {
    case "text":
      return part("text/plain; charset=utf-8", "8bit", body.text);
    case "quoted-printable":
      return part("text/plain; charset=utf-8", "quoted-printable", quotedPrintable(body.text));
    case "encoded":
      return part(`text/plain; charset=${body.charset}`, "base64", wrapped(body.base64));
    case "html":
      return part("text/html; charset=utf-8", "quoted-printable", quotedPrintable(body.html));
    case "alternative":
      return multipart("alternative", boundary, [
        part("text/plain; charset=utf-8", "8bit", body.text),
        part("text/html; charset=utf-8", "quoted-printable", quotedPrintable(body.html)),
      ]);
    case "attachment": {
      const { name, type, content } = body.file;
      const file = part(type, "base64", wrapped(Buffer.from(content).toString("base64")), [
        `Content-Disposition: attachment; filename="${name}"`,
      ]);
      return multipart("mixed", boundary, [
        part("text/plain; charset=utf-8", "8bit", body.text),
        file,
      ]);
    }
  }
}

function part(type: string, encoding: string, content: string, more: string[] = []): string {
  const headers = [`Content-Type: ${type}`, `Content-Transfer-Encoding: ${encoding}`, ...more];
  return `${headers.join("\n")}\n\n${content}`;
}

function multipart(kind: string, boundary: string, parts: string[]): string {
  const content = parts.map((each) => `--${boundary}\n${each}\n`).join("");
  return `Content-Type: multipart/${kind}; boundary="${boundary}"\n\n${content}--${boundary}--\n`;
}

const wrapped = (base64: string): string => `${base64.match(/.{1,76}/g)?.join("\n") ?? ""}\n`;

/** RFC 2045: lines of at most 76 characters, no space at their ends. */
function quotedPrintable(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const units = [...Buffer.from(line)].map((byte, index, bytes) => {
        const space = byte === 0x20 && index < bytes.length - 1;
        const plain = space || (byte > 0x20 && byte < 0x7f && byte !== 0x3d);
        return plain
          ? String.fromCharCode(byte)
          : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
      });
      let out = "";
      let width = 0;
      for (const unit of units) {
        if (width + unit.length > 75) {
          out += "=\n";
          width = 0;
        }
        out += unit;
        width += unit.length;
      }
      return out;
    })
    .join("\n");
}

/** RFC 2047 where the text is more than ASCII; in a name, commas need quotes. */
function encodeHeader(text: string, isName = false): string {
  if (/^[\x20-\x7e]*$/.test(text)) return isName && text.includes(",") ? `"${text}"` : text;
  const words: string[] = [];
  let chunk = "";
  for (const character of text) {
    if (Buffer.byteLength(chunk + character) > 45) {
      words.push(chunk);
      chunk = "";
    }
    chunk += character;
  }
  words.push(chunk);
  return words.map((each) => `=?UTF-8?B?${Buffer.from(each).toString("base64")}?=`).join("\n ");
}
