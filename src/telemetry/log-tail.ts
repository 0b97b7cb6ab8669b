import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { isMissing } from "../domain/errors.ts";
import { logFiles } from "./log-file.ts";

/** Reads the log while it is written, over rotation and restarts, and whatever somebody does to its files. */

export interface LogTail extends Disposable {
  /** Whether there is a file of the log at all. */
  exists(): boolean;
  /** The whole lines that came since the last call, in order; at the first call all that there are. */
  read(): string[];
}

/** The file that is read at present; held open, so that it is known again under another name. */
interface HeldFile {
  readonly descriptor: number;
  readonly inode: bigint;
  /** How far it has been read. */
  offset: number;
  /** The beginning of a line whose end has not come yet. */
  rest: Buffer;
}

/** Of a file that somebody has filled with other things, only the end is read. */
const mostBytes = 16_000_000;
/** What is longer than this without a line feed is no line of ours. */
const longestRest = 1_000_000;
const chunkBytes = 256 * 1024;

/** @throws Error when a file of the log is there and cannot be read */
export function openLogTail(stateDir: string): LogTail {
  const paths = logFiles(stateDir);
  let held: HeldFile | undefined;

  const present = () => paths.flatMap((path) => presentFile(path) ?? []);

  /** What was written after the file that is held; when that was deleted, its time tells. */
  function newerThanHeld(files: readonly PresentFile[]): readonly PresentFile[] {
    if (!held) return files;
    const { descriptor, inode } = held;
    const known = files.findIndex((file) => file.inode === inode);
    if (known >= 0) return files.slice(known + 1);
    const { mtimeNs } = fstatSync(descriptor, { bigint: true });
    return files.filter((file) => file.changedNs > mtimeNs);
  }

  function release(): void {
    if (held) closeSync(held.descriptor);
    held = undefined;
  }

  return {
    exists: () => present().length > 0,
    read() {
      // The names first: what is no longer the newest by then is complete.
      const files = present();
      const lines = held ? linesOf(held) : [];
      for (const { path, inode } of newerThanHeld(files)) {
        const next = openFile(path);
        if (next?.inode !== inode) {
          // Renamed since its name was read: it is found again at the next call.
          if (next) closeSync(next.descriptor);
          break;
        }
        release();
        held = next;
        lines.push(...linesOf(held));
      }
      return lines;
    },
    [Symbol.dispose]: release,
  };
}

function linesOf(file: HeldFile): string[] {
  const { size } = fstatSync(file.descriptor);
  if (size < file.offset) Object.assign(file, { offset: 0, rest: Buffer.alloc(0) });
  if (size - file.offset > mostBytes) {
    Object.assign(file, { offset: size - mostBytes, rest: Buffer.alloc(0) });
  }
  const lines: string[] = [];
  const chunk = Buffer.alloc(Math.min(chunkBytes, Math.max(1, size - file.offset)));
  for (;;) {
    const count = readSync(file.descriptor, chunk, 0, chunk.length, file.offset);
    if (count === 0) return lines;
    file.offset += count;
    let bytes = Buffer.concat([file.rest, chunk.subarray(0, count)]);
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      lines.push(bytes.toString("utf8", 0, end));
      bytes = bytes.subarray(end + 1);
    }
    file.rest = bytes.length > longestRest ? Buffer.alloc(0) : Buffer.from(bytes);
  }
}

function openFile(path: string): HeldFile | undefined {
  try {
    const descriptor = openSync(path, "r");
    const { ino: inode } = fstatSync(descriptor, { bigint: true });
    return { descriptor, inode, offset: 0, rest: Buffer.alloc(0) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

interface PresentFile {
  readonly path: string;
  readonly inode: bigint;
  readonly changedNs: bigint;
}

function presentFile(path: string): PresentFile | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (found?.isFile() !== true) return undefined;
  return { path, inode: found.ino, changedNs: found.mtimeNs };
}
