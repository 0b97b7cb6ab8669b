import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { defang } from "./defang.ts";

describe("a link is made dead", () => {
  it.each([
    ["https://evil.example/x", "hxxps://evil[.]example/x"],
    ["HTTP://Evil.Example", "hxxp://Evil[.]Example"],
    ["1https://evil.example", "1hxxps://evil[.]example"],
    ["https://bank.com@evil.example/", "hxxps://bank[.]com@evil[.]example/"],
    ["https://evil.example:8443/a?b=c", "hxxps://evil[.]example:8443/a?b=c"],
    ["https://localhost/x", "hxxps://localhost/x"],
    ["http://192.0.2.7/x", "hxxp://192[.]0[.]2[.]7/x"],
    ["http://[2001:db8::1]:80/", "hxxp://[2001:db8::1]:80/"],
    ["http://3232235777/", "hxxp://3232235777/"],
    ["http:\\\\evil.example", "hxxp:\\\\evil[.]example"],
    ["ftp://files.evil.example", "ftp[:][//]files[.]evil[.]example"],
    ["slack://open?team=1", "slack[:][//]open?team=1"],
    ["file:///etc/passwd", "file[:]///etc/passwd"],
    ["mailto:ann@evil.example", "mailto[:]ann@evil[.]example"],
    ["tel:+4930123", "tel[:]+4930123"],
    ["javascript:alert(1)", "javascript[:]alert(1)"],
    ["//evil.example/x", "[//]evil[.]example/x"],
    ["see //intranet/x", "see [//]intranet/x"],
    ["\\\\server\\share", "[\\\\]server\\share"],
    ["www.evil.example", "www[.]evil[.]example"],
    ["evil.example", "evil[.]example"],
    ["ann@evil.example", "ann@evil[.]example"],
    ["192.0.2.7", "192[.]0[.]2[.]7"],
    ["192.0.2.7．1", "192[.]0[.]2[.]7[.]1"],
    ["evil.0x7f", "evil[.]0x7f"],
    ["xn--pypal-4ve.com", "xn--pypal-4ve[.]com"],
    ["pаypal.com", "pаypal[.]com"],
    ["пример.рф", "пример[.]рф"],
    ["i❤.ws", "i❤[.]ws"],
    ["evil。example", "evil[.]example"],
    ["ｈｔｔｐｓ：／／evil．example", "hxxps：／／evil[.]example"],
    ["ht\u200Btps://ev\u00ADil.exa\u200Dmple", "hxxps://evil[.]example"],
    ["https:\u2060//evil\uFEFF.\u180Eexample", "hxxps://evil[.]example"],
    ["evil.\u0001example", "evil[.]example"],
    ["[your bank](https://evil.example)", "[your bank](hxxps://evil[.]example)"],
    ["<https://evil.example|your bank>", "<hxxps://evil[.]example|your bank>"],
    ["read it.Now", "read it[.]Now"],
  ])("%s", (text, expected) => {
    expect(defang(text)).toBe(expected);
  });
});

it.each([
  "On 23.11.2026 at 10.30, 3.5% more, version v1.2.3, section 1.2.3.4.5",
  "e.g. this, i.e. that, U.S.A.",
  "2026-11-23T10:30:00.000Z",
  "Re:Hello, 10:30, a/b, x//y, 5 // 6, metadata:5, http is a protocol.",
  "One. Two… Three.",
  "",
])("other text stays: %s", (text) => {
  expect(defang(text)).toBe(text);
});

/** Text of the pieces that links are made of, beside anything at all. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          "http",
          "https",
          "HTTPS",
          "hxxp",
          "ftp",
          "mailto",
          "tel",
          ":",
          "//",
          "://",
          "\\\\",
          "/",
          ".",
        ],
        ...[
          "。",
          "．",
          "：",
          "／",
          "www.",
          "evil",
          "example",
          "com",
          "1",
          "127.0.0.1",
          "@",
          "[",
          "]",
          "(",
          ")",
        ],
        ...[
          "[.]",
          "[:]",
          " ",
          "\n",
          "\u200B",
          "\u00AD",
          "\uFE0F",
          "xn--",
          "é",
          "й",
          "-",
          "_",
          "%2e",
          "｡",
        ],
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(""));

/** What programs make links of by themselves, generously. */
const clickable = [
  /https?[:：]/iu,
  /(?<!hxxps?)[:：](?:\/\/|\\\\)/iu,
  /\b(?:mailto|tel|sms|javascript|data)[:：]\S/iu,
  /[\p{L}\p{N}][.。．｡]\p{L}{2,}/u,
  /(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])/,
  /(?:^|\s)(?:\/\/|\\\\)[\p{L}\p{N}]/u,
];

describe("whatever a stranger writes", () => {
  it("holds no link that anybody would make clickable", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const dead = defang(text);
        for (const link of clickable) expect(dead).not.toMatch(link);
      }),
      { numRuns: 3_000 },
    );
  });

  it("is the same when it is done twice", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(defang(defang(text))).toBe(defang(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(
    [
      "a",
      "a.",
      ".",
      "/",
      "\\",
      ":",
      "://",
      "http",
      "http:",
      "1.",
      "-",
      "data:",
      "hxxps",
      "\u200B",
      "。",
      "é.",
    ].map((part) => [part] as const),
  )("takes time in proportion to its length: %j", async (part) => {
    const text = part.repeat(Math.ceil(100_000 / part.length));
    // Were it in proportion to the square, this would take minutes.
    expect(await processorMs(() => defang(text))).toBeLessThan(2_000);
  });
});
