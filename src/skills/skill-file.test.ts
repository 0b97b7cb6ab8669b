import { describe, expect, it } from "vitest";
import { processorMs } from "../../tests/ground/processor-time.ts";
import { parseSkillFile } from "./skill-file.ts";

const parse = (source: string) => parseSkillFile(source, "SKILL.md");

it("reads all fields of the format, and the instructions after the frontmatter", () => {
  const source = `---
name: pdf-reading
description: >
  Reads PDFs.
  Use it for forms.
license: Apache-2.0
compatibility: Needs pdftotext
metadata:
  author: example
  version: "1.0"
---

# A

---
more
`;
  expect(parse(source)).toEqual({
    name: "pdf-reading",
    description: "Reads PDFs. Use it for forms.",
    instructions: "# A\n\n---\nmore",
    version: "1.0",
    license: "Apache-2.0",
    compatibility: "Needs pdftotext",
    notes: [],
  });
});

it.each([
  ["Windows line ends and a byte order mark", "\uFEFF---\r\ndescription: D\r\n---\r\nText\r\n"],
  ["blanks after the marks of the frontmatter", "--- \ndescription: D\n---  \nText"],
])("reads a file with %s", (_, source) => {
  expect(parse(source)).toMatchObject({ description: "D", instructions: "Text", notes: [] });
});

it("reads a file without instructions", () => {
  expect(parse("---\ndescription: D\n---")).toMatchObject({ description: "D", instructions: "" });
});

describe("reads, and says so,", () => {
  it.each([
    ["no frontmatter", "# Tone\nBe short.", { description: "Tone" }, /no frontmatter/],
    ["empty frontmatter", "---\n---\nBe short.", { description: "Be short." }, /no description/],
    [
      "a description that is a list",
      "---\ndescription: [a]\n---\nB",
      { description: "B" },
      /first/,
    ],
    ["text in the place of fields", "---\njust text\n---\nB", { description: "B" }, /first line/],
    [
      "a colon that YAML does not take",
      "---\nname: a\ndescription: Use when: mail comes\n  in\n---\nB",
      { name: "a", description: "Use when: mail comes in" },
      /not YAML .*quote/,
    ],
    [
      "aliases without end",
      "---\na: &a [x]\nb: [*a, *a]\ndescription: D\n---\n",
      { description: "D" },
      /not YAML/,
    ],
    ["a field that it does not know", "---\ndescription: D\nhooks: x\n---", {}, /hooks is ignored/],
    ["tools that it names", "---\ndescription: D\nallowed-tools: Bash\n---", {}, /policy/],
    ["a long description", `---\ndescription: ${"d".repeat(2_000)}\n---`, {}, /1,024/],
  ])("%s", (_, source, read, note) => {
    const file = parse(source);
    expect(file).toMatchObject(read);
    expect(file.notes.join("\n")).toMatch(note);
    expect(file.description.length).toBeLessThanOrEqual(1_024);
  });
});

it("takes a version that is a number, or stands beside the metadata", () => {
  expect(parse("---\ndescription: D\nmetadata: {version: 1.5}\n---").version).toBe("1.5");
  expect(parse("---\ndescription: D\nversion: 2.0.1\n---").version).toBe("2.0.1");
});

it.each([
  ["nothing", "", /says nothing/],
  ["neither description nor text", "---\nname: a\n---\n", /says nothing/],
  ["frontmatter that never ends", "---\ndescription: D\n", /never ends/],
  ["a file without end", `# A\n${"x".repeat(300_000)}`, /larger than 256 KB/],
])("refuses %s", (_, source, message) => {
  expect(() => parse(source)).toThrow(
    expect.objectContaining({
      code: "SKILL_FILE_INVALID",
      message: expect.stringMatching(message),
    }),
  );
});

it("takes no longer for hostile frontmatter than for any other", async () => {
  const spent = await processorMs(() => {
    for (const line of ["---\n".repeat(50_000), `---\n${"- ".repeat(100_000)}\n---\nText`]) {
      parse(`# A\n${line}`);
      try {
        parse(line);
      } catch {
        // Refused or read: in time is what counts.
      }
    }
  });
  expect(spent).toBeLessThan(2_000);
});
