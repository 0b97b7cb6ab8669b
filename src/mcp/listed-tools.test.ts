import { describe, expect, it } from "vitest";
import { readTools } from "./listed-tools.ts";

const server = { name: "my-desk", tools: { secret: false } } as const;
const tool = (name: string, description = "Does it.") => ({
  name,
  description,
  inputSchema: { type: "object" },
});
const read = (listed: readonly unknown[], taken: string[] = []) =>
  readTools(server, listed, new Set(taken));

it("names tools after their server, sorted, and leaves out those that the owner hides", () => {
  const { tools, notes } = read([tool("send mail!"), tool("look"), tool("secret")]);
  expect(tools.map(({ name, remoteName }) => [name, remoteName])).toEqual([
    ["my_desk_look", "look"],
    ["my_desk_send_mail_", "send mail!"],
  ]);
  expect(notes).toEqual([]);
});

it("gives a description that is plain and of 1,000 characters at most", () => {
  const [long, none] = read([
    tool("a", `\u001b[31m\u202e${"word ".repeat(1_000)}`),
    tool("b", ""),
  ]).tools;
  expect(long?.description).toHaveLength(1_000);
  expect(long?.description).toMatch(/^\[31mword/);
  expect(none?.description).toContain("says nothing of it");
});

it("has another hash for whatever is said, also for what nobody sees", () => {
  const hashOf = (value: object) => read([value]).tools[0]?.hash;
  const { inputSchema } = tool("a");
  const usual = hashOf({ inputSchema, description: "Does it.", name: "a" });
  expect(hashOf(tool("a"))).toBe(usual);
  const others = [
    tool("a", "Does it.\u200b"),
    tool("b"),
    { ...tool("a"), inputSchema: { type: "object", properties: { x: { pattern: "a" } } } },
    { name: "a", inputSchema },
  ];
  expect(new Set([usual, ...others.map(hashOf)]).size).toBe(5);
  // Annotations are hints that nobody here believes.
  expect(hashOf({ ...tool("a"), annotations: { readOnlyHint: true } })).toBe(usual);
});

describe("leaves out, and says so,", () => {
  it.each<[string, unknown[], string[], RegExp]>([
    ["a tool without a name", [{ description: "x" }], [], /tool 1 has no name/],
    ["what is no tool", [null, 3, "x"], [], /tool 3 has no name/],
    ["a name that is taken", [tool("look")], ["my_desk_look"], /name of another tool/],
    ["the second of two alike", [tool("a b"), tool("a!b")], [], /is there twice/],
    ["a tool that says too much", [tool("a", "x".repeat(40_000))], [], /more than 32 KB/],
    [
      "a schema that cannot be used",
      [{ name: "a", inputSchema: { properties: { "": {} } } }],
      [],
      /schema that cannot be used/,
    ],
    ["more than 64 tools", Array.from({ length: 70 }, (_, i) => tool(`t${i}`)), [], /first 64/],
  ])("%s", (_, listed, taken, note) => {
    const { tools, notes } = read(listed, taken);
    expect(notes.join("\n")).toMatch(note);
    expect(tools.length).toBeLessThanOrEqual(64);
  });
});

it("is not led astray by names that every object has", () => {
  expect(read([tool("constructor"), tool("__proto__")]).tools.map(({ name }) => name)).toEqual([
    "my_desk___proto__",
    "my_desk_constructor",
  ]);
});
