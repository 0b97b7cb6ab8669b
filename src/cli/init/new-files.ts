import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { WatchkeeperError } from "../../domain/errors.ts";
import { folderCause, makeFolder } from "../../store/index.ts";

export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** Text for the end of a file that is there. */
export interface Addition {
  readonly path: string;
  readonly text: string;
  /** Bytes of the file as it was when the text was made. */
  readonly size: number;
}

export interface Outcome {
  readonly path: string;
  /** False: it was there, and was left as it is. */
  readonly written: boolean;
}

/**
 * Writes new files, all of them or none; never over one that is there, not even one that has come in the
 * meantime. Nothing is seen half written, whenever the process ends.
 * @throws WatchkeeperError when one cannot be written: what was made before it is taken away
 */
export function writeAllNew(
  files: readonly NewFile[],
  addition: Addition | undefined,
): readonly Outcome[] {
  const drafts = new Map<string, string>();
  const undo: (() => void)[] = [];
  let path = "";
  try {
    for (const file of files) {
      ({ path } = file);
      if (existsSync(path)) continue;
      makeFolder(dirname(path), 0o777);
      const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
      drafts.set(path, draft);
      writeDraft(draft, file);
    }
    if (addition !== undefined) {
      ({ path } = addition);
      append(addition, undo);
    }
    return files.map((file) => {
      ({ path } = file);
      const draft = drafts.get(path);
      const written = draft !== undefined && putInPlace(draft, path);
      if (written) undo.push(() => rmSync(file.path, { force: true }));
      return { path, written };
    });
  } catch (cause) {
    for (const step of undo.reverse()) step();
    throw notWritten(path, cause);
  } finally {
    for (const draft of drafts.values()) rmSync(draft, { force: true });
  }
}

/** What keeps `init` from writing a file, or into a folder. */
export const notWritten = (path: string, cause: unknown): WatchkeeperError =>
  new WatchkeeperError("INIT_FAILED", `cannot write ${path}`, {
    cause: folderCause(cause, path),
    hint: "Call `watchkeeper init` in a folder that you may write",
  });

function writeDraft(draft: string, { text, mode }: NewFile): void {
  const file = openSync(draft, "wx", mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** @returns false when something has that name already */
function putInPlace(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
  }
  // Not every file system knows links.
  try {
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function append({ path, text, size }: Addition, undo: (() => void)[]): void {
  const file = openSync(path, "a");
  undo.push(() => truncateSync(path, size));
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
