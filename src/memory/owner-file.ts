import { open } from "node:fs/promises";
import { join } from "node:path";

/** The files that the owner writes in the state directory; read afresh at each run. */

export const standingOrdersFile = "HEARTBEAT.md";
export const longTermMemoryFile = "MEMORY.md";

const largestBytes = 8 * 1024;

/**
 * @returns its text, cut at 8 KB with a line that says so; empty when there is none or it cannot be read.
 */
export async function readOwnerFile(stateDir: string, name: string): Promise<string> {
  try {
    await using file = await open(join(stateDir, name), "r");
    const buffer = Buffer.alloc(largestBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.subarray(0, Math.min(bytesRead, largestBytes)).toString("utf8");
    if (bytesRead <= largestBytes) return text.trim();
    // The cut may have halved a character.
    return `${text.replace(/\uFFFD$/, "").trim()}\n(cut: ${name} is longer than 8 KB)`;
  } catch {
    return "";
  }
}
