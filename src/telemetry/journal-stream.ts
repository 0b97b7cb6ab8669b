import { fstatSync } from "node:fs";
import type { LogDestination } from "./log.ts";
import { levelOf } from "./log-line.ts";

/** The severities of syslog, which journald reads from a prefix and takes away. */
const severities: Record<string, number> = { debug: 7, info: 6, warn: 4, error: 3 };

/** Prefixes lines so that `journalctl -p warning` finds what is a warning. */
export const withSeverity = ({ write }: LogDestination): LogDestination => ({
  write(line) {
    write(`<${severities[levelOf(line) ?? "info"] ?? severities.info}>${line}`);
  },
});

/**
 * Whether the stream is the journal itself, and not a file or a pipe that inherited its name.
 * @param journalStream `JOURNAL_STREAM` of the environment: device and inode
 */
export function isJournal(journalStream: string | undefined, descriptor: number): boolean {
  if (!journalStream) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return journalStream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
