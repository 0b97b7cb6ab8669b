import { mkdir, stat } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { note } from "./contract.ts";
import { createDeedsPlace, type DeedsPlace } from "./deeds.ts";
import { oneLine, watching, type Place } from "./place.ts";

/** What the agent has noted, as the owner lists, searches, forgets and exports it. */

const hostile = "Invoices: [pay](https://evil.example) `now` <img src=x>";

let deeds: DeedsPlace;
let place: Place;
beforeAll(async () => {
  deeds = await createDeedsPlace();
  place = deeds.place;
  const noting = (text: string, days?: number) => ({ name: "memory_note", input: { text, days } });
  deeds.trust = "trusted";
  await deeds.ring(noting("Ann is away until Monday", 3), noting("Ben likes tea.\nNo milk."));
  deeds.trust = "untrusted";
  await deeds.ring(noting(hostile), noting("An old tale", 1));
  using database = new DatabaseSync(place.path("state/watchkeeper.db"));
  database.exec("update memories set expires_at = created_at + 1 where id = 4");
});
afterAll(async () => deeds[Symbol.asyncDispose]());

const read = async (...words: string[]) => z.array(note).parse((await place.json(...words)).value);
const idsOf = async (...words: string[]) => (await read(...words)).map(({ id }) => id);

describe("list", () => {
  test("is the newest first, with labels and runs, without what is past its time", async () => {
    const notes = await read("memory", "list");
    expect(notes).toMatchObject([
      { id: 3, text: hostile, trust: "untrusted", runId: 2, expiresAt: null },
      { id: 2, text: "Ben likes tea.\nNo milk.", trust: "trusted", runId: 1, expiresAt: null },
      { id: 1, trust: "trusted", runId: 1 },
    ]);
    const [, , ann] = notes;
    const lives = Date.parse(ann?.expiresAt ?? "") - Date.parse(ann?.createdAt ?? "");
    expect(lives).toBe(3 * 86_400_000);
    expect(await idsOf("memory", "list", "--all")).toEqual([4, 3, 2, 1]);
    expect(await idsOf("memory", "list", "--limit", "1")).toEqual([3]);
  });

  test("fits 80 columns, with the first line of each note", async () => {
    const { stdout, exitCode } = await place.run("memory", "list", "--all");
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^id +noted +trust +run +until +what$/);
    expect(lines).toHaveLength(5);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[1]).toMatch(/^ 4 .* untrusted +2 +over +An old tale$/);
    expect(lines[3]).toMatch(/^ 2 .* trusted +1 +- +Ben likes tea\.$/);
  });
});

test("search takes words as they are typed, and all of them count", async () => {
  expect(await idsOf("memory", "search", "likes", "TEA")).toEqual([2]);
  expect(await idsOf("memory", "search", "mon")).toEqual([1]);
  expect(await idsOf("memory", "search", "ann OR tea")).toEqual([]);
  expect(await idsOf("memory", "search", "tale")).toEqual([]);
  expect(await idsOf("memory", "search", '"*(')).toEqual([]);
  const { stdout } = await place.run("memory", "search", "nothing", "of", "that");
  expect(stdout).toBe("No note holds these words.\n");
});

test("show has all fields and all lines, and says what the label means", async () => {
  const { value } = await place.json("memory", "show", "2");
  expect(note.parse(value)).toMatchObject({ id: 2, runId: 1, trust: "trusted" });
  const kept = await place.run("memory", "show", "#2");
  expect(kept.stdout).toMatch(
    /^note 2, noted .* by run 1\ntrusted: .*\nkept until you forget it\n/,
  );
  expect(kept.stdout).toContain("\n  Ben likes tea.\n  No milk.\n");
  const over = await place.run("memory", "show", "4");
  expect(over.stdout).toContain("past its time since");
  expect(over.stdout).toContain("untrusted: its run had read what a stranger could have written");
});

