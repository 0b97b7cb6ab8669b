import { existsSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { StoreError } from "../domain/errors.ts";

/**
 * A process that has files open can go on writing to them when they were removed, or others were put in their
 * place: to nowhere, and beside another process that opens what is there now.
 */

/**
 * @param paths those that are not there are not watched
 * @returns what says why they are not the same files any more, or null while they are
 */
export function sameFiles(paths: readonly string[]): () => StoreError | null {
  const known = paths.flatMap((path) => {
    const mark = markOf(path);
    return mark === undefined ? [] : [{ path, mark }];
  });
  return () => {
    for (const { path, mark } of known) {
      const found = markOf(path);
      if (found !== mark) return lost(path, found === undefined);
    }
    return null;
  };
}

function markOf(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  } catch {
    // A part of the way to it is no folder any more.
    return undefined;
  }
}

function lost(path: string, isGone: boolean): StoreError {
  const stateDir = dirname(path);
  const what = !isGone
    ? `another ${basename(path)} is in the state directory ${stateDir}`
    : existsSync(stateDir)
      ? `${basename(path)} is gone from the state directory ${stateDir}`
      : `the state directory ${stateDir} is gone`;
  return new StoreError("STATE_DIR_LOST", `${what}: nothing more can be saved`, {
    hint: "Put the old one back, or start again with what is there now",
  });
}
