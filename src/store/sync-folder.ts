import { closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";

/** Returns when the names in a folder are on the disk, too. */
export function syncFolder(folder: string): void {
  sync(join(folder, "."), "r");
}

/** Returns when what a file holds is on the disk. */
export function syncFile(path: string): void {
  sync(path, "r+");
}

function sync(path: string, flags: string): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
