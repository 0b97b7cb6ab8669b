import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, open, rename, stat, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { furnish } from "./desk.ts";
import { createPlace, oneLine, type Place } from "./place.ts";

const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));

let place: Place;
beforeEach(async () => {
  place = await createPlace();
});
afterEach(() => place[Symbol.asyncDispose]());

const logPath = () => place.path("state/logs/watchkeeper.log");
const stopped = /"msg":"stopped"/;

/** Lets a daemon watch for one beat, in which something is new. */
async function watchOnce(...options: string[]): Promise<void> {
  const daemon = place.start("start", ...options);
  await daemon.seen(/the rules have decided|beat 1: /);
  const { exitCode, stderr } = await daemon.stop();
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(stopped);
}

/** A line as the daemon writes it, `ago` milliseconds old. */
const line = (msg: string, { ago = 0, level = "info", ...fields }: Record<string, unknown> = {}) =>
  `${JSON.stringify({ level, time: new Date(Date.now() - Number(ago)).toISOString(), ...fields, msg })}\n`;

const putLog = (text: string | Buffer) => place.write("state/logs/watchkeeper.log", text);

test.each([[[]], [["--follow"]]])(
  "without a log `logs %j` says in one line where one comes from",
  async (options) => {
    const { exitCode, stdout, stderr } = await place.run("logs", ...options);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(oneLine);
    expect(stderr).toMatch(/there is no log in .*state yet\. .*watchkeeper start.*--state DIR/);
  },
);

test("after a quiet beat by hand it is not said that nothing has watched there", async () => {
  await place.config(`{ skills: {} }`);
  expect(await place.run("beat")).toMatchObject({ exitCode: 0, stderr: "" });
  const { exitCode, stdout, stderr } = await place.run("logs");
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toMatch(oneLine);
  expect(stderr).toMatch(/nothing has been logged in .*state yet\. .*`watchkeeper beats`/);
});

test("what a daemon has logged is read back, in the owner's zone, and as JSON with its ids", async () => {
  await furnish(place, `timezone: "Pacific/Chatham"`);
  await watchOnce();
  const { exitCode, stdout } = await place.run("logs");
  expect(exitCode).toBe(0);
  const shown = stdout.trimEnd().split("\n");
  expect(shown[0]).toMatch(/^[ \d]\d \w{3} \d\d:\d\d:\d\d {4}keeping watch: 1 skill, 2 checks/);
  expect(shown.at(-1)).toMatch(/ {4}stopped$/);
  const json = (await place.json("logs", "--level", "info")).value as Record<string, unknown>[];
  const found = json.find(({ msg }) => msg === "something is new");
  expect(found).toMatchObject({ beatId: 1, checks: ["desk/papers"], findings: [1, 2] });
  // The stranger's words are in the store, not here.
  expect(JSON.stringify(json)).not.toContain("A bill is due");
  const [first] = json;
  const wall = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Pacific/Chatham",
    timeStyle: "medium",
  }).format(new Date(String(first?.time)));
  expect(shown[0]).toContain(` ${wall}    keeping watch`);
  expect((await stat(logPath())).mode & 0o777).toBe(0o600);
});

test("a configuration that is broken keeps nobody from the log", async () => {
  await place.write("agent.config.ts", "export default {");
  await putLog(line("said"));
  const { exitCode, stdout, stderr } = await place.run("logs");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/ {4}said\n$/);
});

test("--level, --since and --limit choose", async () => {
  const hour = 3_600_000;
  await place.write("state/logs/watchkeeper.log.1", line("of yesterday", { ago: 30 * hour }));
  await putLog(
    line("quiet", { ago: 3 * hour, level: "debug" }) +
      line("warned", { ago: 3 * hour, level: "warn" }) +
      line("failed", { ago: hour, level: "error", error: "no answer" }) +
      line("went on"),
  );
  const messages = async (...options: string[]) =>
    ((await place.json("logs", ...options)).value as { msg: string }[]).map(({ msg }) => msg);
  expect(await messages()).toEqual(["of yesterday", "quiet", "warned", "failed", "went on"]);
  expect(await messages("--level", "warn")).toEqual(["warned", "failed"]);
  expect(await messages("--since", "2h", "--level", "error")).toEqual(["failed"]);
  expect(await messages("--limit", "2")).toEqual(["failed", "went on"]);
  const { stdout } = await place.run("logs", "--since", "2h", "--level", "error");
  expect(stdout).toMatch(/ {4}error: failed error=no answer\n$/);
  const nothing = await place.run("logs", "--since", "1s", "--level", "error");
  expect(nothing).toMatchObject({ exitCode: 0, stdout: "Nothing of that kind was logged.\n" });
});

test("100 lines unless more are asked for; with --since all", async () => {
  await putLog(Array.from({ length: 250 }, (_, index) => line(`line ${index}`)).join(""));
  const count = async (...options: string[]) =>
    (await place.run("logs", ...options)).stdout.trim().split("\n").length;
  expect(await count()).toBe(100);
  expect(await count("--since", "1h")).toBe(250);
});

test.each([
  [["--since", "soon"], /"soon" is not a duration/],
  [["--limit", "0"], /"0" is not a number of rows/],
  [["--level", "loud"], /'loud' is invalid/],
])("`logs %j` is wrong use", async (options, complaint) => {
  const { exitCode, stdout, stderr } = await place.run("logs", ...options);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(complaint);
});

