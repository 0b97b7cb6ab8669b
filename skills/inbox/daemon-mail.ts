import type { NotificationMail } from "watchkeeper";
import { ownMessages } from "./accounts.ts";
import type { StoredMessage } from "./mailbox.ts";
import type { ParsedMessage } from "./message.ts";
import { looksSentByAgent } from "./outgoing.ts";
import { provenSender } from "./proven-sender.ts";
import { receivedMail } from "./received-mail.ts";

/** Mail that is the daemon's affair: what it sent to its owner, and the owner's word in answer to it. */

/** What a look met of it. */
export interface ForDaemon {
  notifications: number;
  /** What became of replies, one line each. */
  readonly answers: string[];
}

/**
 * Whether a message is no news to anybody. A reply is taken here and now.
 * @throws when it could not be taken: the look must then fail, so that the message is met again
 */
export async function isForDaemon(
  parsed: ParsedMessage,
  { source }: StoredMessage,
  account: {
    readonly notificationMail: NotificationMail;
    readonly authservId: string | undefined;
  },
  met: ForDaemon,
): Promise<boolean> {
  const { notificationMail, authservId } = account;
  const received = receivedMail(parsed, provenSender(source, authservId));
  if (notificationMail.isOurs(received)) {
    met.notifications += 1;
    return true;
  }
  // It comes from the owner's address too, and is no word of theirs.
  if (looksSentByAgent(received.messageId)) return false;
  const answer = await notificationMail.takeAnswer(received);
  if (answer === undefined) return false;
  met.answers.push(answer.note);
  return answer.taken;
}

export const notesOf = ({ notifications, answers }: ForDaemon): string[] => [
  ...answers,
  ...(notifications > 0 ? [`${ownMessages(notifications)} left alone`] : []),
];
