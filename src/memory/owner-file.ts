import { open } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../domain/errors.ts";

/** The files that the owner writes in the state directory; read afresh at each run. */

export const standingOrdersFile = "HEARTBEAT.md";
export const longTermMemoryFile = "MEMORY.md";

/** What goes into each prompt at most. */
export const largestBytes = 8 * 1024;

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
    await using file = await open(join(stateDir, name), "r");
    const buffer = Buffer.alloc(largestBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.subarray(0, Math.min(bytesRead, largestBytes)).toString("utf8");
    if (bytesRead <= largestBytes) return text.trim();
    // The cut may have halved a character.
    return `${text.replace(/\uFFFD$/, "").trim()}\n(cut: ${name} is longer than 8 KB)`;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) {
      warn(`${name} cannot be read: ${describeError(error)}`);
    }
    return "";
  }
}
