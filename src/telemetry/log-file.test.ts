import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { logFile, logFiles, openLogFile } from "./log-file.ts";

let stateDir: string;
let told: string[];
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "watchkeeper-log-"));
  told = [];
});
afterEach(() => rm(stateDir, { recursive: true }));

const open = (largestBytes?: number) =>
  openLogFile({
    stateDir,
    told: (level, what, fields) => told.push(`${level} ${what} ${JSON.stringify(fields)}`),
    ...(largestBytes !== undefined && { largestBytes }),
  });
const line = (number: number) => `{"level":"info","number":${number}}\n`;
const newest = () => readFileSync(logFile(stateDir), "utf8");
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

it("appends each line at once, in a file that only its owner may read", () => {
  const log = open();
  log.write(line(1));
  expect(newest()).toBe(line(1));
  open().write(line(2));
  expect(newest()).toBe(line(1) + line(2));
  expect(modeOf(logFile(stateDir))).toBe("600");
  expect(modeOf(dirname(logFile(stateDir)))).toBe("700");
});

it("says what it had to make, once each", () => {
  const made: string[] = [];
  const log = openLogFile({
    ...{ stateDir, largestBytes: 100 },
    told: (_, what) => told.push(what),
    made: (path) => made.push(path),
  });
  for (const number of [1, 2, 3]) log.write(line(number));
  expect(made).toEqual([dirname(logFile(stateDir)), logFile(stateDir)]);
  for (const number of [4, 5]) log.write(line(number));
  expect(made.slice(2)).toEqual([logFile(stateDir)]);
  expect(told).toEqual([]);
});

it("keeps four files of a bounded size, the newest lines in them, each line whole and once", () => {
  const largest = 1_000;
  const log = open(largest);
  for (let number = 0; number < 1_000; number += 1) log.write(line(number));
  const files = logFiles(stateDir);
  expect(files).toHaveLength(4);
  for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(largest);
  const kept = files.map((file) => readFileSync(file, "utf8")).join("");
  const count = kept.split("\n").length - 1;
  expect(count).toBeGreaterThan(100);
  expect(kept).toBe(
    Array.from({ length: count }, (_, index) => line(1_000 - count + index)).join(""),
  );
  expect(existsSync(`${logFile(stateDir)}.4`)).toBe(false);
  expect(told).toEqual([]);
});

it("begins a line of its own after half a line that a power cut left", () => {
  mkdirSync(dirname(logFile(stateDir)));
  writeFileSync(logFile(stateDir), `${line(1)}{"level":"in`);
  open().write(line(2));
  expect(newest()).toBe(`${line(1)}{"level":"in\n${line(2)}`);
});

it("goes on when somebody has moved, emptied or deleted the file or its folder", () => {
  const log = open();
  log.write(line(1));
  renameSync(logFile(stateDir), join(stateDir, "mine"));
  log.write(line(2));
  expect(newest()).toBe(line(2));
  writeFileSync(logFile(stateDir), "");
  log.write(line(3));
  expect(newest()).toBe(line(3));
  rmSync(dirname(logFile(stateDir)), { recursive: true });
  log.write(line(4));
  expect(newest()).toBe(line(4));
  expect(told).toEqual([]);
});

it("says once that the disk is full, and once that there is room again, with how much is missing", () => {
  mkdirSync(dirname(logFile(stateDir)));
  symlinkSync("/dev/full", logFile(stateDir));
  const log = open();
  for (const number of [1, 2, 3]) log.write(line(number));
  expect(told).toEqual([expect.stringMatching(/^error the log file cannot be written .*ENOSPC/)]);
  rmSync(logFile(stateDir));
  log.write(line(4));
  log.write(line(5));
  expect(told.slice(1)).toEqual([
    expect.stringMatching(/^info the log file is written again .*"missed":3/),
  ]);
  const [gap = "", ...rest] = newest().split("\n");
  expect(JSON.parse(gap)).toMatchObject({ level: "error", missed: 3 });
  expect(rest.join("\n")).toBe(line(4) + line(5));
});

it("says once that it has no place", () => {
  writeFileSync(dirname(logFile(stateDir)), "a file where the folder should be");
  const log = open();
  for (const number of [1, 2, 3]) log.write(line(number));
  expect(told).toEqual([expect.stringMatching(/^error the log file cannot be written/)]);
});

it("rather loses lines than grows without bound when the files cannot be renamed", () => {
  const log = open(100);
  for (const number of [1, 2, 3]) log.write(line(number));
  mkdirSync(`${logFile(stateDir)}.1/in-the-way`, { recursive: true });
  mkdirSync(`${logFile(stateDir)}.2/in-the-way`, { recursive: true });
  for (let number = 4; number < 50; number += 1) log.write(line(number));
  expect(statSync(logFile(stateDir)).size).toBeLessThanOrEqual(100);
  expect(told).toHaveLength(1);
});
