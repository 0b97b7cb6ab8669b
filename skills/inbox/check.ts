import type { CheckDefinition, ObservationInput } from "watchkeeper";
import { setImmediate as nextTurn } from "node:timers/promises";
import { identifyMessage } from "./identity.ts";
import type { Mailbox, StoredMessage } from "./mailbox.ts";
import { parseMessage } from "./message.ts";
import { excerptLength, observeMessage, observeUnreadable } from "./observation.ts";

/** The check of one account: every message that came becomes one observation. */
export function mailboxCheck(mailbox: Mailbox, every: string): CheckDefinition {
  return {
    every,
    timeout: "60s",
    async observe({ cursor, signal, now }) {
      const observations: ObservationInput[] = [];
      const unreadable: string[] = [];
      const addUnreadable = (observation: ObservationInput) => {
        observations.push(observation);
        unreadable.push(observation.title);
      };
      const { cursor: next, notes } = await mailbox.look({
        cursor: cursor ?? null,
        now,
        signal,
        onMessage: async (stored) => {
          const observation = await observeStored(stored, now);
          if (observation.parsed) observations.push(observation.input);
          else addUnreadable(observation.input);
          // Between two messages the rest of the daemon has its turn.
          await nextTurn();
        },
        onUnreadable: (message) => addUnreadable(observeUnreadable(message, now)),
      });
      return {
        observations: withoutRepeats(observations),
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
): Promise<{ parsed: boolean; input: ObservationInput }> {
  try {
    return {
      parsed: true,
      input: observeMessage(await parseMessage(stored, excerptLength), stored, now),
    };
  } catch (error) {
    const { place, arrivedAt, size } = stored;
    const { key } = identifyMessage(stored.source, size);
    const reason = error instanceof Error ? error.message : String(error);
    return {
      parsed: false,
      input: observeUnreadable({ place, arrivedAt, reason, key, size }, now),
    };
  }
}

// The same message delivered twice, such as directly and through a list, is one thing.
function withoutRepeats(observations: readonly ObservationInput[]): ObservationInput[] {
  return [...new Map(observations.map((observation) => [observation.key, observation])).values()];
}
