import { parseEnv } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { environmentLine } from "./environment-line.ts";

test.each([
  ["plain-Words_1.2", "A=plain-Words_1.2"],
  ["with space", "A='with space'"],
  ["hash # hash", "A='hash # hash'"],
  ["it's", `A="it's"`],
  [`it's "so"`, 'A=`it\'s "so"`'],
  [" around ", "A=' around '"],
  ["back\\slash\\n", "A='back\\slash\\n'"],
  ["$HOME ${HOME}", "A='$HOME ${HOME}'"],
])("%j is read back as it was", (value, line) => {
  expect(environmentLine("A", value)).toBe(line);
  expect(parseEnv(line)).toEqual({ A: value });
});

test("a value that the format cannot hold gives no line at all", () => {
  for (const value of ["a\nb", "a\rb", "a\0b", "'a\"b`c#"]) {
    expect(environmentLine("A", value)).toBeUndefined();
  }
});

test("whatever gives a line is read back as it was, between other lines too", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("'", '"', "`", "#", "\\", "n", " ", "$", "=") }),
  );
  const later = fc.constantFrom("C=2", "C='2'", 'C="2"', "C=`2`");
  fc.assert(
    fc.property(text, later, (value, after) => {
      const line = environmentLine("A", value);
      if (line === undefined) return;
      expect({ ...parseEnv(`B=1\n${line}\n${after}`) }).toEqual({ B: "1", A: value, C: "2" });
    }),
    { numRuns: 500 },
  );
});
