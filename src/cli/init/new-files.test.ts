import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeAllNew } from "./new-files.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "watchkeeper-new-files-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string, text = name, mode = 0o600) => ({ path: join(dir, name), text, mode });

test("files are written with their modes, in folders that are made", () => {
  const done = writeAllNew([file("a"), file("deep/er/b", "B", 0o644)], undefined);
  expect(done.map(({ written }) => written)).toEqual([true, true]);
  expect(statSync(join(dir, "a")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(dir, "deep/er/b"), "utf8")).toBe("B");
  expect(readdirSync(dir).sort()).toEqual(["a", "deep"]);
});

test("what is there is left as it is, a folder too", () => {
  writeFileSync(join(dir, "a"), "mine");
  mkdirSync(join(dir, "b"));
  const done = writeAllNew([file("a"), file("b"), file("c")], undefined);
  expect(done.map(({ written }) => written)).toEqual([false, false, true]);
  expect(readFileSync(join(dir, "a"), "utf8")).toBe("mine");
});

test("when one cannot be written none is, and what was added is taken back", () => {
  writeFileSync(join(dir, "env"), "A=1\n");
  writeFileSync(join(dir, "blocked"), "a file where a folder is needed");
  const addition = { path: join(dir, "env"), text: "B=2\n", size: 4 };
  expect(() => writeAllNew([file("a"), file("blocked/b")], addition)).toThrow(
    expect.objectContaining({ code: "INIT_FAILED" }),
  );
  expect(readdirSync(dir).sort()).toEqual(["blocked", "env"]);
  // The draft can be written, and its place is taken away under it.
  const gone = { ...addition, path: join(dir, "gone/env") };
  expect(() => writeAllNew([file("a")], gone)).toThrow(
    expect.objectContaining({ code: "INIT_FAILED" }),
  );
  expect(readFileSync(join(dir, "env"), "utf8")).toBe("A=1\n");
  expect(readdirSync(dir).sort()).toEqual(["blocked", "env"]);
});

test("where no folder can be made, that is said at once", () => {
  const impossible = { ...file("a"), path: "/proc/nowhere/at/all/a" };
  expect(() => writeAllNew([impossible], undefined)).toThrow(
    expect.objectContaining({
      code: "INIT_FAILED",
      cause: new Error("nothing can be made in /proc"),
    }),
  );
});

test("text is added behind what is there", () => {
  writeFileSync(join(dir, "env"), "A=1\n");
  writeAllNew([file("env")], { path: join(dir, "env"), text: "B=2\n", size: 4 });
  expect(readFileSync(join(dir, "env"), "utf8")).toBe("A=1\nB=2\n");
});
