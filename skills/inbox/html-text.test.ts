import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import fc from "fast-check";
import { htmlToText } from "./html-text.ts";

describe("htmlToText", () => {
  it.each([
    ["<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"],
    ["<style>p{color:red}</style><script>alert(1)</script>Hi", "Hi"],
    ["<SCRIPT>x</SCRIPT>Hi <!-- no --> there", "Hi there"],
    ["a &lt; b &amp;&amp; c&nbsp;&#228;&#x20AC;", "a < b && c ä€"],
    ["&#0;&#xD800;&unknown;", "\ufffd\ufffd&unknown;"],
    ["1 < 2 and 3 > 2", "1 < 2 and 3 > 2"],
    ["<td>a</td><td>b</td>", "a b"],
    ["<a href='https://example.com/?a>b'>link</a", "b'>link"],
    ["<style>never closed", "never closed"],
  ])("%s", (html, text) => {
    expect(htmlToText(html, 1_000)).toBe(text);
  });

  it.each([
    "<",
    "<a href='",
    "<!--",
    "<style",
    "<style>",
    "<script><",
    "&",
    "&#",
    " ",
    "\n ",
    "<p>",
    "</",
  ])("takes hostile input in one pass: %j half a million times", async (piece) => {
    const html = piece.repeat(Math.ceil((512 * 1024) / piece.length));
    expect(await processorMs(() => htmlToText(html, 2_000))).toBeLessThan(1_000);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        (html) => typeof htmlToText(html, 100) === "string",
      ),
    );
  });
});
