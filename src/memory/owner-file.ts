import { constants, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describeError, isMissing } from "../domain/errors.ts";

/** The files that the owner writes in the state directory; read afresh at each run. */

export const standingOrdersFile = "HEARTBEAT.md";
export const longTermMemoryFile = "MEMORY.md";

/** What goes into each prompt at most. */
export const largestBytes = 8 * 1024;

export interface OwnerText {
  readonly text: string;
  /** There is more of it than is read. */
  readonly isCut: boolean;
}

/**
 * @param warn told when the file is there and cannot be read: the run goes on without it
 * @returns its text, cut at 8 KB with a line that says so; empty when there is none.
 */
export async function readOwnerFile(
  stateDir: string,
  name: string,
  warn: (message: string) => void,
): Promise<string> {
  try {
    const { text, isCut } = await readOwnerText(stateDir, name);
    return isCut ? `${text}\n(cut: ${name} is longer than 8 KB)` : text;
  } catch (error) {
    warn(`${name} cannot be read: ${describeError(error)}`);
    return "";
  }
}

/**
 * Its first 8 KB; empty when there is no such file.
 * @throws when it is there and cannot be read
 */
export async function readOwnerText(stateDir: string, name: string): Promise<OwnerText> {
  try {
    // Without waiting: nobody may ever write into a pipe that lies in its place.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    await using file = await open(join(stateDir, name), flags);
    const buffer = Buffer.alloc(largestBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.subarray(0, Math.min(bytesRead, largestBytes)).toString("utf8");
    if (bytesRead <= largestBytes) return { text: text.trim(), isCut: false };
    // The cut may have halved a character.
    return { text: text.replace(/\uFFFD$/, "").trim(), isCut: true };
  } catch (error) {
    if (isMissing(error)) return { text: "", isCut: false };
    throw error;
  }
}

/** Another one whenever the file has changed. Takes microseconds: it is asked for at every beat. */
export function ownerFileMark(stateDir: string, name: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(join(stateDir, name));
    return [ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    return isMissing(error) ? "missing" : describeError(error);
  }
}
