import { expect, it } from "vitest";
import { resultText } from "./result-text.ts";

it("joins texts, and names what is not shown", () => {
  const content = [
    { type: "text", text: "First\u0000 line" },
    { type: "image", mimeType: "image/png", data: "A".repeat(4_096) },
    { type: "resource", resource: { uri: "file:///a.md", text: "Inside" } },
    { type: "resource", resource: { uri: "file:///a.bin", mimeType: "x/y", blob: "AAAA" } },
    { type: "resource_link", uri: "https://example.com/b", name: "b" },
    { type: "hologram" },
    null,
  ];
  expect(resultText({ content })).toEqual({
    failed: false,
    text: [
      "First line",
      "(image, image/png, 3 KB: not shown)",
      "Inside",
      "(file file:///a.bin, x/y, 1 KB: not shown)",
      "(link to https://example.com/b b: not read)",
      "(something that is neither text, image, audio nor file: not shown)",
      "(something that is neither text, image, audio nor file: not shown)",
    ].join("\n"),
  });
});

it.each([
  ["structured content alone", { content: [], structuredContent: { a: 1 } }, '{"a":1}', false],
  ["a failure", { content: [{ type: "text", text: "No" }], isError: true }, "No", true],
  ["nothing", {}, "(the tool answered nothing)", false],
  ["something else", "text", "(the tool answered nothing)", false],
])("reads %s", (_, result, text, failed) => {
  expect(resultText(result)).toEqual({ text, failed });
});

it("cuts what is long", () => {
  const { text } = resultText({ content: [{ type: "text", text: "x".repeat(5_000_000) }] });
  expect(text.length).toBeLessThanOrEqual(20_000);
});
