import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPlace, oneLine, watching, type Place } from "../cli/place.ts";
import { openSmallDisk } from "../servers/small-disk.ts";

/** A state directory that is taken away, replaced, damaged or read-only, under a daemon of its own process. */

let place: Place;
beforeEach(async () => {
  place = await createPlace();
  await place.config(`{ skills: { "./skills/pulse": {} }, web: false }`);
  await place.skill(
    "pulse",
    `import { defineSkill } from "watchkeeper";
     export default defineSkill({
       checks: () => ({ beat: { every: "1s", observe: async () => ({ observations: [] }) } }),
     });`,
  );
});
afterEach(async () => place[Symbol.asyncDispose]());

const databaseOf = (stateDir: string) => join(stateDir, "watchkeeper.db");

function beatsIn(stateDir: string): number {
  const client = new Database(databaseOf(stateDir), { readonly: true });
  try {
    return client.prepare("select count(*) from beats").pluck().get() as number;
  } finally {
    client.close();
  }
}

/** The daemon may put something there meanwhile. */
const whatever = { recursive: true, force: true, maxRetries: 100 };

describe("a daemon whose state directory", () => {
  const ends: [string, RegExp, (stateDir: string) => Promise<void>][] = [
    ["is removed", / gone.*: nothing more can be saved/, (dir) => rm(dir, whatever)],
    [
      "is emptied",
      /watchkeeper\.db is gone from the state directory/,
      async (dir) => {
        // The database first: whenever the daemon looks, that is what is gone.
        for (const name of ["watchkeeper.db", ...(await readdir(dir))]) {
          await rm(join(dir, name), whatever);
        }
      },
    ],
    [
      "loses the lock, so that a second daemon could come,",
      /watchkeeper\.lock is gone from the state directory/,
      (dir) => rm(join(dir, "watchkeeper.lock")),
    ],
  ];
  test.each(ends)("%s says so to the owner and ends with 1", async (_, what, change) => {
    const daemon = place.start("start");
    await daemon.seen(watching);
    await change(place.stateDir);
    const { exitCode, stdout, stderr } = await daemon.ended;
    expect(exitCode).toBe(1);
    expect(stdout.replace(/\s+/g, " ")).toContain("The watch has ended: its store is lost");
    expect(stderr.split("\n").at(-2)).toMatch(what);
    expect(stderr).toContain("start again with what is there now");
  });

  test("is replaced leaves it to the next one, which it takes nothing from", async () => {
    const first = place.start("start");
    await first.seen(watching);
    const old = `${place.stateDir}-old`;
    await rename(place.stateDir, old);
    const second = place.start("start");
    await second.seen(watching);
    expect((await first.ended).exitCode).toBe(1);
    const before = beatsIn(old);
    const beat = await place.run("beat");
    expect(beat).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await place.json("status")).value).toMatchObject({ pid: second.pid, problems: [] });
    expect(beatsIn(old)).toBe(before);
    const check = await place.run("db", "check", "--state", old);
    expect(check.exitCode).toBe(0);
    expect((await second.stop()).exitCode).toBe(0);
  });
});

const damages: [string, (bytes: Buffer) => Buffer, RegExp][] = [
  ["overwritten", (bytes) => Buffer.from(bytes).fill(0x5a, 4_096), /is damaged/],
  ["cut short", (bytes) => bytes.subarray(0, 3 * 4_096), /is damaged/],
  ["cut to nothing", () => Buffer.alloc(0), /is (?:damaged|empty)/],
  ["given a header of zeros", (bytes) => Buffer.from(bytes).fill(0, 0, 4_096), /is damaged/],
];
test.each(damages)(
  "a file that is %s under a running daemon ends it, is refused at the next start, and can be restored",
  async (_, damage, what) => {
    const daemon = place.start("start");
    await daemon.seen(watching);
    await place.run("beat");
    const copy = place.path("copy.db");
    expect((await place.run("db", "backup", copy)).exitCode).toBe(0);
    const path = databaseOf(place.stateDir);

    process.kill(daemon.pid, "SIGSTOP");
    // Another's write makes the daemon read anew what it knows by heart.
    const client = new Database(path);
    client.exec("create table other (a)");
    client.pragma("wal_checkpoint(truncate)");
    client.close();
    const damaged = damage(readFileSync(path));
    // In the same file, which the daemon has open.
    truncateSync(path, damaged.length);
    writeFileSync(path, damaged, { flag: "r+" });
    process.kill(daemon.pid, "SIGCONT");
    const { exitCode, stdout, stderr } = await daemon.ended;
    expect(exitCode).toBe(1);
    expect(stdout.replace(/\s+/g, " ")).toContain("The watch has ended: its store is lost");
    expect(stderr.split("\n").at(-2)).toMatch(/watchkeeper\.db is damaged.*db restore FILE/);

    expect(readFileSync(path).equals(damaged)).toBe(true);
    const again = await place.run("start");
    expect(again).toMatchObject({ exitCode: 1, stdout: "" });
    expect(again.stderr).toMatch(oneLine);
    expect(again.stderr).toMatch(what);
    expect(again.stderr).toContain("`watchkeeper db restore FILE`");
    expect(readFileSync(path).equals(damaged)).toBe(true);

    expect((await place.run("db", "restore", copy)).exitCode).toBe(0);
    const mended = place.start("start");
    await mended.seen(watching);
    expect((await place.json("status")).value).toMatchObject({ problems: [] });
  },
);

describe("a disk that cannot be written", () => {
  test("keeps the daemon from starting, with the mend", async () => {
    expect((await place.run("beat")).exitCode).toBe(0);
    const bin = join(import.meta.dirname, "..", "..", "bin", "watchkeeper.js");
    const limited = ["--fsize=0", process.execPath, bin, "start"];
    const child = spawn("prlimit", limited, { cwd: place.dir, env: place.environment });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(said).toMatch(oneLine);
    expect(said).toMatch(/disk I\/O error.*its disk can be written/);
    expect((await place.run("db", "check")).exitCode).toBe(0);
  });

  test("and that is mounted so is named", async () => {
    await using disk = await openSmallDisk();
    const stateDir = join(disk.path, "state");
    expect((await place.run("beat", "--state", stateDir)).exitCode).toBe(0);
    // Where nothing may be mounted, a directory of the kernel's own stands in its place.
    const target = disk.remount("ro") ? stateDir : "/proc/sys/state";
    const start = await place.run("start", "--state", target);
    expect(start).toMatchObject({ exitCode: 1, stdout: "" });
    expect(start.stderr).toMatch(oneLine);
    expect(start.stderr).toMatch(/can only be read|nothing can be made|you may not write/);
    expect(start.stderr).toContain("--state DIR");
    disk.remount("rw");
    expect((await place.run("beat", "--state", stateDir)).exitCode).toBe(0);
  });
});