describe("export", () => {
  test("is JSON Lines, oldest first, or an array with --json", async () => {
    const { stdout } = await place.run("memory", "export", "--all");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => note.parse(JSON.parse(line)));
    expect(lines.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(await read("memory", "export")).toEqual(lines.slice(0, 3));
  });

  test("as Markdown shows a stranger's words as words", async () => {
    const { stdout } = await place.run("memory", "export", "--format", "markdown");
    expect(stdout).toContain("## Note 3 (untrusted)\n");
    expect(stdout).toContain("- `Invoices: [pay](https://evil.example) 'now' <img src=x>`\n");
    expect(stdout).toContain("- `Ben likes tea.`\n- `No milk.`\n");
  });

  test("into a file is for the owner alone, and writes over none without --force", async () => {
    const first = await place.run("memory", "export", "notes.jsonl");
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(first.stdout).toContain("3 notes in ");
    expect((await stat(place.path("notes.jsonl"))).mode & 0o777).toBe(0o600);
    await place.write("notes.jsonl", "mine");
    const again = await place.run("memory", "export", "notes.jsonl");
    expect(again).toMatchObject({ exitCode: 1, stdout: "" });
    expect(again.stderr).toMatch(oneLine);
    expect(again.stderr).toContain("--force");
    expect(await place.read("notes.jsonl")).toBe("mine");
    const forced = await place.json("memory", "export", "notes.jsonl", "--force");
    expect(forced).toEqual({ exitCode: 0, value: { file: place.path("notes.jsonl"), notes: 3 } });
    expect((await place.read("notes.jsonl")).split("\n")).toHaveLength(4);
  });

  test("into what cannot be written is one line with the mend", async () => {
    await mkdir(place.path("folder"), { recursive: true });
    for (const words of [["nowhere/notes"], ["folder", "--force"]]) {
      const outcome = await place.run("memory", "export", ...words);
      expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
      expect(outcome.stderr).toMatch(oneLine);
      expect(outcome.stderr).toContain("a folder that you may write");
    }
  });
});

describe("wrong use", () => {
  test.each([
    ["memory show 99", 1, "there is no note 99", "memory list --all"],
    ["memory forget 99", 1, "there is no note 99", "memory list --all"],
    ["memory show tea", 2, '"tea" is not an id', "such as 12"],
    ["memory forget", 2, "missing required argument 'id'", "watchkeeper memory forget --help"],
    ["memory search", 2, "missing required argument 'words'", "watchkeeper memory search --help"],
    ["memory lst", 2, "did you mean list?", "watchkeeper memory --help"],
    ["memory list --limit 0", 2, '"0" is not a number of rows', "from 1 to 10000"],
    ["memory list 3", 2, 'list does not take "3"', "watchkeeper memory list --help"],
    ["memory export --format yaml", 2, "jsonl, markdown", "watchkeeper memory export --help"],
    ["memory export --format jsonl --json", 2, "cannot both be printed", "Leave one of them out"],
  ])("`%s` is one line with the mend, and exit %i", async (words, exitCode, what, mend) => {
    const outcome = await place.run(...words.split(" "));
    expect(outcome).toMatchObject({ exitCode, stdout: "" });
    expect(outcome.stderr).toMatch(oneLine);
    expect(outcome.stderr).toContain(what);
    expect(outcome.stderr).toContain(mend);
  });

  test("`memory` alone is shown its commands, and exit 2", async () => {
    const outcome = await place.run("memory");
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "" });
    expect(outcome.stderr).toMatch(/^Usage: watchkeeper memory/);
  });

  test("a state directory where nothing was saved is said", async () => {
    for (const words of [["list"], ["search", "a"], ["show", "1"], ["forget", "1"], ["export"]]) {
      const outcome = await place.run("memory", ...words, "--state", place.path("empty"));
      expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
      expect(outcome.stderr).toMatch(oneLine);
      expect(outcome.stderr).toContain("there is no watch in");
    }
  });
});

describe("forget", () => {
  test("deletes without a daemon, and says what", async () => {
    const { stdout, exitCode } = await place.run("memory", "forget", "2");
    expect({ stdout, exitCode }).toEqual({
      stdout: "note 2 is forgotten: Ben likes tea.\n",
      exitCode: 0,
    });
    expect(await idsOf("memory", "search", "tea")).toEqual([]);
    expect((await place.run("memory", "forget", "2")).exitCode).toBe(1);
  });

  test("deletes beside a running daemon", async () => {
    const daemon = place.start("start");
    await daemon.seen(watching);
    const { value, exitCode } = await place.json("memory", "forget", "1");
    expect(exitCode).toBe(0);
    expect(z.object({ forgotten: note }).parse(value).forgotten.id).toBe(1);
    expect(await idsOf("memory", "list")).toEqual([3]);
    await daemon.stop();
  });
});
