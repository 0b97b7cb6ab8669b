import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import Database from "better-sqlite3";
import { StoreError } from "../domain/errors.ts";
import { differences, readContent } from "./content.ts";
import { giveToOwner } from "./ownership.ts";
import { syncFile, syncFolder } from "./sync-folder.ts";

/** The copy that is kept of a database before a newer version changes its tables. */

const backupsDir = "backups";
const kept = 3;

/**
 * @param applied when the last migration in the file was written, in milliseconds
 * @returns where the copy is
 * @throws StoreError when it cannot be made: the database is then left as it is
 */
export function keepBeforeUpgrade(
  client: Database.Database,
  { stateDir, applied }: { readonly stateDir: string; readonly applied: number },
): string {
  const folder = join(stateDir, backupsDir);
  const file = join(folder, `before-upgrade-${applied}-${Date.now()}.db`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Made by us first, so that nobody else can ever read it.
    closeSync(openSync(file, "wx", 0o600));
    for (const made of [folder, file]) giveToOwner(made, stateDir);
    client.prepare("vacuum into ?").run(file);
    const copy = new Database(file, { readonly: true });
    try {
      const wrong = differences(readContent(client), readContent(copy));
      if (wrong.length > 0) throw new Error(`the copy is not the same: ${wrong.join("; ")}`);
    } finally {
      copy.close();
    }
    syncFile(file);
    syncFolder(folder);
    forgetOldest(folder, file);
    return file;
  } catch (cause) {
    forget(file);
    throw new StoreError(
      "UPGRADE_BACKUP_FAILED",
      "no copy of the database could be kept before the upgrade",
      {
        cause,
        hint: `See that ${folder} can be written and has room; the database was not changed`,
      },
    );
  }
}

/** @param made is the newest one, whatever a clock that was ahead has named others */
function forgetOldest(folder: string, made: string): void {
  const copies = readdirSync(folder).filter(
    (name) => name.startsWith("before-upgrade-") && name !== basename(made),
  );
  const age = (name: string): number => Number(name.split("-").at(-1)?.replace(".db", ""));
  const oldest = copies.toSorted((a, b) => age(b) - age(a)).slice(kept - 1);
  for (const name of oldest) rmSync(join(folder, name), { force: true });
}

/** What cannot be there need not be removed. */
function forget(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Its folder is none.
  }
}
