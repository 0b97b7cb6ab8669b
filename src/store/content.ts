import { createHash } from "node:crypto";
import type Database from "better-sqlite3";

/** What a database holds, so that two can be compared: SQLite's own check misses most damages within pages. */

export interface TableContent {
  readonly table: string;
  readonly rows: number;
  /** SHA-256 over all rows in the order of their keys, as hexadecimal digits. */
  readonly digest: string;
}

type Progress = (table: string) => void;

/** Every ordinary table, those behind the full-text index included. */
export function readContent(client: Database.Database): TableContent[] {
  const steps = contentSteps(client);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same in small pieces. @param pause lets others have their turn; what it throws ends the reading */
export async function readContentInTurns(
  client: Database.Database,
  { progress, pause }: { readonly progress?: Progress; readonly pause: () => Promise<void> },
): Promise<TableContent[]> {
  const steps = contentSteps(client, progress);
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      await pause();
    }
  } finally {
    steps.return([]);
  }
}

/** About so much is read between two turns of others: a millisecond or two. */
const bytesPerTurn = 256 * 1_024;

function* contentSteps(
  client: Database.Database,
  progress: Progress = () => undefined,
): Generator<void, TableContent[]> {
  const names = client
    .prepare<[], string>(
      "select name from sqlite_schema where type = 'table' and sql not like 'create virtual%' and name not like 'sqlite_%' order by name",
    )
    .pluck()
    .all();
  const contents: TableContent[] = [];
  for (const table of names) {
    progress(table);
    contents.push({ table, ...(yield* digestSteps(client, table)) });
  }
  return contents;
}

function* digestSteps(
  client: Database.Database,
  table: string,
): Generator<void, Omit<TableContent, "table">> {
  const hash = createHash("sha256");
  const name = `"${table.replaceAll('"', '""')}"`;
  const columns = client.pragma(`table_xinfo(${name})`) as { name: string; pk: number }[];
  const keys = columns.filter(({ pk }) => pk > 0).map((column) => `"${column.name}"`);
  const order = keys.length > 0 ? keys.join(", ") : "rowid";
  let rows = 0;
  let read = 0;
  const statement = client.prepare(`select * from ${name} order by ${order}`).raw().safeIntegers();
  for (const row of statement.iterate() as Iterable<readonly unknown[]>) {
    rows += 1;
    for (const value of row) {
      const bytes = encoded(value);
      hash.update(bytes);
      read += bytes.length;
    }
    if (read < bytesPerTurn) continue;
    read = 0;
    yield;
  }
  return { rows, digest: hash.digest("hex") };
}

/** Type, length and value, so that no two rows look alike. */
function encoded(value: unknown): string | Buffer {
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`b${value.length}:`), value]);
  const text = String(value);
  return `${typeof value}${text.length}:${text}`;
}

/** The tables in which two databases differ, each as a few words; none when they hold the same. */
export function differences(
  expected: readonly TableContent[],
  found: readonly TableContent[],
): string[] {
  const byName = new Map(found.map((content) => [content.table, content]));
  return expected.flatMap(({ table, rows, digest }) => {
    const other = byName.get(table);
    if (!other) return [`${table} is missing`];
    if (other.rows !== rows) return [`${table} has ${other.rows} rows in the place of ${rows}`];
    return other.digest === digest ? [] : [`${table} holds something else`];
  });
}
