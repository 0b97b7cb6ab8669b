import fc from "fast-check";
import { expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { readReplyWord } from "./reply-word.ts";

const quoted =
  "\n\nOn Monday watch@example.com wrote:\n> Reply with deny as the first line.\n> approve\n";

it.each([
  "approve",
  "Approve",
  "APPROVE.",
  "approve!",
  "  approve  ",
  "\n\n\t\napprove",
  "\r\napprove\r\n",
  "approve\u200b",
  "approve\n\nAnn\n-- \nsent from my phone",
])("takes %j for yes", (text) => {
  expect(readReplyWord(text)).toEqual({ kind: "approve" });
  expect(readReplyWord(text + quoted)).toEqual({ kind: "approve" });
});

it.each<[string, string | null]>([
  ["deny", null],
  ["Deny.", null],
  ["deny: not to Ann", "not to Ann"],
  ["DENY:wait until Monday.", "wait until Monday."],
  ["deny :   because", "because"],
  [`deny: ${"x".repeat(900)}`, `${"x".repeat(499)}…`],
])("takes %j for no", (text, note) => {
  expect(readReplyWord(text + quoted)).toEqual({ kind: "deny", note });
});

it.each([
  "",
  "   \n \n",
  "yes",
  "ok",
  "approved",
  "denied",
  "genehmigt",
  "approve 5",
  "approve it",
  "I approve",
  "approve?",
  "do not approve",
  "approve: but only to Ann",
  "approve or deny",
  "approve deny",
  "deny:",
  "deny: \u200b",
  "> approve",
  ">approve",
  "| approve",
  "On Monday you wrote:\napprove",
  "Hello,\napprove",
  "Hello\n\ndeny",
  "аpprove",
  "ap\nprove",
])("makes nothing of %j", (text) => {
  expect(readReplyWord(text)).toEqual({ kind: "unclear" });
});

it("reads only the first line that is not empty, whatever follows", () => {
  const blank = fc.string({ unit: fc.constantFrom(" ", "\t", "\r", "\n"), maxLength: 40 });
  const rest = fc.string({ unit: "grapheme-composite", maxLength: 100 });
  fc.assert(
    fc.property(blank, fc.constantFrom("approve", "deny"), rest, (before, word, after) => {
      expect(readReplyWord(`${before}${word}\n${after}`).kind).toBe(word);
    }),
  );
});

it("never takes a first line that says more for a word", () => {
  const more = fc.stringMatching(/^[a-z0-9>?'"()-][a-z0-9 >?'"()-]{0,30}$/);
  fc.assert(
    fc.property(more, fc.boolean(), (text, before) => {
      const line = before ? `${text} approve` : `approve ${text}`;
      expect(readReplyWord(line)).toEqual({ kind: "unclear" });
    }),
  );
});

it("is quick with a huge reply", async () => {
  const spent = await processorMs(() => {
    expect(readReplyWord("\n".repeat(5_000_000))).toEqual({ kind: "unclear" });
    expect(readReplyWord("a ".repeat(2_000_000))).toEqual({ kind: "unclear" });
    expect(readReplyWord(`deny${" ".repeat(4_000_000)}`)).toEqual({ kind: "deny", note: null });
  });
  expect(spent).toBeLessThan(2_000);
});
