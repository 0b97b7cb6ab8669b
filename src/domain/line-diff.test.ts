import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { applyDiff, editLines, invertDiff } from "./line-diff.ts";

const edit = (text: string, remove: number[], add: string[]) =>
  editLines(text.split("\n"), { remove: new Set(remove), add });
const applied = (text: string, diff: readonly string[]) =>
  applyDiff(text.split("\n"), diff)?.join("\n");

describe("editLines", () => {
  it("adds at the end, after the lines that stand there", () => {
    expect(edit("a\nb\nc\n", [], ["d"])).toEqual(["@@ -2,2 +2,3 @@", " b", " c", "+d"]);
  });

  it("begins a file that is not there", () => {
    expect(edit("", [], ["a", "b"])).toEqual(["@@ -1,0 +1,2 @@", "+a", "+b"]);
    expect(applied("", ["@@ -1,0 +1,2 @@", "+a", "+b"])).toBe("a\nb\n");
  });

  it("shows changes that lie apart by themselves", () => {
    expect(edit("1\n2\n3\n4\n5\n6\n7\n8\n", [0, 7], ["9"])).toEqual([
      ...["@@ -1,3 +1,2 @@", "-1", " 2", " 3"],
      ...["@@ -6,3 +5,3 @@", " 6", " 7", "-8", "+9"],
    ]);
  });

  it("leaves a last line without a line feed as it is", () => {
    expect(applied("a\nb", edit("a\nb", [], ["c"]))).toBe("a\nb\nc");
  });

  const line = fc.string({ maxLength: 4 }).filter((text) => !text.includes("\n"));
  const edits = fc.tuple(
    fc.array(line, { minLength: 1, maxLength: 12 }),
    fc.func(fc.boolean()),
    fc.array(line, { maxLength: 3 }),
  );

  test("what it says can be carried out and taken back, to the byte", () => {
    fc.assert(
      fc.property(edits, ([lines, choose, add]) => {
        const endsWell = lines.at(-1) === "";
        const remove = new Set(
          lines.flatMap((_, index) =>
            choose(index) && !(endsWell && index === lines.length - 1) ? [index] : [],
          ),
        );
        const diff = editLines(lines, { remove, add });
        const left = lines.filter((_, index) => !remove.has(index));
        left.splice(endsWell ? left.length - 1 : left.length, 0, ...add);
        expect(applyDiff(lines, diff)).toEqual(left);
        expect(applyDiff(left, invertDiff(diff))).toEqual(lines);
      }),
    );
  });
});

describe("applyDiff", () => {
  it.each([
    ["a line that is not there", ["@@ -1,1 +1,0 @@", "-x"]],
    ["a line beyond the end", ["@@ -9,1 +9,0 @@", "-a"]],
    ["hunks in the wrong order", ["@@ -2,1 +2,0 @@", "-b", "@@ -1,1 +1,0 @@", "-a"]],
    ["something else than a diff", ["rm -rf"]],
  ])("refuses %s", (_, diff) => {
    expect(applied("a\nb\n", diff)).toBeUndefined();
  });
});
