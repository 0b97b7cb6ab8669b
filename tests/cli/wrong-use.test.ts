import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlace, oneLine, watching, type Place, type Running } from "./place.ts";

let place: Place;
let daemon: Running;
beforeAll(async () => {
  place = await createPlace();
  await place.skill(
    "queue",
    `import { defineSkill } from "watchkeeper";
     export default defineSkill({ checks: () => ({
       jobs: { async observe() { return { observations: [], complete: true }; } },
     }) });`,
  );
  await place.config(`{ skills: { "./skills/queue": {} } }`);
  daemon = place.start("start");
  await daemon.seen(watching);
});
afterAll(async () => place[Symbol.asyncDispose]());

describe("a slip of the fingers", () => {
  test.each([
    ["statsu", "did you mean status?", "watchkeeper --help"],
    ["stat", "did you mean status?", "watchkeeper --help"],
    ["help nope", "unknown command 'nope'", "watchkeeper --help"],
    ["help statsu", "did you mean status?", "watchkeeper --help"],
    ["help skills nw", "did you mean new?", "watchkeeper skills --help"],
    ["config chek", "did you mean check?", "watchkeeper config --help"],
    ["findings akc 1", 'did you mean "findings ack"?', "watchkeeper findings --help"],
    ["findings 12", 'did you mean "findings show 12"?', "watchkeeper findings --help"],
    ["beat --dryrun", "did you mean --dry-run?", "watchkeeper beat --help"],
    ["status now", 'status does not take "now"', "watchkeeper status --help"],
    ["beats show", "missing required argument 'id'", "watchkeeper beats show --help"],
    ["findings snooze 1", "--for <duration>", "watchkeeper findings snooze --help"],
    ["beat --check", "argument missing", "watchkeeper beat --help"],
    ["start --log-level loud", "debug, info, warn, error, silent", "watchkeeper start --help"],
    ["beats --limit 0", '"0" is not a number of rows', "from 1 to 10000"],
    ["beats --limit many", '"many" is not a number of rows', "from 1 to 10000"],
    ["runs --limit 1e9", '"1e9" is not a number of rows', "from 1 to 10000"],
    ["beats show last", '"last" is not an id', "such as 12"],
    ["findings ack 1.5", '"1.5" is not an id', "such as 12"],
    ["findings snooze 1 --for soon", '"soon" is not a duration', "2h"],
    ["findings snooze 1 --for 99999d", "must be between 1s and 3660d", "2h"],
    ["findings snooze 1 --for 0s", "must be between 1s and 3660d", "2h"],
    ["beat --check quue", 'no check or skill "quue"', 'Did you mean "queue"?'],
  ])("`%s` is one line with the mend, and exit 2", async (words, what, mend) => {
    const outcome = await place.run(...words.split(" "));
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain(what);
    expect(outcome.stderr).toContain(mend);
  });

  test.each([[""], ["config"]])("`%s` alone is shown the commands, and exit 2", async (words) => {
    const outcome = await place.run(...words.split(" ").filter(Boolean));
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toMatch(/^Usage: watchkeeper/);
    expect(outcome.stderr).toContain("Commands:");
  });

  test.each([
    ["beats show 99", "no beat 99", "watchkeeper beats"],
    ["runs show 99", "no run 99", "watchkeeper runs"],
    ["findings show 99", "no finding 99", "watchkeeper findings"],
    ["findings ack 99", "no finding 99", "watchkeeper findings"],
    ["findings snooze 99 --for 1h", "no finding 99", "watchkeeper findings"],
  ])("`%s` names what is not there, and exit 1", async (words, what, mend) => {
    const outcome = await place.run(...words.split(" "));
    expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain(what);
    expect(outcome.stderr).toContain(mend);
  });
});

test("an unknown check is told the nearest name without a daemon, and by a dry run", async () => {
  for (const extra of [[], ["--dry-run"]]) {
    const outcome = await place.run(
      "beat",
      "--state",
      place.path("other"),
      "--check",
      "queue/jbs",
      ...extra,
    );
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain('Did you mean "queue/jobs"?');
  }
});

test("a second daemon is refused with the pid of the first, and the first goes on", async () => {
  const second = await place.run("start");
  expect(second).toMatchObject({ exitCode: 1, stdout: "" });
  expect(second.stderr).toMatch(oneLine);
  expect(second.stderr).toContain(`the daemon with pid ${daemon.pid} already keeps watch`);
  expect((await place.run("status")).exitCode).toBe(0);
});

test("what could not be printed for want of room is a failure", () => {
  const bin = fileURLToPath(new URL("../../bin/watchkeeper.js", import.meta.url));
  const full = openSync("/dev/full", "w");
  try {
    const printed = (stdout: number | "pipe") =>
      spawnSync(process.execPath, [bin, "beats", "--json"], {
        ...{ cwd: place.dir, env: place.environment, encoding: "utf8" },
        stdio: ["ignore", stdout, "pipe"],
      });
    const refused = printed(full);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(oneLine);
    expect(refused.stderr).toContain("not everything that was to be printed could be written");
    expect(printed("pipe")).toMatchObject({ status: 0, stderr: "" });
  } finally {
    closeSync(full);
  }
});
