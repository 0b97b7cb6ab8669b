import fc from "fast-check";
import { expect, it } from "vitest";
import { isWordToken, wordToken, wordTokens, type WordTokenSubject } from "./word-token.ts";

const subject: WordTokenSubject = {
  approvalId: 7,
  argumentsHash: "0f".repeat(32),
  expiresAt: 1_000,
  use: "approve",
};

it("is the same for the same call, and finds itself in a text", () => {
  const token = wordToken("secret", subject);
  expect(wordToken("secret", subject)).toBe(token);
  expect(`see <${token}@example.com>`.match(wordTokens)).toEqual([token]);
  expect(isWordToken(token.toUpperCase(), "secret", subject)).toBe(true);
});

it.each<[string, string, Partial<WordTokenSubject>]>([
  ["another secret", "other", {}],
  ["another approval", "secret", { approvalId: 8 }],
  ["other arguments", "secret", { argumentsHash: "1f".repeat(32) }],
  ["another time", "secret", { expiresAt: 1_001 }],
  ["another use", "secret", { use: "deny" }],
])("is none for %s", (_, secret, changes) => {
  const token = wordToken("secret", subject);
  expect(isWordToken(token, secret, { ...subject, ...changes })).toBe(false);
});

it("takes no other text for it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      expect(isWordToken(text, "secret", subject)).toBe(false);
    }),
  );
});
