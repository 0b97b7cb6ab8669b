import type { CheckDefinition, ObservationInput } from "watchkeeper";
import { setImmediate as nextTurn } from "node:timers/promises";
import { identifyMessage } from "./identity.ts";
import type { Mailbox, StoredMessage } from "./mailbox.ts";
import { type Message, parseMessage } from "./message.ts";
import { excerptLength, observeMessage, observeUnreadable } from "./observation.ts";
import type { OwnMail } from "./own-mail.ts";

/** The check of one account: every message that came becomes one observation, but for our own. */
export function mailboxCheck(mailbox: Mailbox, every: string, own?: OwnMail): CheckDefinition {
  return {
    every,
    timeout: "60s",
    async observe({ cursor, signal, now }) {
      const observations: ObservationInput[] = [];
      const unreadable: string[] = [];
      const perhapsOurs: string[] = [];
      const addUnreadable = (observation: ObservationInput) => {
        observations.push(observation);
        unreadable.push(observation.title);
      };
      const { cursor: next, notes } = await mailbox.look({
        cursor: cursor ?? null,
        now,
        signal,
        onMessage: async (stored) => {
          const { input, message } = await observeStored(stored, now);
          if (message === undefined) addUnreadable(input);
          else observations.push(input);
          if (message !== undefined && own?.mayBeOurs(message)) perhapsOurs.push(message.key);
          // Between two messages the rest of the daemon has its turn.
          await nextTurn();
        },
        onUnreadable: (message) => addUnreadable(observeUnreadable(message, now)),
      });
      const ours = (await own?.confirm(perhapsOurs, { signal, now })) ?? new Set();
      return {
        observations: withoutRepeats(observations.filter(({ key }) => !ours.has(key))),
        ...(next === undefined ? {} : { cursor: next }),
        notes: [...notes, ...unreadable.slice(0, mostNotes)],
      };
    },
  };
}

const mostNotes = 20;

async function observeStored(
  stored: StoredMessage,
  now: Date,
): Promise<{ input: ObservationInput; message?: Message }> {
  try {
    const message = await parseMessage(stored, excerptLength);
    return { message, input: observeMessage(message, stored, now) };
  } catch (error) {
    const { place, arrivedAt, size } = stored;
    const { key } = identifyMessage(stored.source, size);
    const reason = error instanceof Error ? error.message : String(error);
    return {
      input: observeUnreadable({ place, arrivedAt, reason, key, size }, now),
    };
  }
}

// The same message delivered twice, such as directly and through a list, is one thing.
function withoutRepeats(observations: readonly ObservationInput[]): ObservationInput[] {
  return [...new Map(observations.map((observation) => [observation.key, observation])).values()];
}
