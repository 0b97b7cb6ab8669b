import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { logFile, logFiles, openLogFile } from "./log-file.ts";
import { openLogTail } from "./log-tail.ts";

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "watchkeeper-log-"));
  mkdirSync(dirname(logFile(stateDir)));
});
afterEach(() => rm(stateDir, { recursive: true }));

const append = (text: string | Buffer) => appendFileSync(logFile(stateDir), text);
/** As many as one file holds. */
const linesPerFile = 20;
const writer = () =>
  openLogFile({ stateDir, told: () => expect.fail("not written"), largestBytes: linesPerFile * 8 });
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${String(from + index).padStart(2, "0")}`);

it("knows whether there is a log", () => {
  using tail = openLogTail(stateDir);
  expect(tail.exists()).toBe(false);
  expect(tail.read()).toEqual([]);
  append("one\n");
  expect(tail.exists()).toBe(true);
  expect(tail.read()).toEqual(["one"]);
});

it("gives a line when it is whole, and only once", () => {
  using tail = openLogTail(stateDir);
  append(Buffer.from("one\nha"));
  expect(tail.read()).toEqual(["one"]);
  const letter = Buffer.from("ö");
  append(letter.subarray(0, 1));
  expect(tail.read()).toEqual([]);
  append(letter.subarray(1));
  append("lf\nthree\n");
  expect(tail.read()).toEqual(["haölf", "three"]);
  expect(tail.read()).toEqual([]);
});

it.each([
  ["each line", 1],
  ["some lines", 7],
  ["a file's worth and more", 33],
])("loses and repeats nothing over rotation when it looks after %s", (_name, step) => {
  const log = writer();
  const count = 200;
  const read: string[] = [];
  using tail = openLogTail(stateDir);
  numbered(0, count).forEach((text, index) => {
    log.write(`${text}\n`);
    if (index % step === 0) read.push(...tail.read());
  });
  read.push(...tail.read());
  expect(read).toEqual(numbered(0, count));
});

it("reads the files of a log from the oldest to the newest", () => {
  const log = writer();
  for (const text of numbered(0, 70)) log.write(`${text}\n`);
  using tail = openLogTail(stateDir);
  expect(tail.read()).toEqual(numbered(0, 70));
});

it("begins anew in a file that was emptied or put in its place", () => {
  using tail = openLogTail(stateDir);
  append("one\ntwo\n");
  tail.read();
  truncateSync(logFile(stateDir));
  expect(tail.read()).toEqual([]);
  append("three\n");
  expect(tail.read()).toEqual(["three"]);
  rmSync(logFile(stateDir));
  expect(tail.read()).toEqual([]);
  append("four\n");
  expect(tail.read()).toEqual(["four"]);
});

it("does not repeat older files when the newest was deleted", () => {
  using tail = openLogTail(stateDir);
  append("one\n");
  renameSync(logFile(stateDir), `${logFile(stateDir)}.1`);
  append("two\n");
  expect(tail.read()).toEqual(["one", "two"]);
  rmSync(logFile(stateDir));
  expect(tail.read()).toEqual([]);
});

it("goes on with what there is when the file that it read has left the last place", () => {
  const log = writer();
  using tail = openLogTail(stateDir);
  log.write("line 00\n");
  tail.read();
  // As when some time had passed: the times of files are coarse.
  utimesSync(logFile(stateDir), 0, 0);
  for (const text of numbered(1, 99)) log.write(`${text}\n`);
  const read = tail.read();
  expect(read.at(-1)).toBe("line 98");
  expect(read).toEqual(numbered(99 - read.length, 99));
  expect(logFiles(stateDir)).toHaveLength(4);
});

it("reads the end of a file that somebody has filled, and gets past a line without an end", () => {
  using tail = openLogTail(stateDir);
  writeFileSync(logFile(stateDir), Buffer.alloc(20_000_000, "x"));
  append("\nlast\n");
  expect(tail.read().at(-1)).toBe("last");
});
