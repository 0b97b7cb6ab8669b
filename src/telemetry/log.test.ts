import { expect, it } from "vitest";
import { skillLog } from "./guarded-log.ts";
import { createLog, silentLog, type LogLevel } from "./log.ts";
import { readableLog } from "./readable.ts";

function logTo(level: LogLevel) {
  const lines: string[] = [];
  const said = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { lines, said, log: createLog(level, { write: (line) => lines.push(line) }) };
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

it("says of each line what it belongs to, whoever writes it and whatever they say of it", async () => {
  const { said, log } = logTo("info");
  const ofSkill = log.child({ skill: "desk" });
  const look = async (beatId: number) => {
    await Promise.resolve();
    ofSkill.info({ beatId: 99, lamp: "on" }, "looked");
    await log.within({ runId: 7 }, async () => {
      await Promise.resolve();
      log.info({}, "asked");
    });
    log.info({}, `looked at beat ${beatId}`);
  };
  await Promise.all([1, 2].map((beatId) => log.within({ beatId }, () => look(beatId))));
  log.info({}, "afterwards");
  const ofBeat = (beatId: number) =>
    said()
      .filter((line) => line.beatId === beatId)
      .map(({ level: _, time: __, ...rest }) => rest);
  for (const beatId of [1, 2]) {
    expect(ofBeat(beatId)).toEqual([
      { skill: "desk", beatId, lamp: "on", msg: "looked" },
      { beatId, runId: 7, msg: "asked" },
      { beatId, msg: `looked at beat ${beatId}` },
    ]);
  }
  expect(said().at(-1)).not.toHaveProperty("beatId");
});

it("keeps a skill's fields apart from those that only we give, and takes anything for a message", () => {
  const { lines, said, log } = logTo("info");
  const own = skillLog(log, "desk");
  own.info("said", { level: "error", skill: "other", runId: 3, lamp: "on" });
  own.warn(new Error("broken"), null);
  expect(lines[0]?.match(/"level":/g)).toHaveLength(1);
  expect(said()).toEqual([
    expect.objectContaining({
      level: "info",
      skill: "desk",
      skill_: "other",
      runId_: 3,
      lamp: "on",
    }),
    expect.objectContaining({ level: "warn", skill: "desk", value: null, msg: "broken" }),
  ]);
});

it.each([
  ["a long text", { text: "x".repeat(5_000_000) }],
  ["deep data", { data: Array.from({ length: 50_000 }, (_, index) => ({ index })) }],
  ["many fields", Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`field${i}`, i]))],
  ["what needs many escapes", { text: "\u0001".repeat(9_000), ["\u0002".repeat(9_000)]: "\u0003" }],
])("keeps the beginning of %s, as one line of JSON", (_name, fields) => {
  const { lines, said, log } = logTo("info");
  log.within({ runId: 7 }, () => log.warn(fields, `said ${"y".repeat(100_000)}`));
  expect(lines).toHaveLength(1);
  expect(lines[0]?.length).toBeLessThanOrEqual(16_000);
  expect(said()[0]).toMatchObject({ level: "warn", msg: expect.stringMatching(/^said y/) });
  expect(Number(said()[0]?.cutFrom)).toBeGreaterThan(100_000);
});

function readable() {
  const printed: string[] = [];
  const destination = readableLog((text) => printed.push(text), {
    timeOf: (at) => new Date(at).toISOString().slice(11, 16),
  });
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

it("lets nobody write a line that looks like another one", () => {
  const { printed, destination } = readable();
  createLog("info", destination).warn({ error: "no\n08:30    all is well" }, "failed\nagain");
  expect(printed).toHaveLength(1);
  expect(printed[0]).toMatch(/ {4}warn: failed again error=no 08:30 all is well\n$/);
});

it("says with colours how bad it is, where there are any", () => {
  const printed: string[] = [];
  const paint = (style: string, text: string) => `<${style}>${text}</>`;
  const log = createLog(
    "debug",
    readableLog((text) => printed.push(text), { timeOf: () => "", paint }),
  );
  for (const level of ["debug", "info", "warn", "error"] as const) log[level]({ n: 1 }, "said");
  expect(printed.map((line) => line.trim())).toEqual([
    "<dim>debug:</> said <dim>n=1</>",
    "said <dim>n=1</>",
    "<yellow>warn:</> said <dim>n=1</>",
    "<red>error:</> said <dim>n=1</>",
  ]);
});

it("passes on what is no JSON as it is", () => {
  const { printed, destination } = readable();
  destination.write("plain words\n");
  expect(printed).toEqual(["plain words\n"]);
});
