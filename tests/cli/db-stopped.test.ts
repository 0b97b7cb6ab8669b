import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { furnish } from "./desk.ts";
import { createPlace, type Place } from "./place.ts";

/** A copy that is stopped half way: by Ctrl-C, by whoever ends processes, or by kill -9. */

let place: Place;
beforeEach(async () => {
  place = await createPlace();
  await furnish(place);
  await place.run("beat");
});
afterEach(async () => place[Symbol.asyncDispose]());

/** The command, which sends itself a signal as soon as it has made a file of this name. */
async function stoppedAt(end: string, signal: string, ...words: string[]) {
  await place.write(
    "signal.mjs",
    `import fs from "node:fs";
     import { syncBuiltinESMExports } from "node:module";
     const isIt = (path) => String(path).endsWith(${JSON.stringify(end)});
     const { openSync } = fs;
     const { chmod } = fs.promises;
     fs.openSync = (path, flags, ...more) => {
       const made = openSync(path, flags, ...more);
       if (flags === "wx" && isIt(path)) process.kill(process.pid, ${JSON.stringify(signal)});
       return made;
     };
     fs.promises.chmod = async (path, ...more) => {
       await chmod(path, ...more);
       if (isIt(path)) process.kill(process.pid, ${JSON.stringify(signal)});
     };
     syncBuiltinESMExports();`,
  );
  place.environment.NODE_OPTIONS = `--import ${place.path("signal.mjs")}`;
  const outcome = await place.run(...words);
  delete place.environment.NODE_OPTIONS;
  return outcome;
}

const parts = async (dir: string) => (await readdir(dir)).filter((name) => name.includes(".part"));

async function makeOlder(name: string): Promise<void> {
  const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(place.path(name), twoHoursAgo, twoHoursAgo);
}

describe.each(["SIGINT", "SIGTERM"])("%s", (signal) => {
  test("in a backup leaves nothing, and says so", async () => {
    const stopped = await stoppedAt(".part", signal, "db", "backup", "copy.db");
    expect(stopped).toMatchObject({ exitCode: 1, stdout: "" });
    expect(stopped.stderr).toMatch(/^watchkeeper: it was stopped: no backup was made\. .*\n$/);
    expect((await readdir(place.dir)).filter((name) => name.startsWith("copy.db"))).toEqual([]);
  });

  test("in a restore leaves the database as it is, and nothing beside it", async () => {
    await place.run("db", "backup", "copy.db");
    const before = await readdir(place.stateDir);
    const stopped = await stoppedAt(".part", signal, "db", "restore", "copy.db");
    expect(stopped).toMatchObject({ exitCode: 1, stdout: "" });
    expect(stopped.stderr).toMatch(/it was stopped: the database is as it was\. /);
    expect(await readdir(place.stateDir)).toEqual(before);
    expect(await place.run("db", "check")).toMatchObject({ exitCode: 0 });
  });
});

describe("kill -9", () => {
  test("in a backup: the next one to that name removes what is left, when it is old", async () => {
    await stoppedAt(".part", "SIGKILL", "db", "backup", "copy.db");
    const [left = ""] = await parts(place.dir);
    expect(left).toMatch(/^copy\.db\.\d+\.part$/);
    expect(await place.run("db", "backup", "copy.db")).toMatchObject({ exitCode: 0 });
    // It might be under way on another machine that has the disk too.
    expect(await parts(place.dir)).toEqual([left]);
    await makeOlder(left);
    expect(await place.run("db", "backup", "other.db")).toMatchObject({ exitCode: 0 });
    expect(await parts(place.dir)).toEqual([left]);
    await rm(place.path("copy.db"));
    expect(await place.run("db", "backup", "copy.db")).toMatchObject({ exitCode: 0 });
    expect(await parts(place.dir)).toEqual([]);
  });

  test("in a restore: the next one removes what is left", async () => {
    await place.run("db", "backup", "copy.db");
    await stoppedAt(".part", "SIGKILL", "db", "restore", "copy.db");
    expect(await parts(place.stateDir)).toHaveLength(1);
    expect(await place.run("db", "restore", "copy.db")).toMatchObject({ exitCode: 0 });
    expect(await parts(place.stateDir)).toEqual([]);
  });
});

test("what is the user's is left alone, whatever its name", async () => {
  const database = "copy.db.1.part";
  new DatabaseSync(place.path(database)).exec("create table notes (text)");
  await writeFile(place.path("copy.db.2147483646.part"), "a download", { mode: 0o600 });
  for (const name of [database, "copy.db.2147483646.part"]) await makeOlder(name);
  expect(await place.run("db", "backup", "copy.db")).toMatchObject({ exitCode: 0 });
  expect(await parts(place.dir)).toEqual([database, "copy.db.2147483646.part"]);
});
