import { expect, it } from "vitest";
import { createLog, silentLog, type LogLevel } from "./log.ts";
import { readableLog } from "./readable.ts";

function logTo(level: LogLevel) {
  const lines: string[] = [];
  return { lines, log: createLog(level, { write: (line) => lines.push(line) }) };
}

it("writes one JSON object per line, with time, level, message and fields", () => {
  const { lines, log } = logTo("info");
  log.child({ skill: "inbox" }).warn({ error: "no\nanswer" }, "a look failed");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  const said = JSON.parse(lines[0] ?? "") as { time: string };
  expect(said).toEqual({
    level: "warn",
    time: expect.any(String),
    skill: "inbox",
    error: "no\nanswer",
    msg: "a look failed",
  });
  expect(new Date(said.time).toISOString()).toBe(said.time);
});

it.each<[LogLevel, string[]]>([
  ["debug", ["debug", "info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["silent", []],
])("at %s writes %j", (level, written) => {
  const { lines, log } = logTo(level);
  for (const each of ["debug", "info", "warn", "error"] as const) log[each]({}, "said");
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(written);
});

it("can keep nothing at all", () => {
  const child = silentLog.child({ skill: "inbox" });
  for (const each of ["debug", "info", "warn", "error"] as const) {
    expect(child[each]({}, "said")).toBeUndefined();
  }
});

it("takes fields that are no JSON", () => {
  const { lines, log } = logTo("info");
  const circle: { self?: unknown } = {};
  circle.self = circle;
  log.info({ circle, size: 1n }, "said");
  expect(lines).toHaveLength(1);
  expect(() => JSON.parse(lines[0] ?? "") as unknown).not.toThrow();
});

function readable() {
  const printed: string[] = [];
  const destination = readableLog(
    (text) => printed.push(text),
    (at) => new Date(at).toISOString().slice(11, 16),
  );
  return { printed, destination };
}

it("reads as a line for a person: time, how bad, message, fields", () => {
  const { printed, destination } = readable();
  const line = (level: string) =>
    `{"level":"${level}","time":"2026-11-23T08:30:00.000Z","skill":"inbox","count":2,"msg":"said"}\n`;
  for (const level of ["info", "warn"]) destination.write(line(level));
  expect(printed).toEqual([
    "08:30    said skill=inbox count=2\n",
    "08:30    warn: said skill=inbox count=2\n",
  ]);
});

it("lets no server command the terminal through a log line", () => {
  const { printed, destination } = readable();
  createLog("info", destination).warn(
    { error: "\u001b]0;owned\u0007\u001b[2J\u202ebad" },
    "failed",
  );
  expect(printed[0]).toMatch(/ {4}warn: failed error=\]0;owned\[2Jbad\n$/);
});

it("passes on what is no JSON as it is", () => {
  const { printed, destination } = readable();
  destination.write("plain words\n");
  expect(printed).toEqual(["plain words\n"]);
});
