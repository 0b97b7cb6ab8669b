/** The port that both kinds of mailbox, IMAP and Maildir, stand behind. */

/** A message as its mailbox gave it. */
export interface StoredMessage {
  /** The first bytes, at most {@link sourceLimit}. */
  readonly source: Uint8Array;
  /** The size of the whole message in bytes. */
  readonly size: number;
  /** Milliseconds since the epoch at which the mailbox received it. */
  readonly arrivedAt: number;
  /** Where it is in its mailbox, for queries and logs. */
  readonly place: MessagePlace;
}

export type MessagePlace =
  { readonly uid: number; readonly uidValidity: string } | { readonly file: string };

/** A message that the mailbox has and cannot hand out. */
export interface UnreadableMessage {
  readonly place: MessagePlace;
  readonly arrivedAt: number;
  readonly reason: string;
}

export interface LookInput {
  /** What the last look returned, or null at the first. */
  readonly cursor: unknown;
  /** Messages handed out at most. */
  readonly most: number;
  readonly now: Date;
  readonly signal: AbortSignal;
  /** Called for each new message, oldest first; must not throw. */
  readonly onMessage: (message: StoredMessage) => Promise<void>;
  /** Called instead when a message cannot be had; must not throw. */
  readonly onUnreadable: (message: UnreadableMessage) => void;
}

export interface LookResult {
  /** Undefined when the last one still holds. */
  readonly cursor: unknown;
  readonly notes: string[];
}

export interface Mailbox {
  /**
   * Hands out what came since the cursor, a bounded number at a time; the rest comes with the next
   * look. Changes nothing in the mailbox.
   * @throws AdapterError when the mailbox cannot be used
   */
  look(input: LookInput): Promise<LookResult>;
  /**
   * Finds a message by its key or Message-ID. Changes nothing in the mailbox.
   * @returns undefined when there is no such message
   * @throws AdapterError when the mailbox cannot be used
   */
  find(id: string, context: { signal: AbortSignal; now: Date }): Promise<StoredMessage | undefined>;
}

/** No more of a message than this is ever fetched or read. */
export const sourceLimit = 512 * 1024;
/** A look that has gone on for so long saves what it has and leaves the rest to the next. */
export const lookBudgetMs = 30_000;
