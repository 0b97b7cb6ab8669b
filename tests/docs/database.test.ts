import { execFileSync } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as schema from "../../src/store/schema.ts";
import { temporaryFolder } from "../daemon/harness.ts";
import { readPage, quotedIn } from "./page.ts";
import { spendSmallNight } from "./small-night.ts";

const page = await readPage("database.md");
const tables = Object.values(schema as Record<string, unknown>)
  .filter((one) => one instanceof SQLiteTable)
  .map((table) => getTableConfig(table));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let night: Awaited<ReturnType<typeof spendSmallNight>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  night = await spendSmallNight(folder.path);
});
afterAll(async () => {
  await night[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe("the tables", () => {
  const described = page.tables.filter(({ columns }) => columns.join() === "column,type,meaning");

  test("are those of the schema, no more and no fewer", () => {
    expect(described.map(({ heading }) => heading).sort()).toEqual(
      tables.map(({ name }) => name).sort(),
    );
  });

  test.for(tables)("$name: columns, types and possible values are those of the schema", (table) => {
    const rows = described.find(({ heading }) => heading === table.name)?.rows ?? [];
    expect(rows.map(([name, type]) => `${name} ${type}`)).toEqual(
      table.columns.map(
        (column) =>
          `\`${column.name}\` ${column.getSQLType()}${column.notNull || column.primary ? "" : "?"}`,
      ),
    );
    for (const [index, column] of table.columns.entries()) {
      const meaning = rows[index]?.[2] ?? "";
      expect(quotedIn(meaning), column.name).toEqual(
        expect.arrayContaining([...(column.enumValues ?? [])]),
      );
    }
  });

  test("are those of the file", () => {
    using database = open();
    const names = rowsOf(database, "select name from sqlite_master where type = 'table'")
      .map(({ name }) => String(name))
      .filter((name) => !name.startsWith("sqlite_") && !name.startsWith("memories_text"));
    expect(names.sort()).toEqual(
      [...tables.map(({ name }) => name), "__drizzle_migrations"].sort(),
    );
    expect(page.text).toContain("`__drizzle_migrations`");
    expect(page.text).toContain("`memories_text`");
  });
});

describe("the queries", () => {
  const blocks = page.blocks.filter(({ language }) => language === "sql");
  const thatNight = expect.stringMatching(/^2026-01-0[56]/);
  /** The query, asked in the morning after the small night. */
  const asked = (query: string): string =>
    query.replaceAll("'now'", `'${night.now.toISOString().slice(0, 19)}'`);

  /** What each must answer about the small night. */
  const answers: Record<string, unknown[]> = {
    "What did it do last night": [
      {
        at: expect.stringMatching(/^\d\d:\d\d:\d\d$/),
        what: "found",
        detail: "notice opened: Mail from Ann: Lunch",
      },
      { what: "run 1", detail: expect.stringMatching(/^ok, \$0\.\d+$/) },
      { what: "finding", detail: expect.stringContaining("shop is down: HTTP 503 instead of 2xx") },
      { what: "found", detail: expect.stringMatching(/^critical resolved: shop is down/) },
      { what: "digest", detail: expect.stringMatching(/^delivered: Digest: /) },
      { what: "missed", detail: expect.stringMatching(/^\d+ beats$/) },
    ],
    "What did I spend on mail": [
      { day: thatNight, usd: expect.closeTo(0.005, 2), tokens: expect.any(Number) },
    ],
    "What was found and who decided": [
      {
        title: "Mail from Ann: Lunch",
        verdict: "digest",
        decided_by: "model",
        the_models_words: "Worth a look.",
      },
      {
        title: "shop is down: HTTP 503 instead of 2xx",
        state: "resolved",
        verdict: "notify",
        decided_by: "rules",
      },
    ],
    "Which checks failed most": [
      {
        check_name: "calendar/mine",
        failed: expect.any(Number),
        status: "blind",
        last_error: expect.stringContaining("missing.ics"),
      },
    ],
    "How long was each outage": [
      { check_name: "services/shop", began: thatNight, ended: thatNight, minutes: 10 },
    ],
    "Which messages were set aside": [
      {
        seen: thatNight,
        check_name: "inbox/local",
        place: expect.any(String),
        reason: expect.stringContaining("exceeded"),
      },
    ],
    "What looks left out": [
      { check_name: "inbox/local", note: expect.stringContaining("could not be read") },
    ],
    "What would have waited for the digest": [
      {
        title: "Mail from Ann: Lunch",
        why: expect.stringContaining("digest"),
        due: thatNight,
        digest: expect.stringMatching(/^told with notification \d+$/),
      },
      { title: "Mail from Ann: Tea", digest: "still waits" },
    ],
    "What did a run do, step by step": [
      { step_index: 0, kind: "model", name: "claude-sonnet-5-5", tokens: expect.any(Number) },
    ],
    "What was told again and again": [
      { title: expect.stringContaining("shop is down"), times: expect.any(Number), reminders: 0 },
    ],
    "What was I told, and did it arrive": [
      {
        title: expect.stringContaining("shop is down"),
        channel: "terminal",
        state: "sent",
        attempts: 1,
        last_error: null,
      },
      { title: expect.stringContaining("Digest"), state: "sent" },
    ],
  };

  test("each has an answer to expect", () => {
    expect(blocks.map(({ heading }) => heading)).toEqual(Object.keys(answers));
  });

  test.for(blocks)("$heading", ({ heading, code }) => {
    using database = open();
    const rows = rowsOf(database, asked(code));
    for (const answer of answers[heading] ?? []) {
      expect(rows).toContainEqual(expect.objectContaining(answer as object));
    }
  });

  const { found, version } = sqliteCommand();
  test.skipIf(!found)(`all run in the system's sqlite3 ${version} beside the daemon`, () => {
    for (const { heading, code } of blocks) {
      const printed = execFileSync("sqlite3", ["-readonly", "-json", night.database, asked(code)]);
      expect(JSON.parse(printed.toString()), heading).not.toEqual([]);
    }
  });

  test.skipIf(!found)("the commands for opening and copying work beside the daemon", () => {
    const commands = page.blocks.filter(({ language }) => language === "sh");
    expect(commands).toHaveLength(2);
    for (const { code } of commands) {
      execFileSync("sh", ["-ec", code], { cwd: folder.path, stdio: ["ignore", "pipe", "inherit"] });
    }
    using copy = new DatabaseSync(`${folder.path}/copy.db`, { readOnly: true });
    using original = open();
    const count = "select count(*) as count from findings";
    expect(rowsOf(copy, count)).toEqual(rowsOf(original, count));
  });
});

const open = (): DatabaseSync => new DatabaseSync(night.database, { readOnly: true });

/** Rows as plain objects. */
const rowsOf = (database: DatabaseSync, query: string): Record<string, unknown>[] =>
  database
    .prepare(query)
    .all()
    .map((row) => ({ ...row }));

function sqliteCommand(): { found: boolean; version: string } {
  try {
    const version = execFileSync("sqlite3", ["--version"]).toString().split(" ")[0] ?? "";
    return { found: true, version };
  } catch {
    return { found: false, version: "(not on this machine)" };
  }
}
