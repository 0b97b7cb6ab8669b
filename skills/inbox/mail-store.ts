import type { StoredMessage } from "./mailbox.ts";

/** The port behind which an account's folders are searched and changed, over IMAP or in a Maildir. */

export interface MailContext {
  readonly signal: AbortSignal;
  readonly now: Date;
}

/** For what changes something: whether the world may have been touched when it throws. */
export interface ChangeContext extends MailContext {
  /** Called right before the first command that changes anything. */
  readonly onBegin: () => void;
}

export interface FoundMessage {
  readonly stored: StoredMessage;
  /** The folder's name as the account's config or its server has it. */
  readonly folder: string;
}

export interface MailQuery {
  /** Somewhere in the message. */
  readonly query: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly since: Date | undefined;
  readonly limit: number;
}

/** What can be marked on a message: that it was seen or answered, or an IMAP keyword. */
export type Mark =
  { readonly kind: "seen" | "answered" } | { readonly kind: "label"; readonly label: string };

export interface MarkResult {
  readonly folder: string;
  /** False when the message was so already. */
  readonly changed: boolean;
}

export interface MoveResult {
  readonly from: string;
  readonly to: string;
}

export interface MailStore {
  /** Finds a message by its key or Message-ID in the watched folders and the archive. Changes nothing. */
  find(id: string, context: MailContext): Promise<FoundMessage | undefined>;
  /** The newest messages that fit, newest first. Changes nothing, and looks at a bounded number. */
  search(query: MailQuery, context: MailContext): Promise<FoundMessage[]>;
  /** @returns undefined when there is no such message */
  mark(
    id: string,
    mark: Mark,
    on: boolean,
    context: ChangeContext,
  ): Promise<MarkResult | undefined>;
  /** @returns whether the message has the mark; undefined when there is no such message */
  isMarked(
    id: string,
    mark: Mark,
    context: MailContext,
  ): Promise<{ folder: string; marked: boolean } | undefined>;
  /**
   * Moves a message from a watched folder into the archive, which is made when there is none.
   * @returns where it was and is; `from` and `to` are the same when it is there already; undefined when
   *   there is no such message
   */
  archive(id: string, context: ChangeContext): Promise<MoveResult | undefined>;
  /** Moves it back. @returns false when it is no longer where it was moved to */
  moveBack(id: string, move: MoveResult, context: ChangeContext): Promise<boolean>;
  /** Puts a draft into the folder for drafts, which is made when there is none. @returns the folder */
  addDraft(raw: Buffer, context: ChangeContext): Promise<string>;
  /** @param id Message-ID or key. @returns the draft's key and folder, or undefined */
  findDraft(
    id: string,
    context: MailContext,
  ): Promise<{ readonly id: string; readonly folder: string } | undefined>;
  /** Takes away a draft that is as it was written. @returns false when there is no such draft */
  removeDraft(key: string, context: ChangeContext): Promise<boolean>;
}