test("rubbish, half lines and terminal commands in the file do no harm", async () => {
  await putLog(
    Buffer.concat([
      Buffer.from(line("first")),
      Buffer.from([0, 255, 254, 10, 27, 91, 50, 74, 10]),
      Buffer.from('"words"\n{"level":"info"}\n[1]\n{"level":7,"time":1,"msg":2}\n'),
      Buffer.from(line("second", { error: "\u001b[2Jgone\nand a second line" })),
      Buffer.from(`{"level":"info","time":"2026-`),
    ]),
  );
  const { exitCode, stdout, stderr } = await place.run("logs");
  expect(exitCode).toBe(0);
  expect(stdout.split("\n").map((text) => text.slice(15))).toEqual([
    "    first",
    "    second error=[2Jgone and a second line",
    "",
  ]);
  expect(stderr).toBe("watchkeeper: 6 lines in the log could not be read\n");
});

test("--follow goes on over rotation, kill and restart, and ends well with Ctrl-C", async () => {
  await furnish(place);
  await putLog(line("an old line"));
  const follower = place.start("logs", "--follow");
  await follower.seen(/an old line\n/);

  await watchOnce();
  await follower.seen(/keeping watch[^]*something is new[^]*stopped\n/);
  await rename(logPath(), `${logPath()}.1`);
  const killed = place.start("start");
  await follower.seen(/stopped\n[^]*keeping watch/);
  await killed[Symbol.asyncDispose]();
  await appendFile(logPath(), '{"level":"info","ti');

  const last = place.start("start");
  await follower.seen(/(?:keeping watch[^]*){3}/);
  await last.stop();
  await follower.seen(/(?:stopped\n[^]*){2}/);
  const { exitCode, stdout, stderr } = await follower.stop();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.match(/keeping watch/g)).toHaveLength(3);
  expect(stdout.match(/an old line/g)).toHaveLength(1);
});

test("--follow --json prints one object a line", async () => {
  await putLog(line("first", { beatId: 3 }));
  const follower = place.start("logs", "--follow", "--json", "--level", "warn");
  // What is not chosen does not show; that it follows shows in what comes.
  await appendFile(logPath(), line("second", { level: "warn", runId: 4 }));
  await follower.seen(/second/);
  const { stdout } = await follower.stop();
  expect(JSON.parse(stdout)).toMatchObject({ level: "warn", runId: 4, msg: "second" });
});

test("--follow ends when nobody reads it any more", async () => {
  await putLog(line("first"));
  const child = spawn(process.execPath, [bin, "logs", "--follow"], {
    cwd: place.dir,
    env: place.environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  await appendFile(logPath(), line("second"));
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a daemon that cannot write its log file says so once and watches on", async () => {
  await furnish(place);
  await place.write("state/logs", "a file in the place of the folder");
  const daemon = place.start("start", "--log-level", "debug");
  await daemon.seen(/beat 1: /);
  const { exitCode, stderr } = await daemon.stop();
  expect(exitCode).toBe(0);
  expect(stderr.match(/the log file cannot be written/g)).toHaveLength(1);
  expect(stderr).toMatch(/something is new[^]*"msg":"stopped"/);
  const { stderr: complaint, exitCode: ofLogs } = await place.run("logs");
  expect(ofLogs).toBe(1);
  expect(complaint).toMatch(oneLine);
});

test("--log-level holds for the file, and `silent` makes none", async () => {
  await furnish(place);
  const daemon = place.start("start", "--log-level", "silent");
  await daemon.seen(/beat 1: /);
  await daemon.stop();
  expect((await place.run("logs")).exitCode).toBe(1);
});

test("a beat by hand is in the log too, and prints nothing of it", async () => {
  await furnish(place);
  const { stderr } = await place.run("beat");
  expect(stderr).toBe("");
  const { value } = await place.json("logs");
  expect(value).toContainEqual(expect.objectContaining({ beatId: 1, msg: "something is new" }));
});

test("in the journal each line has its severity; in a file that inherited the name it has none", async () => {
  await furnish(place);
  for (const isJournal of [true, false]) {
    const state = `state-${isJournal}`;
    await place.write(`${state}/logs`, "a file in the way, so that there is an error to say");
    const path = place.path(`journal-${isJournal}`);
    await writeFile(path, "");
    const stream = await open(path, "a");
    const { dev, ino } = await stream.stat({ bigint: true });
    const child = spawn(process.execPath, [bin, "start", "--state", state], {
      cwd: place.dir,
      env: { ...place.environment, JOURNAL_STREAM: `${dev}:${isJournal ? ino : ino + 1n}` },
      stdio: ["ignore", "pipe", stream.fd],
    });
    // It says something there as soon as it has found the papers.
    if (child.stdout) await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    await stream.close();
    const lines = (await place.read(`journal-${isJournal}`)).trim().split("\n");
    const prefixes = new Set(lines.map((text) => text.slice(0, text.indexOf("{"))));
    expect([...prefixes].sort()).toEqual(isJournal ? ["<3>", "<6>"] : [""]);
    for (const text of lines) JSON.parse(text.slice(text.indexOf("{")));
  }
});
