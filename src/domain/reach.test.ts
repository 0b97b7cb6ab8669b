import { describe, expect, test } from "vitest";
import { argumentReaches, saysWho, schemaReaches } from "./reach.ts";

test.each([
  ["to", true],
  ["roomId", true],
  ["cc_emails", true],
  ["From", true],
  ["replyTo", true],
  ["inReplyTo", false],
  ["in_reply_to", false],
  ["text", false],
  ["account", false],
  ["calendar", false],
  ["tomorrow", false],
  ["id", false],
])("the name %s says who is reached: %s", (name, says) => {
  expect(saysWho(name)).toBe(says);
});

test.each<[string, unknown, boolean]>([
  ["where", "ann@hill", true],
  ["where", "https://hook.example/x", true],
  ["where", ["ann@hill"], true],
  ["where", { inner: [{ bcc: "x" }] }, true],
  ["where", { inner: [{ note: "x" }] }, false],
  ["text", "write to ann@hill", false],
  ["id", "7f@host", false],
  ["inReplyTo", "7f@host", false],
  ["count", 7, false],
  ["nothing", null, false],
])("the argument %s: %j reaches somebody: %s", (name, value, reaches) => {
  expect(argumentReaches(name, value)).toBe(reaches);
});

describe("by its schema, an argument", () => {
  const text = { type: "string" };
  test.each<[string, unknown, boolean]>([
    ["of text", text, false],
    ["of text or nothing", { anyOf: [text, { type: "null" }] }, false],
    ["of one of a few words", { enum: ["a"] }, false],
    ["of several types", { type: ["string", "object"] }, true],
    ["that is a list of text", { type: "array", items: text }, false],
    ["that is a list of anything", { type: "array" }, true],
    ["with a recipient within", { type: "object", properties: { to: text } }, true],
    ["with only text within", { type: "object", properties: { note: text } }, false],
    ["with anything within", { type: "object", properties: {}, additionalProperties: true }, true],
    ["that is described elsewhere", { $ref: "#/$defs/x" }, true],
    ["of anything", {}, true],
    ["of any kind", true, true],
  ])("%s", (_, schema, reaches) => {
    expect(schemaReaches("more", schema)).toBe(reaches);
  });
});
