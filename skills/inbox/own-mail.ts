import type { SkillLog } from "watchkeeper";
import type { Message } from "./message.ts";
import { looksLikeOurs } from "./outgoing.ts";
import type { SentContext, SentFolder } from "./sent-folder.ts";

/**
 * Mail that this daemon sent, met again in a mailbox that it watches: written to the owner's own
 * address, or because the folder holds sent mail too. It is no news.
 *
 * A stranger can write any From and any Message-ID, and whoever got a mail of ours knows one that we
 * made. So neither hides a message. It is ours only when the account's folder of sent mail, where no
 * stranger can write, holds the same message by its key: same Message-ID and same content.
 * Where there is no such folder, or it cannot be asked, the message is looked at like any other.
 */
export interface OwnMail {
  /** Whether it is worth asking: it says that it is from us. */
  mayBeOurs(message: Message): boolean;
  /** Of these keys, those that are ours. Never throws. */
  confirm(keys: readonly string[], context: SentContext): Promise<ReadonlySet<string>>;
}

/** Forged messages must not make a look long: more of them than this are taken as they come. */
const mostAsked = 20;
const askingMs = 10_000;

export function ownMail(address: string, sent: SentFolder, log: SkillLog): OwnMail {
  const own = address.toLowerCase();
  return {
    mayBeOurs: ({ from, messageId }) =>
      from?.address.toLowerCase() === own && looksLikeOurs(messageId, own),
    async confirm(keys, { signal, now }) {
      if (keys.length === 0) return new Set();
      const limited = AbortSignal.any([signal, AbortSignal.timeout(askingMs)]);
      try {
        const found = await sent.find(keys.slice(0, mostAsked), { signal: limited, now });
        return found ?? new Set();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        log.warn("could not look for our own mail in the folder of sent mail", { reason });
        return new Set();
      }
    },
  };
}
