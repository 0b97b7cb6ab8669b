import { existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing, one level at a time: where making one is impossible, such as
 * below /proc, Node's own way never ends.
 * @param made takes down which levels were missing
 */
export function makeFolder(dir: string, mode: number, made: string[] = []): void {
  if (existsSync(dir) && statSync(dir).isDirectory()) return;
  makeFolder(dirname(dir), mode, made);
  try {
    mkdirSync(dir, { mode });
  } catch (error) {
    // Somebody else was faster.
    if (existsSync(dir) && statSync(dir).isDirectory()) return;
    throw error;
  }
  made.push(dir);
}

/** The innermost first; one that somebody uses by now stays, and with it those above. */
export function removeEmpty(made: readonly string[]): void {
  try {
    for (const dir of made.toReversed()) rmdirSync(dir);
  } catch {
    // It is in use.
  }
}

/** Why {@link makeFolder} could not, or why nothing can be written there, where Node's words would say less. */
export function folderTrouble(cause: unknown, dir: string): string | undefined {
  const { code = "", path = dir } = cause as NodeJS.ErrnoException;
  return troubles[code]?.(path);
}

/** The same as a cause to give: in our words where there are some. */
export function folderCause(cause: unknown, dir: string): unknown {
  const what = folderTrouble(cause, dir);
  return what === undefined ? cause : new Error(what);
}

const nearest = (path: string): string => (existsSync(path) ? path : dirname(path));
const notWritable = (path: string): string => `you may not write ${nearest(path)}`;

const troubles: Readonly<Record<string, (path: string) => string>> = {
  EEXIST: (path) => `${path} is a file`,
  ENOTDIR: (path) => `a file stands in the way of ${path}`,
  ENOENT: (path) => `nothing can be made in ${dirname(path)}`,
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: (path) => `the disk of ${nearest(path)} can only be read`,
};
