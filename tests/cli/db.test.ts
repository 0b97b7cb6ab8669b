import { readdir, stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import * as contract from "./contract.ts";
import { furnish, papers, putPapers } from "./desk.ts";
import { createPlace, watching, type Place } from "./place.ts";

/** Care of the database, as somebody types it: copies beside a daemon, and one put back. */

let place: Place;
beforeEach(async () => {
  place = await createPlace();
  await furnish(place);
});
afterEach(async () => place[Symbol.asyncDispose]());

const backupView = z.strictObject({
  file: z.string(),
  bytes: z.int().positive(),
  rows: z.int().positive(),
  tables: z.array(
    z.strictObject({ table: z.string(), rows: z.int(), digest: z.string().length(64) }),
  ),
});
const checkView = z.object({
  ok: z.boolean(),
  running: z.boolean(),
  bytes: z.int().positive(),
  damages: z.array(z.string()),
});

const titles = async () =>
  z
    .array(contract.finding)
    .parse((await place.json("findings", "--all")).value)
    .map(({ title }) => title)
    .sort();

test("a backup beside a running daemon, then back to it", async () => {
  const daemon = place.start("start");
  await daemon.seen(watching);
  await place.run("beat");
  const before = await titles();
  const made = await place.run("db", "backup", "copy.db");
  expect(made).toMatchObject({ exitCode: 0, stderr: "" });
  expect(made.stdout).toMatch(
    /copy\.db: .* KB, \d+ tables, \d+ rows; read back, and the same as the database\.\n$/,
  );
  expect((await stat(place.path("copy.db"))).mode & 0o777).toBe(0o600);

  await putPapers(place, [...papers, { key: "late", severity: "notice", title: "A late one" }]);
  await place.run("beat");
  expect(await titles()).toContain("A late one");

  const early = await place.run("db", "restore", "copy.db");
  expect(early).toMatchObject({ exitCode: 1, stdout: "" });
  expect(early.stderr).toMatch(
    /a daemon keeps watch with .*\. Stop it first; nothing was changed\n/,
  );
  await daemon.stop();

  const back = await place.run("db", "restore", "copy.db");
  expect(back).toMatchObject({ exitCode: 0, stderr: "" });
  const [, kept = ""] = /The database as it was is kept at (.*)\.\n/.exec(back.stdout) ?? [];
  expect(await titles()).toEqual(before);
  const old = new DatabaseSync(kept, { readOnly: true });
  expect(
    old.prepare("select count(*) as n from findings where title = 'A late one'").get(),
  ).toEqual({
    n: 1,
  });
  old.close();

  await place.start("start").seen(watching);
  await place.run("beat");
  expect(await titles()).toContain("A late one");
});

test("check says what is in the file, beside a daemon too", async () => {
  await place.run("beat");
  const checked = await place.run("db", "check");
  expect(checked).toMatchObject({ exitCode: 0, stderr: "" });
  expect(checked.stdout).toMatch(/^table +rows\n[^]*findings +\d+\n[^]*The file is whole\.\n$/);
  await place.start("start").seen(watching);
  const { exitCode, value } = await place.json("db", "check");
  expect(exitCode).toBe(0);
  expect(checkView.parse(value)).toMatchObject({ ok: true, running: true, damages: [] });
});

const pruneView = z.strictObject({
  dryRun: z.boolean(),
  removed: z.record(z.string(), z.int()),
  slices: z.int(),
  longestMs: z.int(),
  compacted: z.nullable(z.strictObject({ before: z.int(), after: z.int() })),
});

/** Quiet beats of a month ago. */
function plantOldBeats(count: number): void {
  const sql = new DatabaseSync(place.path("state/watchkeeper.db"));
  sql.exec(`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
    insert into beats (trigger, outcome, started_at, finished_at, checks)
    select 'schedule', 'quiet', at, at, '[]' from
      (select (unixepoch('now', '-30 days') + i) * 1000 as at from n)`);
  sql.close();
}

const countOfBeats = (): unknown => {
  const sql = new DatabaseSync(place.path("state/watchkeeper.db"), { readOnly: true });
  const row = sql.prepare("select count(*) as n from beats").get();
  sql.close();
  return row?.n;
};

test("prune says what it would remove, and removes it beside a daemon that goes on", async () => {
  await place.run("beat");
  plantOldBeats(3_000);
  const before = countOfBeats();
  const trial = await place.run("db", "prune", "--dry-run");
  expect(trial).toMatchObject({ exitCode: 0, stderr: "" });
  expect(trial.stdout).toMatch(
    /^Would remove ([\d,]+) rows \(\1 beats\)\. Nothing was changed\.\n$/,
  );
  expect(countOfBeats()).toBe(before);
  expect((await readdir(place.stateDir)).filter((name) => name.startsWith("trial-"))).toEqual([]);

  const daemon = place.start("start");
  await daemon.seen(watching);
  const beating = Promise.all([place.run("beat"), place.run("beat")]);
  const pruned = await place.json("db", "prune");
  const view = pruneView.parse(pruned.value);
  expect(view).toMatchObject({ dryRun: false, compacted: null });
  // The last twenty beats say how the watch stands.
  expect(view.removed.beats).toBeGreaterThan(2_950);
  expect((await beating).map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(countOfBeats()).toBeLessThan(60);

  const early = await place.run("db", "prune", "--compact");
  expect(early).toMatchObject({ exitCode: 1, stdout: "" });
  expect(early.stderr).toMatch(/a daemon keeps watch with .*\. Stop it first, or prune without/);
  await daemon.stop();

  const small = await place.run("db", "prune", "--compact");
  expect(small.stdout).toMatch(/^(Nothing is past its time|Removed .*)\.\nThe file was .* and is /);
  expect((await place.json("db", "check")).value).toMatchObject({ ok: true, freeBytes: 0 });
});

test("a retention below what others look back at is refused with the least", async () => {
  await place.config(`{ retention: { runs: "30d" } }`);
  const { exitCode, stderr } = await place.run("config", "check");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/retention\.runs: .*62d/);
});

test("a damaged file is said with its mend, and exit 1", async () => {
  await place.run("beat");
  await writeFile(place.path("state/watchkeeper.db"), "nothing of the kind");
  const { exitCode, stderr } = await place.run("db", "check");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(/^watchkeeper: .*watchkeeper\.db is damaged.*\n$/),
  });
});

