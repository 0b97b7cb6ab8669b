import { z } from "watchkeeper";
import { memoryOf } from "./conversations.ts";

/** The bookmark of an account: those of its folders, and what was told of late. */
const accountCursor = z.object({
  version: z.literal(2),
  /** By the folder's name, each as its mailbox made it. */
  folders: z.record(z.string(), z.unknown()),
  /** Looks in a row that failed, by the folder's name. */
  failures: z.record(z.string(), z.number()),
  /** The newest messages that were told, oldest first: a server that renumbers shows them again. */
  told: z.array(z.string()),
  /** What waits for an answer, and the bookmark of the folder of sent mail. */
  waiting: z.object({ sent: z.unknown(), state: z.unknown() }).optional(),
});
export type AccountCursor = z.output<typeof accountCursor>;

/** A renumbering shows the mail of a day again. */
const mostTold = 2_000;

/**
 * @param firstFolder whose bookmark it was before accounts had several folders
 */
export function readCursor(saved: unknown, firstFolder: string): AccountCursor {
  const parsed = accountCursor.safeParse(saved);
  if (parsed.success) return parsed.data;
  const folders = saved === null || saved === undefined ? {} : { [firstFolder]: saved };
  return { version: 2, folders, failures: {}, told: [] };
}

export function remember(told: readonly string[], keys: readonly string[]): string[] {
  const known = new Set(told);
  const fresh = keys.map(memoryOf).filter((memory) => !known.has(memory));
  return [...told, ...fresh].slice(-mostTold);
}
