import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createLog } from "./log.ts";
import { isJournal, withSeverity } from "./journal-stream.ts";

it("puts the severity of syslog before each line", () => {
  const lines: string[] = [];
  const log = createLog("debug", withSeverity({ write: (line) => lines.push(line) }));
  for (const level of ["debug", "info", "warn", "error"] as const) log[level]({}, "said");
  expect(lines.map((line) => line.slice(0, 4))).toEqual(["<7>{", "<6>{", "<4>{", "<3>{"]);
});

it("knows the journal by its device and inode, and not where the name was only inherited", () => {
  const folder = mkdtempSync(join(tmpdir(), "watchkeeper-journal-"));
  const descriptor = openSync(join(folder, "stream"), "w");
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  expect(isJournal(`${dev}:${ino}`, descriptor)).toBe(true);
  expect(isJournal(`${dev}:${ino + 1n}`, descriptor)).toBe(false);
  for (const unknown of [undefined, "", "journal"])
    expect(isJournal(unknown, descriptor)).toBe(false);
  closeSync(descriptor);
  expect(isJournal(`${dev}:${ino}`, descriptor)).toBe(false);
  rmSync(folder, { recursive: true });
});