test("a restore of what is no file makes no state directory", async () => {
  await using empty = await createPlace();
  for (const [file, what] of [
    ["nothing.db", "there is no file"],
    [".", "is not a file"],
  ] as const) {
    const refused = await empty.run("db", "restore", file);
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).toContain(what);
  }
  await expect(stat(empty.stateDir)).rejects.toThrow("ENOENT");
});

test("JSON says what was copied", async () => {
  await place.run("beat");
  const { value } = await place.json("db", "backup", "copy.db");
  const view = backupView.parse(value);
  expect(view.file).toBe(place.path("copy.db"));
  expect(view.tables.find(({ table }) => table === "beats")).toMatchObject({ rows: 1 });
});

describe("wrong use is one line", () => {
  test.each<[string[], number, RegExp]>([
    [["db"], 2, /db/],
    [["db", "backup"], 2, /missing required argument 'file'/],
    [["db", "bakup", "x"], 2, /did you mean backup\?/],
    [["db", "restore", "nothing.db"], 1, /there is no file .*nothing\.db/],
    [["db", "restore", "agent.config.ts"], 1, /agent\.config\.ts is no database of watchkeeper/],
    [["db", "backup", "agent.config.ts"], 1, /agent\.config\.ts is there already/],
    [["db", "backup", "no/where.db"], 1, /there is no folder .*no\./],
    [["db", "backup", "x", "--state", "elsewhere"], 1, /there is no database at .*elsewhere/],
    [["db", "prune", "--state", "elsewhere"], 1, /there is no watch in .*elsewhere/],
    [["db", "check", "--state", "elsewhere"], 1, /there is no watch in .*elsewhere/],
  ])("%j", async (words, code, said) => {
    await place.run("beat");
    const { exitCode, stderr } = await place.run(...words);
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(said);
    if (words.length > 1) expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
