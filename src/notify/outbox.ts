import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { NotificationRecord, Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import type { Channel } from "./channel.ts";
import { messageOf, type MessageExtras } from "./message.ts";

/** Delivers what is ready. What could not be delivered stays ready, and is tried with the next beat. */
export async function deliverReady({
  store,
  channels,
  extrasFor,
  clock,
  log,
  signal,
}: {
  readonly store: Store;
  readonly channels: readonly Channel[];
  /** What goes with a notification and is never stored. */
  readonly extrasFor: (notification: NotificationRecord) => Promise<MessageExtras>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  for (const notification of await store.readyNotifications()) {
    for (const channel of channels) {
      if (signal.aborted) return;
      if (!(await store.beginDelivery(notification.id, channel.name, clock.now()))) continue;
      let error: string | null = null;
      try {
        const key = `${notification.id}-${channel.name}`;
        const extras = await extrasFor(notification);
        await channel.deliver(messageOf(notification, { key, extras }), signal);
      } catch (thrown) {
        error = describeError(thrown);
        log.warn(
          { channel: channel.name, notificationId: notification.id, error },
          "not delivered",
        );
      }
      await store.finishDelivery(notification.id, channel.name, { at: clock.now(), error });
    }
  }
}
