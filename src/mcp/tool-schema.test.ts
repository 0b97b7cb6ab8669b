import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readToolSchema } from "./tool-schema.ts";

const shown = (schema: unknown) => {
  const made = readToolSchema(schema);
  return made && z.toJSONSchema(made, { io: "input", unrepresentable: "any" });
};

it("takes what most servers say, and checks arguments by it", () => {
  const schema = readToolSchema({
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: {
      query: { type: "string", description: "What to \u202elook for", minLength: 1 },
      limit: { type: "integer", minimum: 1, maximum: 50, default: 10 },
      kinds: { type: "array", items: { enum: ["open", "closed"] } },
      owner: { anyOf: [{ type: "string" }, { type: "null" }] },
    },
    required: ["query", "forgotten"],
    additionalProperties: false,
  });
  expect(schema?.safeParse({ query: "a", kinds: ["open"], owner: null }).success).toBe(true);
  for (const wrong of [
    {},
    { query: "" },
    { query: "a", limit: 99 },
    { query: "a", kinds: ["x"] },
    { query: "a", more: 1 },
  ]) {
    expect(schema?.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  }
});

it("shows the model plain texts, and no pattern", () => {
  const json = JSON.stringify(
    shown({
      properties: {
        a: { type: "string", pattern: "^(a+)+$", description: `\u0007${"long ".repeat(1_000)}` },
      },
    }),
  );
  expect(json).not.toContain("pattern");
  expect(json).not.toContain("\\u0007");
  expect(json.length).toBeLessThan(700);
});

it.each([
  ["nothing", undefined],
  ["text", "object"],
  ["a list", []],
  ["a type that there is not", { type: "widget" }],
  ["a choice at the top", { anyOf: [{ type: "object" }, { type: "null" }] }],
])("makes any object of %s", (_, schema) => {
  expect(shown(schema)).toMatchObject({ type: "object" });
  expect(readToolSchema(schema)?.safeParse({ a: 1 }).success).toBe(true);
  expect(readToolSchema(schema)?.safeParse("text").success).toBe(false);
});

describe("refuses", () => {
  const deep = (levels: number): object =>
    levels === 0 ? { type: "string" } : { type: "object", properties: { a: deep(levels - 1) } };
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (__, index) => [`p${index}`, {}]));
  it.each([
    ["what is too deep", deep(40)],
    ["what is too wide", { properties: wide }],
    ["a name that no request may hold", { properties: { "a b": {} } }],
    ["a name that is no name", JSON.parse('{"properties": {"__proto__": {}}}')],
    ["a choice of objects", { properties: { a: { enum: [{ b: 1 }] } } }],
  ])("%s", (_, schema) => {
    expect(readToolSchema(schema)).toBeUndefined();
  });
});

it("ends, whatever it is given, with a schema of one object or none", () => {
  const keyword = fc.constantFrom(
    "type",
    "properties",
    "items",
    "anyOf",
    "enum",
    "required",
    "minimum",
    "const",
    "additionalProperties",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("object", "string", null, true, 3, Number.NaN, "array"),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(keyword, tie("tree"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (schema) => {
      const json = shown(schema);
      expect(json === undefined || json.type === "object").toBe(true);
    }),
    { numRuns: 300 },
  );
});
