/** What a skill that reads mail may ask the daemon about the mail that the daemon sends to its owner. */

/** One mail as it was received. What a skill says of it is taken at its word; it grants nothing by itself. */
export interface ReceivedMail {
  /** Without angle brackets, as all ids here; empty when there is none. */
  readonly messageId: string;
  /** Message-IDs of `In-Reply-To`. */
  readonly inReplyTo: readonly string[];
  /** Message-IDs of `References`. */
  readonly references: readonly string[];
  readonly subject: string;
  /** All of its plain text, uncut and with what it quotes; of a mail that is only HTML, what that says. */
  readonly text: string;
  /** True when `text` is all there is: no HTML beside it, no attachment. */
  readonly isPlain: boolean;
  /** The value of its `X-Watchkeeper-Signature` header. */
  readonly signature: string | undefined;
  /**
   * Its From address in small letters, only when the receiving server's own word proves it, such as by aligned
   * Authentication-Results (RFC 8601); undefined when there is any doubt.
   */
  readonly provenSender: string | undefined;
  /** Written by a machine (RFC 3834), a bounce, or sent through a list. */
  readonly isAutomatic: boolean;
}

export interface TakenAnswer {
  /** True when it was the owner's word, and is no news to anybody; else it is a mail like any other. */
  readonly taken: boolean;
  /** One line for the beat's receipt. */
  readonly note: string;
}

/** The core decides: asking grants nothing, and nothing that a mail says can. */
export interface NotificationMail {
  /**
   * Whether it is a mail that the daemon sent, with not a word changed. It is then no observation, and nothing
   * that tools may hand out.
   */
  isOurs(
    mail: Pick<ReceivedMail, "messageId" | "subject" | "text" | "isPlain" | "signature">,
  ): boolean;
  /**
   * Takes the owner's reply to a question. To be called for each mail of a look before its cursor is returned, so
   * that a mail that a kill hid is met again; the same mail twice does no more than once.
   * @returns undefined for a mail that bears no token
   */
  takeAnswer(mail: ReceivedMail): Promise<TakenAnswer | undefined>;
}

/** For commands that only look at skills. */
export const noNotificationMail: NotificationMail = {
  isOurs: () => false,
  takeAnswer: () => Promise.resolve(undefined),
};
