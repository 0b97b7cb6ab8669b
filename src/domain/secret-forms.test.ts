import { describe, expect, it } from "vitest";
import { createScrub, scrubbed } from "./scrub.ts";

/** Each way in which a secret is known to stand in what leaves the process. */

const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8");
const percent = (text: string, upper: boolean): string =>
  [...bytesOf(text)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .map((hex) => `%${upper ? hex.toUpperCase() : hex}`)
    .join("");
const folded = (text: string, columns: number, end = "\r\n"): string =>
  text.replaceAll(new RegExp(`.{${columns}}`, "g"), `$&${end}`);
const inSentence = (secret: string, before: number): string =>
  bytesOf(`${"A sentence before ".slice(0, 15 + before)}${secret} and words after it`).toString(
    "base64",
  );

const secrets = [
  "41f-Zk/9+q=Wb_8%x",
  `p"w\\d's & <more>`,
  "pä sswörd-雪-123",
  "sk-ant-api03-AbCdEfGhIj0123456789",
];

const ways: [name: string, write: (secret: string) => string][] = [
  ["as it is", (secret) => `before ${secret} after`],
  ["without a gap", (secret) => `x${secret}y`],
  ["as JSON", (secret) => JSON.stringify({ secret })],
  ["as JSON in JSON", (secret) => JSON.stringify(JSON.stringify({ secret }))],
  ["as a URL's part", (secret) => `https://host/?p=${encodeURIComponent(secret)}&x=1`],
  ["as a form's field", (secret) => new URLSearchParams({ p: secret }).toString()],
  ["wholly percent-encoded, upper case", (secret) => percent(secret, true)],
  ["wholly percent-encoded, lower case", (secret) => percent(secret, false)],
  ["quoted-printable", (secret) => percent(secret, true).replaceAll("%", "=")],
  ["quoted-printable, broken", (secret) => `${secret.slice(0, 5)}=\r\n${secret.slice(5)}`],
  [
    "escaped for HTML",
    (secret) =>
      secret
        .replaceAll("&", "&amp;")
        .replaceAll("<", "&lt;")
        .replaceAll(">", "&gt;")
        .replaceAll('"', "&quot;")
        .replaceAll("'", "&#39;"),
  ],
  ["in hex", (secret) => bytesOf(secret).toString("hex")],
  ["in hex, upper case", (secret) => bytesOf(secret).toString("hex").toUpperCase()],
  ["in base64", (secret) => `Basic ${bytesOf(secret).toString("base64")}`],
  ["in base64url", (secret) => bytesOf(secret).toString("base64url")],
  ["in base64 in a URL", (secret) => encodeURIComponent(bytesOf(secret).toString("base64"))],
  ...[0, 1, 2].flatMap((before): [string, (secret: string) => string][] => [
    [`in base64 in a sentence (${before})`, (secret) => inSentence(secret, before)],
    [
      `the same as base64url (${before})`,
      (secret) => inSentence(secret, before).replaceAll("+", "-").replaceAll("/", "_"),
    ],
    [`the same folded (${before})`, (secret) => folded(inSentence(secret, before), 26)],
    [
      `the same folded, on one line (${before})`,
      (secret) => folded(inSentence(secret, before), 26, " "),
    ],
    [
      `the same folded, in JSON (${before})`,
      (secret) => JSON.stringify(folded(inSentence(secret, before), 26)),
    ],
  ]),
];

/** What somebody who has the text can read out of it. */
function readable(text: string): string[] {
  const joined = text
    .replaceAll(/\s|\\[rn]/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  const runs = joined.match(/[A-Za-z0-9+/]{4,}/g) ?? [];
  return [
    text,
    ...runs.flatMap((run) =>
      [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), "base64").toString("utf8")),
    ),
    ...runs.map((run) => Buffer.from(run, "hex").toString("utf8")),
  ];
}

describe("every form of a secret", () => {
  it.each(ways)("%s", (_, write) => {
    for (const secret of secrets) {
      const written = write(secret);
      const clean = createScrub([secret])(written);
      expect([written, clean.includes(scrubbed)]).toEqual([written, true]);
      // Of the first and the last character a few bits may stay.
      const core = [...secret].slice(1, -1).join("");
      expect(readable(clean).filter((text) => text.includes(core))).toEqual([]);
    }
  });

  it("is not seen where there is none", () => {
    const scrub = createScrub(secrets);
    const text =
      'An invoice of 41f- and more: https://example.com/?p=41f&q=%20 "quoted" aGVsbG8gd29ybGQ=';
    expect(scrub(text)).toBe(text);
  });
});

describe("a secret that is a word", () => {
  const scrub = createScrub(["spring", "12345678"]);

  it("is taken out where it stands alone, and no part of another", () => {
    expect(scrub("spring, springtime, offspring")).toBe("[secret], springtime, offspring");
    expect(scrub("12345678 of 9912345678")).toBe("[secret] of 9912345678");
  });
});

it("finds a private key line by line", () => {
  const key =
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQDX\n-----END KEY-----";
  expect(createScrub([key])("read EFAASCBKcwggSjAgEAAoIBAQDX there")).toBe("read [secret] there");
});
