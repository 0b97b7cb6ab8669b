import fc from "fast-check";
import { check } from "prettier";
import { expect, test } from "vitest";
import { secret } from "../../config/secret.ts";
import { typescriptValue } from "./typescript-value.ts";

const read = (source: string): unknown =>
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what was written is read as the language reads it
  (new Function("secret", `"use strict"; return (${source});`) as (of: typeof secret) => unknown)(
    secret,
  );

/** Texts that would like to end the quotes, the line or the object. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.constantFrom(
    '"); process.exit(1); ("',
    "\\",
    '\\"',
    "`${process.exit(1)}`",
    "line\nbreak\r\n",
    "\u2028\u2029\u0000\u202e\ufeff",
    "\ud800",
    "*/ // <!-- </script>",
    "𝕌nicode 👩‍👩‍👧 é",
  ),
);

test("what is written is read as exactly what it was, whatever stands in it", () => {
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: "small" },
      hostile,
      fc.integer(),
      fc.boolean(),
      hostile.map(secret),
      fc.array(tie("node"), { maxLength: 4 }),
      fc.dictionary(
        hostile.filter((key) => key !== "__proto__"),
        tie("node"),
        {
          maxKeys: 4,
          noNullPrototype: true,
        },
      ),
    ),
  })).node;
  fc.assert(
    fc.property(tree, fc.nat(8), fc.nat(20), (value, indent, before) => {
      expect(read(typescriptValue(value, indent, before))).toEqual(value);
    }),
  );
});

test("nothing in it is unseen, nor can it turn the direction of reading", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(typescriptValue(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
  );
});

test("it is laid out as the formatter lays it out", async () => {
  const value = {
    every: "10m",
    "a-b": [],
    none: undefined,
    accounts: Array.from({ length: 3 }, (_, index) => ({
      name: `a${"x".repeat(index * 30)}`,
      secure: true,
      imap: { host: "imap.example.com", port: 993 + index, password: secret("IMAP_PASSWORD") },
    })),
  };
  const source = `export const config = ${typescriptValue(value, 0, 22)};\n`;
  expect(await check(source, { parser: "typescript", printWidth: 100 })).toBe(true);
});
