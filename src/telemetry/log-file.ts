import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describeError, isMissing } from "../domain/errors.ts";
import type { LogDestination } from "./log.ts";

/**
 * The log on the disk: `logs/watchkeeper.log` in the state directory and the files before it, `.1` the newest of
 * them. Each line is appended at once, so that a killed process has said what it said.
 */

const olderFiles = 3;
const largestFileBytes = 2_000_000;

export const logFile = (stateDir: string): string => join(stateDir, "logs", "watchkeeper.log");

/** The files of the log, those that may not be there included, the oldest first. */
export const logFiles = (stateDir: string): string[] => [
  ...Array.from({ length: olderFiles }, (_, index) => olderFile(stateDir, olderFiles - index)),
  logFile(stateDir),
];

const olderFile = (stateDir: string, age: number): string => `${logFile(stateDir)}.${age}`;

export interface LogFileOptions {
  readonly stateDir: string;
  /** Told once when lines cannot be kept any more, and once when they can again. Must not throw. */
  readonly told: (level: "error" | "info", what: string, fields: object) => void;
  /** Told of the folder and each file that had to be made. May throw: the file is then not written. */
  readonly made?: (path: string) => void;
  /** Default 2 MB. */
  readonly largestBytes?: number;
}

/** Opened for each line: whoever moves, empties or deletes the file meanwhile does no harm. Never throws. */
export function openLogFile({
  stateDir,
  told,
  made = () => undefined,
  largestBytes = largestFileBytes,
}: LogFileOptions): LogDestination {
  const file = logFile(stateDir);
  let missed = 0;
  return {
    write(line) {
      try {
        append(missed > 0 ? missedLine(missed) + line : line);
      } catch (error) {
        missed += 1;
        if (missed > 1) return;
        told("error", "the log file cannot be written", { file, error: describeError(error) });
        return;
      }
      if (missed > 0) told("info", "the log file is written again", { file, missed });
      missed = 0;
    },
  };

  function append(text: string): void {
    const bytes = Buffer.from(text);
    if (addTo(bytes)) return;
    makeRoom();
    addTo(bytes);
  }

  /** @returns false when there is no room for it in the file */
  function addTo(bytes: Buffer): boolean {
    const descriptor = openForAppending(file, made);
    try {
      const { size } = fstatSync(descriptor);
      if (size > 0 && size + bytes.length > largestBytes) return false;
      if (size > 0 && !endsWithLine(descriptor, size)) writeSync(descriptor, "\n");
      for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
      return true;
    } finally {
      closeSync(descriptor);
    }
  }

  function makeRoom(): void {
    for (let age = olderFiles; age > 1; age -= 1) {
      renameIfThere(olderFile(stateDir, age - 1), olderFile(stateDir, age));
    }
    renameIfThere(file, olderFile(stateDir, 1));
  }
}

function openForAppending(file: string, made: (path: string) => void): number {
  try {
    return openSync(file, constants.O_RDWR | constants.O_APPEND);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (mkdirSync(dirname(file), { recursive: true, mode: 0o700 })) made(dirname(file));
  const descriptor = openSync(file, "a+", 0o600);
  try {
    made(file);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** A write that a full disk or a power cut has cut off leaves half a line, which must not spoil the next one. */
function endsWithLine(descriptor: number, size: number): boolean {
  const last = Buffer.alloc(1);
  readSync(descriptor, last, 0, 1, size - 1);
  return last.toString() === "\n";
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

const missedLine = (count: number): string =>
  `${JSON.stringify({
    level: "error",
    time: new Date().toISOString(),
    missed: count,
    msg: "lines are missing here: the log file could not be written",
  })}\n`;
