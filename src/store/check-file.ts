import { existsSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { databasePath, hasDatabase, isNewer } from "./database.ts";
import { asStoreError } from "./store-errors.ts";

/** What can be said of the database's health without changing it; works beside a running daemon. */

export interface FileReport {
  readonly file: string;
  readonly bytes: number;
  /** Of what was written since the log was last folded into the file. */
  readonly logBytes: number;
  /** Room in the file that is free to be used again. */
  readonly freeBytes: number;
  readonly rows: readonly { readonly table: string; readonly rows: number }[];
  /** Each in one line; none when the file is whole. */
  readonly damages: readonly string[];
}

const mostDamages = 20;

/** @returns undefined when there is no database. @throws StoreError when it cannot even be opened */
export function checkFile(
  stateDir: string,
  { migrationsDir }: { readonly migrationsDir: string },
): FileReport | undefined {
  if (!hasDatabase(stateDir)) return undefined;
  const file = databasePath(stateDir);
  let client: Database.Database | undefined;
  try {
    client = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
    const pageSize = client.pragma("page_size", { simple: true }) as number;
    const free = client.pragma("freelist_count", { simple: true }) as number;
    return {
      file,
      bytes: statSync(file).size,
      logBytes: existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0,
      freeBytes: free * pageSize,
      rows: rowsOf(client),
      damages: [
        ...(isNewer(client, migrationsDir) ? ["written by a newer version of watchkeeper"] : []),
        ...brokenPages(client),
        ...orphans(client),
      ],
    };
  } catch (error) {
    throw asStoreError(error, file);
  } finally {
    client?.close();
  }
}

function rowsOf(client: Database.Database): FileReport["rows"] {
  const names = client
    .prepare<[], string>(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name not like '\\_\\_%' escape '\\' and name not like 'memories_text%' order by name",
    )
    .pluck()
    .all();
  return names.map((table) => ({
    table,
    rows: client.prepare<[], number>(`select count(*) from "${table}"`).pluck().get() ?? 0,
  }));
}

function brokenPages(client: Database.Database): string[] {
  const found = client.pragma(`integrity_check(${mostDamages})`) as { integrity_check: string }[];
  return found.map(({ integrity_check }) => integrity_check).filter((line) => line !== "ok");
}

function orphans(client: Database.Database): string[] {
  const found = client.pragma("foreign_key_check") as {
    table: string;
    rowid: number;
    parent: string;
  }[];
  return found
    .slice(0, mostDamages)
    .map(
      ({ table, rowid, parent }) =>
        `row ${rowid} of ${table} names a row of ${parent} that is not there`,
    );
}
