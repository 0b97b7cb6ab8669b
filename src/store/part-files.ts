import { closeSync, lstatSync, openSync, readdirSync, readSync, rmSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isRunning } from "./running.ts";

/** A file that is made under another name first, which says whose it is: what a killed process has left can be told. */

export const partOf = (path: string): string => `${path}.${process.pid}.part`;

/** What SQLite keeps beside a file while it writes. */
export const withCompanions = (part: string): string[] =>
  ["", "-journal", "-wal", "-shm"].map((end) => part + end);

/**
 * Removes what killed processes have left on their way to this file. What cannot be removed is in nobody's way.
 * @param isAbandoned of a file whose process is no more, as far as this machine can tell
 */
export function removeAbandoned(path: string, isAbandoned: (stats: Stats) => boolean): void {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of namesIn(folder)) {
    const [, id] = name.startsWith(prefix) ? (ownEnd.exec(name.slice(prefix.length)) ?? []) : [];
    // Where processes are few, as in a container, their ids come again soon.
    const isOwn = Number(id) === process.pid;
    if (id === undefined || (!isOwn && isRunning(Number(id)))) continue;
    const part = join(folder, name);
    try {
      const stats = lstatSync(part);
      if (!stats.isFile() || !isDatabase(part, stats.size) || !(isOwn || isAbandoned(stats)))
        continue;
      for (const left of withCompanions(part)) rmSync(left, { force: true });
    } catch {
      // It is somebody else's, or gone by now.
    }
  }
}

const ownEnd = /^(\d{1,10})\.part$/;
const header = "SQLite format 3\0";

/** Or the beginning of one. */
function isDatabase(path: string, size: number): boolean {
  const length = Math.min(size, header.length);
  const bytes = Buffer.alloc(length);
  const handle = openSync(path, "r");
  try {
    readSync(handle, bytes, 0, length, 0);
  } finally {
    closeSync(handle);
  }
  return bytes.toString("latin1") === header.slice(0, length);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
