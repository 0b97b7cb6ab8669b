import { AdapterError } from "watchkeeper";

/** The account's own folder of sent mail: nobody but the owner and their programs can write there. */
export interface SentFolder {
  /**
   * Which of these messages it holds. Changes nothing.
   * @param ids Message-IDs, or keys of messages
   * @returns undefined when the account has no such folder
   * @throws AdapterError when the mailbox cannot be used
   */
  find(ids: readonly string[], context: SentContext): Promise<ReadonlySet<string> | undefined>;
  /**
   * Puts a copy there, unless one is there already: many servers keep one themselves.
   * @returns false when the account has no such folder
   * @throws AdapterError when the mailbox cannot be used
   */
  keep(copy: SentCopy, context: SentContext): Promise<boolean>;
}

export interface SentContext {
  readonly signal: AbortSignal;
  readonly now: Date;
}

export interface SentCopy {
  /** Without angle brackets. */
  readonly messageId: string;
  readonly raw: Buffer;
}

/** Says why a copy could not be kept; whoever keeps it only writes it to the log. */
export function notKept(reason: string, cause?: unknown): AdapterError {
  return new AdapterError("SENT_COPY_NOT_KEPT", `the copy was not kept: ${reason}`, { cause });
}
