/**
 * When the store itself cannot be written, nothing that the daemon knows of reaches the owner by the usual way:
 * every message is saved before it is sent. So this one trouble is told past the store.
 */

/** Under this name stands the finding that says when nothing could be saved. */
export const storeCheck = "watchkeeper/store";

/** A moment of it, as when a command holds the file for long, is nothing to tell. */
const patienceMs = 60_000;
/** So long without an error it is over: small things may still find room on a full disk. */
const calmMs = 60_000;

export interface StoreTrouble {
  readonly since: number;
  readonly lastAt: number;
  /** The last error with its mend, in one line. */
  readonly error: string;
  /** Whether the owner has been told. */
  readonly isTold: boolean;
}

export function troubleAfter(
  trouble: StoreTrouble | null,
  { error, now }: { readonly error: string; readonly now: number },
): StoreTrouble {
  const before = trouble && settledIn(trouble, now);
  return { since: before?.since ?? now, lastAt: now, error, isTold: before?.isTold ?? false };
}

/** A clock that was set back must not prolong it. */
export const settledIn = (trouble: StoreTrouble, now: number): StoreTrouble => ({
  ...trouble,
  since: Math.min(trouble.since, now),
  lastAt: Math.min(trouble.lastAt, now),
});

/** What is to be done of it after a turn of the heartbeat. */
export function decideTrouble(trouble: StoreTrouble, now: number): "tell" | "wait" | "over" {
  const { since, lastAt, isTold } = settledIn(trouble, now);
  if (now - lastAt >= calmMs) return "over";
  return !isTold && now - since >= patienceMs ? "tell" : "wait";
}
