import type { Clock } from "../domain/clock.ts";
import { describeError, type StoreError } from "../domain/errors.ts";
import {
  decideTrouble,
  settledIn,
  storeCheck,
  troubleAfter,
  type StoreTrouble,
} from "../domain/store-trouble.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import { attemptDelivery } from "../notify/attempt.ts";
import type { Channel, ConfiguredChannel } from "../notify/channel.ts";
import { noExtras, type Message } from "../notify/message.ts";
import type { Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";

/** Keeps account of a store that cannot be used, and tells the owner of it past the store. */

export interface StoreWatch {
  /** Told of each error of the store. */
  met(error: StoreError): void;
  /** After each turn of the heartbeat. Never rejects, and waits for no channel. */
  afterTurn(): Promise<void>;
  /** The store is lost, and the daemon ends. Resolves when that has been said. Never rejects. */
  tellEnd(error: StoreError): Promise<void>;
  /** Resolves when no message is under way any more. */
  ended(): Promise<void>;
}

export interface StoreWatchDependencies {
  readonly store: Pick<Store, "setOwnFinding" | "resolveOwnFinding">;
  readonly channels: readonly ConfiguredChannel[];
  /** Told when no other channel has taken it. */
  readonly lastResort: Channel;
  readonly timezone: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when what is under way must end. */
  readonly signal: AbortSignal;
}

export function watchStore({
  store,
  channels,
  lastResort,
  timezone,
  clock,
  log,
  signal,
}: StoreWatchDependencies): StoreWatch {
  let trouble: StoreTrouble | null = null;
  let telling: Promise<void> | null = null;

  /** Each channel once: of what came of it nothing can be kept. @returns whether one has it */
  async function tell(words: Pick<Message, "title" | "body">): Promise<boolean> {
    const at = clock.now();
    const deliver = async (channel: Channel): Promise<boolean> => {
      const message: Message = {
        ...{ key: `store-${at}-${channel.name}`, kind: "finding", severity: "critical" },
        ...{ ...words, why: "critical: told at once, past the store", at, thread: `store-${at}` },
        ...noExtras,
      };
      const outcome = await attemptDelivery(channel, message, { clock, signal });
      if (outcome.kind !== "sent") {
        log.warn({ channel: channel.name, error: outcome.error }, "not delivered");
      }
      return outcome.kind === "sent";
    };
    const always = channels.filter(({ use }) => use === "always");
    const sent = await Promise.all(always.map(({ channel }) => deliver(channel)));
    if (sent.includes(true)) return true;
    for (const { channel } of channels.filter(({ use }) => use === "fallback")) {
      if (await deliver(channel)) return true;
    }
    return deliver(lastResort);
  }

  async function tellTrouble({ error, since }: StoreTrouble): Promise<void> {
    const isTold = await tell({
      title: "Nothing can be saved: what is seen now is not told",
      body: `Since ${formatTimeOfDay(since, timezone)}: ${error}.\n\nWhat was saved before is safe. Nothing new is kept, told or done until the file can be written; then the watch goes on by itself and looks at everything again.`,
    });
    // Trouble that is new by now is told anew.
    if (trouble?.since === since) trouble = { ...trouble, isTold };
  }

  /** On record, and told by the usual way, that there was such a time. */
  async function recordEnd({ since, error }: StoreTrouble): Promise<void> {
    const finding = { check: storeCheck, key: "store" };
    await store.setOwnFinding({
      ...{ ...finding, since, at: since },
      severity: "warning",
      title: "Nothing could be saved",
      text: `${error}. What could not be saved was looked at again.`,
    });
    await store.resolveOwnFinding({ ...finding, at: clock.now() });
  }

  return {
    met(error) {
      trouble = troubleAfter(trouble, { error: describeError(error), now: clock.now() });
    },

    async afterTurn() {
      if (!trouble) return;
      const now = clock.now();
      trouble = settledIn(trouble, now);
      const decision = decideTrouble(trouble, now);
      if (decision === "tell") {
        telling ??= tellTrouble(trouble).finally(() => {
          telling = null;
        });
      } else if (decision === "over") {
        try {
          if (trouble.isTold) await recordEnd(trouble);
          log.info({ since: new Date(trouble.since).toISOString() }, "everything is saved again");
          trouble = null;
        } catch (error) {
          log.error({ error: describeError(error) }, "the store is not whole again yet");
        }
      }
    },

    async tellEnd(error) {
      await tell({
        title: "The watch has ended: its store is lost",
        body: `${describeError(error)}.\n\nNothing is watched until it is started again.`,
      });
    },

    async ended() {
      await telling;
    },
  };
}
