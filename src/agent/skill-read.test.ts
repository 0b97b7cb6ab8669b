import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { callTool } from "../testing/index.ts";
import { defineSkill } from "../skills/define.ts";
import { skillRead } from "./skill-read.ts";

const long = `# Forms\n${"Fill every line of it.\n".repeat(1_000)}`;

/** A skill's folder inside another one, which holds what is nobody's business. */
function folderWith(files: Record<string, string | Uint8Array>): string {
  const parent = mkdtempSync(join(tmpdir(), "watchkeeper-skill-read-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  writeFileSync(join(parent, "private.md"), "private");
  const dir = join(parent, "forms");
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return dir;
}

function reader(dir: string, instructions = long) {
  const tool = skillRead([{ name: "forms", dir, instructions }]);
  const skill = defineSkill({ tools: () => (tool ? { read: tool } : {}) });
  return {
    tool,
    read: (input: object) =>
      callTool(skill, "read", input) as Promise<{
        text: string;
        nextOffset: number | null;
        files?: string[];
        trust: string;
      }>,
  };
}

it("gives long instructions in pieces that make the whole, with the files beside them", async () => {
  const dir = folderWith({ "SKILL.md": "", "references/b.md": "B", "a.txt": "A", "index.ts": "" });
  const { read } = reader(dir);
  const first = await read({ skill: "forms" });
  expect(first).toMatchObject({ files: ["a.txt", "references/b.md"], trust: "trusted" });
  let text = first.text;
  let next = first.nextOffset;
  expect(next).toBe(16_000);
  while (next !== null) {
    const piece = await read({ skill: "forms", offset: next });
    text += piece.text;
    next = piece.nextOffset;
  }
  expect(text.replaceAll(/\s/g, "")).toBe(long.replaceAll(/\s/g, ""));
  expect(await read({ skill: "forms", file: "references/b.md" })).toEqual({
    text: "B",
    nextOffset: null,
    trust: "trusted",
  });
  expect(await read({ skill: "forms", file: "a.txt" })).toMatchObject({ trust: "untrusted" });
});

it("is there only when there is more to read than stands in the prefix", () => {
  expect(reader(folderWith({ "SKILL.md": "", "index.ts": "" }), "Short.").tool).toBeUndefined();
  expect(reader(folderWith({ "references/a.md": "" }), "Short.").tool).toBeDefined();
  expect(reader(join(tmpdir(), "not-there-at-all"), "Short.").tool).toBeUndefined();
});

describe("refuses", () => {
  it.each([
    ["a way out", "../private.md"],
    ["a longer way out", "references/../../private.md"],
    ["an absolute path", "/etc/hosts"],
    ["the folder itself", "."],
    ["what is hidden", ".secrets/key.md"],
    ["code", "index.ts"],
    ["a link out", "link.md"],
    ["a linked folder", "linked/private.md"],
    ["what is not there", "references/none.md"],
    ["what is not text", "binary.md"],
    ["what is huge", "huge.md"],
    ["a folder with the name of a file", "folder.md"],
    ["a pipe that nobody writes to", "pipe.md"],
  ])("%s", async (_, file) => {
    const dir = folderWith({
      "index.ts": "",
      ".secrets/key.md": "key",
      "binary.md": new Uint8Array([0x00, 0xff, 0xfe]),
      "huge.md": "x".repeat(600 * 1024),
      "folder.md/a.md": "",
    });
    symlinkSync(join(dir, "..", "private.md"), join(dir, "link.md"));
    symlinkSync(join(dir, ".."), join(dir, "linked"));
    execFileSync("mkfifo", [join(dir, "pipe.md")]);
    await expect(reader(dir).read({ skill: "forms", file })).rejects.toMatchObject({
      code: "SKILL_FILE_REFUSED",
    });
  });

  it("a skill that is not there, and names those that are", async () => {
    await expect(reader(folderWith({ "a.md": "" })).read({ skill: "x" })).rejects.toMatchObject({
      code: "SKILL_UNKNOWN",
      hint: "There are: forms",
    });
  });
});
