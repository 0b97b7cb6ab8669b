import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { oneLine, plainText } from "./plain-text.ts";

describe("plainText", () => {
  it.each([
    ["lines and tabs", "a\n\tb", "a\n\tb"],
    ["every kind of line end", "a\r\nb\rc\u2028d\u2029e\u0085f", "a\nb\nc\nd\ne\nf"],
    ["blanks at the ends of lines", "a  \t\nb ", "a\nb"],
    ["many empty lines", "a\n\n\n\n\n\nb", "a\n\n\nb"],
    ["a terminal's commands", "\u001b[31mred\u001b[0m\u0007\u009b2J", "[31mred[0m2J"],
    ["text that turns its direction", "pay \u202egpj.exe\u202c\u2066x\u2069", "pay gpj.exex"],
    ["what cannot be seen", "a\u200bb\ufeffc\u00add\u{e0041}e\u0000f", "abcdef"],
    ["half a character", "a\ud83db", "a\ufffdb"],
    ["other scripts", "naïve Grüße 日本語 🙂 مرحبا", "naïve Grüße 日本語 🙂 مرحبا"],
  ])("leaves of %s what can be read", (_, text, expected) => {
    expect(plainText(text, 100)).toBe(expected);
  });

  it("cuts with an ellipsis, never within a character", () => {
    expect(plainText("abcdef", 6)).toBe("abcdef");
    expect(plainText("abcdefg", 6)).toBe("abcde…");
    expect(plainText("abc🙂🙂", 5)).toBe("abc…");
  });

  it("is at most as long as asked, well-formed, and plain already the second time", () => {
    const anything = fc.string({ unit: "binary", maxLength: 300 });
    const hostile = fc.constantFrom("\u001b", "\u202e", "\n", " ", "\ud83d", "\u200b", "x", "\r");
    const text = fc.oneof(
      anything,
      fc.array(hostile).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 80 }), (raw, length) => {
        for (const make of [plainText, oneLine]) {
          const plain = make(raw, length);
          expect(plain.length).toBeLessThanOrEqual(length);
          expect(plain.isWellFormed()).toBe(true);
          expect(plain).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e]/u);
          expect(make(plain, length)).toBe(plain);
        }
        expect(oneLine(raw, length)).not.toMatch(/[\n\t]/);
      }),
    );
  });

  it.each([
    ["blanks", " ".repeat(2_000_000)],
    ["blanks within text", `x${" ".repeat(79_000)}x`],
    ["tabs and blanks", `x${" \t".repeat(40_000)}x`],
    ["empty lines", "\n".repeat(2_000_000)],
    ["invisible text", "\u200b".repeat(2_000_000)],
    ["blanks and line ends", " \n".repeat(1_000_000)],
  ])("is quick with a flood of %s", async (_, flood) => {
    const spent = await processorMs(() => {
      plainText(flood, 20_000);
      oneLine(flood, 20_000);
    });
    // Tried from every blank, the first of these took ten seconds.
    expect(spent).toBeLessThan(1_000);
  });
});

it("puts everything on one line", () => {
  expect(oneLine("  a\n\n b\t\tc\u2028d ", 100)).toBe("a b c d");
});
