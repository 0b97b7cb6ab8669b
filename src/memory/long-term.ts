import { createHash } from "node:crypto";
import { open, realpath, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ToolError, isMissing } from "../domain/errors.ts";
import { applyDiff, editLines, invertDiff } from "../domain/line-diff.ts";
import { oneLine } from "../domain/plain-text.ts";
import { largestBytes, longTermMemoryFile } from "./owner-file.ts";

/** Changing `MEMORY.md`: only as it was shown to the owner, whole or not at all. */

/** A change to the file as it was at one moment. */
export interface MemoryChange {
  /** Names the very bytes that it is made for. */
  readonly base: string;
  /** Lines of a unified diff. */
  readonly diff: readonly string[];
}

export const longestLine = 300;
export const mostLines = 20;

/** Beyond what is read into prompts; a file of another kind. */
const largestReadBytes = 64 * 1024;

const lineFeed = "\n";
const hashOf = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 16);

/**
 * @returns what adding and removing these lines does to the file as it is now
 * @throws ToolError when that is nothing, or cannot be
 */
export async function planMemoryChange(
  stateDir: string,
  { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Promise<MemoryChange> {
  const { text } = await readMemory(stateDir);
  const lines = text.split(lineFeed);
  const removed = new Set<number>();
  for (const wanted of remove) {
    const index = lines.findIndex((line, at) => !removed.has(at) && line.trim() === wanted);
    if (index < 0) {
      throw new ToolError("MEMORY_LINE_UNKNOWN", `MEMORY.md has no line "${wanted}"`, {
        hint: "Name a line to be removed as it stands there, whole",
      });
    }
    removed.add(index);
  }
  const kept = new Set(lines.filter((_, index) => !removed.has(index)).map((line) => line.trim()));
  const added = [...new Set(add)].filter((line) => !kept.has(line));
  if (added.length + removed.size === 0) {
    throw new ToolError("MEMORY_UNCHANGED", "MEMORY.md says all of that already");
  }
  const diff = editLines(lines, { remove: removed, add: added });
  fitting(text, changed(text, diff));
  return { base: hashOf(text), diff };
}

export interface ChangedMemory extends MemoryChange {
  /** Names the bytes that the file has since. */
  readonly became: string;
  /** There was no file before. */
  readonly created: boolean;
}

/**
 * Writes the file beside, and puts it in the place of the old one. The same change again does nothing.
 * @throws ToolError when the file is not the one that the change was made for; nothing is written then
 */
export async function changeMemory(stateDir: string, change: MemoryChange): Promise<ChangedMemory> {
  const file = await readMemory(stateDir);
  const { base, diff } = change;
  if (hashOf(file.text) !== base) {
    const before = applyDiff(file.text.split(lineFeed), invertDiff(diff))?.join(lineFeed);
    if (before === undefined || hashOf(before) !== base) throw changedMeanwhile();
    return { base, diff, became: hashOf(file.text), created: before === "" };
  }
  const text = fitting(file.text, changed(file.text, diff));
  await replace(file, text);
  return { base, diff, became: hashOf(text), created: file.mode === undefined };
}

/** @throws ToolError when the file has changed since */
export async function undoMemoryChange(stateDir: string, done: ChangedMemory): Promise<void> {
  const file = await readMemory(stateDir);
  const hash = hashOf(file.text);
  // A process that was killed in the middle may have done it.
  if (hash === done.base) return;
  if (hash !== done.became) throw changedMeanwhile();
  const before = changed(file.text, invertDiff(done.diff));
  if (before === "" && done.created) await written(() => unlink(file.path));
  else await replace(file, before);
}

const changedMeanwhile = () =>
  new ToolError("MEMORY_CHANGED", "MEMORY.md has changed in the meantime; nothing was written", {
    hint: "Look at it; what still matters is proposed or taken back by hand",
  });

function changed(text: string, diff: readonly string[]): string {
  const lines = applyDiff(text.split(lineFeed), diff);
  if (lines) return lines.join(lineFeed);
  throw new ToolError("MEMORY_DIFF_INVALID", "the diff does not fit MEMORY.md", {
    hint: "Change only what follows a + in it",
  });
}

/** What is longer would be cut in every prompt; one that the owner has let grow may shrink. */
function fitting(before: string, after: string): string {
  const bytes = Buffer.byteLength(after);
  if (bytes <= largestBytes || bytes < Buffer.byteLength(before)) return after;
  throw new ToolError("MEMORY_FULL", `MEMORY.md would have ${bytes} bytes; 8 KB are read`, {
    hint: "Propose lines to be removed as well",
  });
}

interface MemoryFile {
  /** Where it really is: a link stays a link. */
  readonly path: string;
  readonly text: string;
  /** Undefined when there is none yet. */
  readonly mode: number | undefined;
}

async function readMemory(stateDir: string): Promise<MemoryFile> {
  const named = join(stateDir, longTermMemoryFile);
  try {
    const path = await realpath(named);
    await using file = await open(path, "r");
    const { mode, size } = await file.stat();
    if (size > largestReadBytes) {
      throw new ToolError("MEMORY_TOO_LARGE", `MEMORY.md has ${size} bytes`, {
        hint: "Shorten it by hand: 8 KB are read",
      });
    }
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      await file.readFile(),
    );
    return { path, text, mode: mode & 0o777 };
  } catch (error) {
    if (isMissing(error)) return { path: named, text: "", mode: undefined };
    if (error instanceof ToolError) throw error;
    throw new ToolError("MEMORY_UNREADABLE", "MEMORY.md cannot be read", { cause: error });
  }
}

async function replace({ path, mode = 0o600 }: MemoryFile, text: string): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.part`);
  await written(async () => {
    {
      await using file = await open(beside, "w", mode);
      // Whatever the process's mask takes away.
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    }
    await rename(beside, path);
  }, beside);
  // The name too: a power cut must not bring the old file back after its outcome is on record.
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}

/** What fails before the rename has changed nothing. */
async function written(work: () => Promise<void>, beside?: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (beside !== undefined) await unlink(beside).catch(() => undefined);
    throw new ToolError("MEMORY_NOT_WRITTEN", "MEMORY.md could not be written", {
      cause: error,
      hint: "Nothing was changed; see that there is room and that the file may be written",
    });
  }
}

/** Whether it can be one line of the file: what is seen is what stands there. */
export const isPlainLine = (line: string): boolean =>
  line !== "" && line.length <= longestLine && oneLine(line, longestLine) === line;
