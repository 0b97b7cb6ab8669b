import { expect, it } from "vitest";
import { parseSkillFile } from "./skill-file.ts";

const parse = (source: string) => parseSkillFile(source, "SKILL.md");

it("reads name, description and the instructions after the frontmatter", () => {
  expect(
    parse("---\nname: a\ndescription: Watches a.\nlicense: MIT\n---\n\n# A\n\n---\nmore\n"),
  ).toEqual({ name: "a", description: "Watches a.", instructions: "# A\n\n---\nmore" });
});

it.each([
  ["Windows line ends and a byte order mark", "\uFEFF---\r\ndescription: D\r\n---\r\nText\r\n"],
  ["blanks after the end of the frontmatter", "---\ndescription: D\n---  \nText"],
  ["a name that is no text", "---\nname: 5\ndescription: D\n---\nText"],
])("reads a file with %s", (_, source) => {
  expect(parse(source)).toEqual({ name: undefined, description: "D", instructions: "Text" });
});

it("reads a file without instructions", () => {
  expect(parse("---\ndescription: D\n---")).toMatchObject({ description: "D", instructions: "" });
});

it.each([
  ["nothing", "", /does not begin with frontmatter/],
  ["no frontmatter", "# A skill", /does not begin with frontmatter/],
  ["frontmatter that never ends", "---\ndescription: D\n", /does not begin with frontmatter/],
  ["what is not YAML", "---\ndescription: [\n---\n", /is not YAML/],
  ["no description", "---\nname: a\n---\n", /has no description/],
  ["an empty description", "---\ndescription: '  '\n---\n", /has no description/],
  ["a description that is a list", "---\ndescription: [a]\n---\n", /has no description/],
  ["text in the place of fields", "---\njust text\n---\n", /has no description/],
  ["a list in the place of fields", "---\n- a\n---\n", /has no description/],
  ["empty frontmatter", "---\n\n---\n", /has no description/],
  ["a name with aliases without end", `---\na: &a [x]\nb: [*a, *a]\ndescription: D\n---\n`, /YAML/],
])("refuses %s", (_, source, message) => {
  expect(() => parse(source)).toThrow(
    expect.objectContaining({
      code: "SKILL_FILE_INVALID",
      message: expect.stringMatching(message),
    }),
  );
});
