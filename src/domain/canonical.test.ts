import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callHash, canonicalJson, visibleJson } from "./canonical.ts";
import { plainText } from "./plain-text.ts";

describe("canonicalJson", () => {
  it("is the same for the same data in another order of keys", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "x" }], a: undefined })).toBe(
      '{"b":[1,{"c":"x","d":null}]}',
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        const turned = Object.fromEntries(Object.entries(data).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(data));
        expect(JSON.parse(canonicalJson(data))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
    );
  });

  it("refuses what is not plain data", () => {
    expect(() => canonicalJson({ call: () => 1 })).toThrow(TypeError);
    for (const lost of [new Map([["to", "a"]]), new Set(["a"]), /a/, 1n]) {
      expect(() => canonicalJson({ lost })).toThrow(TypeError);
    }
    const at = new Date(0);
    expect(canonicalJson({ at })).toBe(JSON.stringify({ at }));
  });
});

describe("callHash", () => {
  it("differs when anything about the call differs, over 10,000 changed arguments", () => {
    const call = {
      tool: "inbox_send",
      version: "1",
      arguments: { to: ["a@b.example"], text: "x" },
    };
    const hash = callHash(call);
    expect(callHash({ ...call, tool: "inbox_read" })).not.toBe(hash);
    expect(callHash({ ...call, version: "2" })).not.toBe(hash);
    fc.assert(
      fc.property(fc.jsonValue(), (changed) => {
        fc.pre(canonicalJson(changed) !== canonicalJson(call.arguments));
        expect(callHash({ ...call, arguments: changed })).not.toBe(hash);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe("visibleJson", () => {
  it.each([
    ["a\u202Eb", '"a\\u{202e}b"'],
    ["a\u200Bb", '"a\\u{200b}b"'],
    ["a\u{E0041}b", '"a\\u{e0041}b"'],
    ["a\u2028b", '"a\\u{2028}b"'],
    ["Grüße 🙂", '"Grüße 🙂"'],
  ])("writes out what nobody would see in %j", (text, shown) => {
    expect(visibleJson(text)).toBe(shown);
  });
});

it("writes out for a person whatever plain text would drop in silence", () => {
  // Planes 2 to 13 hold letters only, or nothing yet.
  const codes = Array.from({ length: 0x3_0000 }, (_, index) =>
    index < 0x2_0000 ? index : index - 0x2_0000 + 0xe_0000,
  );
  const hidden = codes
    .map((code) => `a${String.fromCodePoint(code)}b`)
    .filter((text) => plainText(text, 9) === "ab" && visibleJson(text) === `"${text}"`);
  expect(hidden.map((text) => text.codePointAt(1)?.toString(16))).toEqual([]);
});
