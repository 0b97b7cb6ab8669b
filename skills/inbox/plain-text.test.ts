import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { cleanLine, cleanText, cutText } from "./plain-text.ts";

describe("cleanLine", () => {
  it.each([
    ["line breaks", "a\r\nb\u2028c", "a b c"],
    ["terminal escapes", "\u001b[2Jhello\u009b1m", "[2Jhello1m"],
    ["bidirectional overrides", "invoice\u202efdp.exe", "invoicefdp.exe"],
    ["zero-width and tag characters", "pay\u200b\u{e0041}\u{e0042} now\ufeff", "pay now"],
    ["lone surrogates", "a\ud800b", "a\ufffdb"],
  ])("takes out %s", (_, text, clean) => {
    expect(cleanLine(text, 100)).toBe(clean);
  });

  it("keeps joiners, which scripts and emoji need", () => {
    expect(cleanLine("👩\u200d💻 می\u200cخواهم", 100)).toBe("👩\u200d💻 می\u200cخواهم");
  });

  it("never passes its limit, cuts a character in two, or leaves a control character", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 400 }),
        fc.integer({ min: 1, max: 50 }),
        (text, limit) => {
          const line = cleanLine(text, limit);
          expect(line.length).toBeLessThanOrEqual(limit);
          expect(line.isWellFormed()).toBe(true);
          expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        },
      ),
    );
  });
});

describe("cleanText", () => {
  it("keeps paragraphs, with one blank line between them", () => {
    expect(cleanText("a  b\r\n\r\n\r\n \n  c\n\n", 100)).toBe("a b\n\nc");
  });

  it("says that it cut", () => {
    expect(cutText("abcdef", 4)).toBe("abc…");
    expect(cutText("ab😀def", 4)).toBe("ab…");
  });
});
