import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  changeMemory,
  isPlainLine,
  planMemoryChange,
  undoMemoryChange,
  type MemoryChange,
} from "./long-term.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "watchkeeper-memory-"));
});
afterEach(async () => rm(dir, { recursive: true }));

const path = () => join(dir, "MEMORY.md");
const write = (text: string | Uint8Array) => writeFile(path(), text);
const read = () => readFile(path(), "utf8");
const plan = (add: string[], remove: string[] = []) => planMemoryChange(dir, { add, remove });

describe("a change of MEMORY.md", () => {
  it("is planned as a diff, written as planned, and taken back to the byte", async () => {
    await write("# Me\r\n\r\nAnn is my boss.\nI hate calls");
    await chmod(path(), 0o640);
    const change = await plan(["Ben is my boss."], ["Ann is my boss."]);
    expect(change.diff).toEqual([
      "@@ -1,4 +1,4 @@",
      " # Me\r",
      " \r",
      "-Ann is my boss.",
      " I hate calls",
      "+Ben is my boss.",
    ]);
    expect(await read()).toContain("Ann");
    const done = await changeMemory(dir, change);
    expect(await read()).toBe("# Me\r\n\r\nI hate calls\nBen is my boss.");
    expect((await stat(path())).mode & 0o777).toBe(0o640);
    expect(await readdir(dir)).toEqual(["MEMORY.md"]);
    await undoMemoryChange(dir, done);
    expect(await read()).toBe("# Me\r\n\r\nAnn is my boss.\nI hate calls");
    await undoMemoryChange(dir, done);
  });

  it("makes the file for the owner alone, and its undo takes it away", async () => {
    const done = await changeMemory(dir, await plan(["I live in Bern."]));
    expect(await read()).toBe("I live in Bern.\n");
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    await undoMemoryChange(dir, done);
    expect(await readdir(dir)).toEqual([]);
  });

  it("made twice is made once", async () => {
    await write("a\n");
    const change = await plan(["b"], ["a"]);
    const done = await changeMemory(dir, change);
    expect(await changeMemory(dir, change)).toEqual(done);
    expect(await read()).toBe("b\n");
  });

  it("is not made to another file than it was shown for, and nothing is written", async () => {
    await write("a\n");
    const change = await plan(["b"]);
    await write("a\nc\n");
    await expect(changeMemory(dir, change)).rejects.toMatchObject({ code: "MEMORY_CHANGED" });
    expect(await read()).toBe("a\nc\n");
  });

  it("is not taken back from a file that was changed since", async () => {
    await write("a\n");
    const done = await changeMemory(dir, await plan(["b"]));
    await write("a\nb\nc\n");
    await expect(undoMemoryChange(dir, done)).rejects.toMatchObject({ code: "MEMORY_CHANGED" });
    expect(await read()).toBe("a\nb\nc\n");
  });

  it("may have its added lines edited, and nothing else", async () => {
    await write("a\n");
    const change = await plan(["b"]);
    const edited = (diff: readonly string[]): MemoryChange => ({ ...change, diff });
    await expect(
      changeMemory(dir, edited(change.diff.map((row) => row.replace(" a", "-z")))),
    ).rejects.toMatchObject({ code: "MEMORY_DIFF_INVALID" });
    await changeMemory(dir, edited(change.diff.map((row) => row.replace("+b", "+B!"))));
    expect(await read()).toBe("a\nB!\n");
  });

  it("leaves a link a link", async () => {
    await writeFile(join(dir, "real.md"), "a\n");
    await symlink("real.md", path());
    await changeMemory(dir, await plan(["b"]));
    expect(await readFile(join(dir, "real.md"), "utf8")).toBe("a\nb\n");
    expect((await readdir(dir)).toSorted()).toEqual(["MEMORY.md", "real.md"]);
  });

  it.each<[string, string, string[], string[], string]>([
    ["a line that is not there", "a\n", [], ["x"], "MEMORY_LINE_UNKNOWN"],
    ["the same line twice, where it stands once", "a\n", [], ["a", "a"], "MEMORY_LINE_UNKNOWN"],
    ["what stands there", "a\n", ["a"], [], "MEMORY_UNCHANGED"],
    ["more than is read", "a\n".repeat(4_000), ["x".repeat(300)], [], "MEMORY_FULL"],
    ["a file that nobody could read through", "a\n".repeat(40_000), ["b"], [], "MEMORY_TOO_LARGE"],
  ])("is refused for %s", async (_, text, add, remove, code) => {
    await write(text);
    await expect(plan(add, remove)).rejects.toMatchObject({ code });
    expect(await read()).toBe(text);
  });

  it("may shrink a file that is too large already", async () => {
    await write(`long\n${"a\n".repeat(5_000)}`);
    await changeMemory(dir, await plan([], ["long"]));
    expect(await read()).toBe("a\n".repeat(5_000));
  });

  it("is refused for what is no text, and where nothing can be written", async () => {
    await write(new Uint8Array([0xff, 0xfe, 0xfd]));
    await expect(plan(["a"])).rejects.toMatchObject({ code: "MEMORY_UNREADABLE" });
    await write("a\n");
    const change = await plan(["b"]);
    // Root may write anywhere: a folder in the place of the file beside stands in everybody's way.
    await mkdir(join(dir, ".MEMORY.md.part"));
    await expect(changeMemory(dir, change)).rejects.toMatchObject({ code: "MEMORY_NOT_WRITTEN" });
    expect(await read()).toBe("a\n");
  });
});

describe("isPlainLine", () => {
  it.each([
    ["I like tea.", true],
    ["", false],
    ["two\nlines", false],
    ["a\u0007bell", false],
    ["turned \u202Eround", false],
    ["wide  space", false],
    ["x".repeat(300), true],
    ["x".repeat(301), false],
  ])("%j: %s", (line, expected) => {
    expect(isPlainLine(line)).toBe(expected);
  });
});
