import { spawnSync } from "node:child_process";
import { chmod, stat, truncate, writeFile, open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPlace, oneLine, watching, type Place } from "./place.ts";

let place: Place;
beforeEach(async () => {
  place = await createPlace();
  await place.config("{}");
});
afterEach(async () => place[Symbol.asyncDispose]());

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

/** Every command that opens the store says this in one line with exit 1; doctor names it too. */
async function expectUnusable(what: RegExp, commands: readonly string[]): Promise<void> {
  for (const words of commands) {
    const outcome = await place.run(...words.split(" "));
    expect(outcome, words).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toMatch(what);
  }
  const doctor = await place.json("doctor");
  expect(doctor.exitCode).toBe(1);
  expect(doctor.value).toContainEqual(
    expect.objectContaining({ level: "fail", message: expect.stringMatching(what) }),
  );
}

const everyCommand = ["start", "beat", "status", "beats", "runs", "findings", "findings ack 1"];

test("a state directory that cannot be made is said by all that would write", async () => {
  await place.write("file", "");
  place.environment.WATCHKEEPER_STATE = place.path("file/state");
  for (const command of ["start", "beat", "init"]) {
    const outcome = await place.run(command);
    expect(outcome, command).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain(`cannot use the state directory ${place.path("file/state")}`);
    expect(outcome.stderr).toContain("--state DIR");
  }
  const doctor = await place.run("doctor");
  expect(doctor.exitCode).toBe(1);
  expect(doctor.stdout.replace(/\s+/g, " ")).toContain(`${place.path("file")} is a file`);
});

test.each([
  ["/proc/wk/state", "nothing can be made in /proc"],
  ["a-file", "a-file is a file"],
  ["/tmp", "/tmp is shared by everybody on this machine"],
])("--state %s is refused in plain words, by start and doctor alike", async (stateDir, what) => {
  await place.write("a-file", "");
  const start = await place.run("start", "--state", stateDir);
  expect(start).toMatchObject({ exitCode: 1, stdout: "" });
  expect(start.stderr).toMatch(oneLine);
  expect(start.stderr).toContain(what);
  expect(start.stderr).not.toMatch(/\bE[A-Z]{4,}:/);
  const doctor = await place.json("doctor", "--state", stateDir);
  expect(doctor.exitCode).toBe(1);
  const message = start.stderr.replace(/^watchkeeper: |\n$/g, "");
  expect(doctor.value).toContainEqual({ name: "state", level: "fail", message });
});

test("doctor leaves nothing behind of a state directory that can be made", async () => {
  const { value } = await place.json("doctor", "--state", "deep/down/state");
  expect(value).toContainEqual(expect.objectContaining({ name: "state", level: "ok" }));
  await expect(stat(place.path("deep"))).rejects.toThrow("ENOENT");
});

test("a database of a newer version is refused by every command and left as it is", async () => {
  expect((await place.run("beat")).exitCode).toBe(0);
  const db = new Database(place.path("state/watchkeeper.db"));
  db.exec("update __drizzle_migrations set created_at = created_at + 86400000000");
  db.close();
  await expectUnusable(/written by a newer version .* Install that version again/, everyCommand);
});

describe("a damaged database", () => {
  test("that is no database at all is said with what to do", async () => {
    await place.write(
      "state/watchkeeper.db",
      "this is not a database, it only looks like a file\n".repeat(99),
    );
    await expectUnusable(/watchkeeper\.db is damaged.*put a backup in its place/, everyCommand);
  });

  test("that has lost its inner pages is said with what to do", async () => {
    expect((await place.run("beat")).exitCode).toBe(0);
    const file = await open(place.path("state/watchkeeper.db"), "r+");
    await file.write(Buffer.alloc(60_000, 0xa5), 0, 60_000, 4_096);
    await file.close();
    await expectUnusable(/watchkeeper\.db is damaged.*put a backup in its place/, [
      "start",
      "status",
      "findings",
    ]);
  });

  test("that was cut short is said with what to do", async () => {
    expect((await place.run("beat")).exitCode).toBe(0);
    await truncate(place.path("state/watchkeeper.db"), 10_000);
    await expectUnusable(/watchkeeper\.db is damaged.*put a backup in its place/, [
      "start",
      "status",
      "findings",
    ]);
  });
});

test("what is saved is the owner's alone, also in a folder that was open to others", async () => {
  await place.write("state/HEARTBEAT.md", "Watch the shop.\n");
  await writeFile(place.path("state/.keep"), "");
  const daemon = place.start("start");
  await daemon.seen(watching);
  expect(await modeOf(place.stateDir)).toBe("700");
  expect(await modeOf(place.path("state/watchkeeper.db"))).toBe("600");
  expect(await modeOf(place.path("state/control.sock"))).toBe("600");
});

test("commands that only read say that nothing was saved yet, and make nothing", async () => {
  for (const words of ["beats", "runs", "findings", "beats show 1", "findings ack 1"]) {
    const outcome = await place.run(...words.split(" "));
    expect(outcome, words).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain("watchkeeper start");
  }
  expect((await place.run("status")).exitCode).toBe(3);
  await expect(stat(place.stateDir)).rejects.toThrow("ENOENT");
});

const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));
/** Root may look everywhere, and has somebody else look. */
const stranger = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const reachesProgram = spawnSync(process.execPath, [bin, "--version"], stranger).status === 0;

test.skipIf(!reachesProgram)(
  "a state directory that is another user's is not taken for an empty one",
  async () => {
    await place.run("beat");
    await chmod(place.dir, 0o755);
    await chmod(place.stateDir, 0o000);
    const { dir: cwd, environment: env } = place;
    const said = (words: string) =>
      spawnSync(process.execPath, [bin, ...words.split(" ")], {
        ...{ cwd, env, encoding: "utf8" },
        ...stranger,
      });
    for (const words of ["status", "findings", "findings ack 1", "db check", "db backup copy"]) {
      const { status, stdout, stderr } = said(words);
      expect({ status, stdout }, words).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(oneLine);
      expect(stderr).toContain(`you may not look into ${place.stateDir}. Call the command as`);
    }
    const doctor = JSON.parse(said("doctor --json").stdout) as { name: string; level: string }[];
    const failed = doctor.filter(({ level }) => level === "fail").map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining(["state", "database", "daemon"]));
    await chmod(place.stateDir, 0o700);
  },
);

test("where the state lies: --state, WATCHKEEPER_STATE, then systemd's STATE_DIRECTORY", async () => {
  place.environment.STATE_DIRECTORY = `${place.path("systemd")}:${place.path("second")}`;
  await place.run("beat");
  await stat(place.path("systemd/watchkeeper.db"));
  place.environment.WATCHKEEPER_STATE = place.path("environment");
  await place.run("beat");
  await stat(place.path("environment/watchkeeper.db"));
  await place.run("beat", "--state", "option");
  await stat(place.path("option/watchkeeper.db"));
});
