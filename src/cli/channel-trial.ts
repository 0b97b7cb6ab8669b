import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Clock } from "../domain/clock.ts";
import { describeError, isWatchkeeperError } from "../domain/errors.ts";
import type { Scrub } from "../domain/scrub.ts";
import type { Channel } from "../notify/channel.ts";
import { noExtras, type Message } from "../notify/message.ts";

/** How a test message fared. */
export interface ChannelTrial {
  readonly channel: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly error: string | null;
}

/** Gives a channel a test message at once; nothing is saved. Never throws. */
export async function tryChannel(
  channel: Channel,
  {
    scrub,
    signal,
    clock,
  }: { readonly scrub: Scrub; readonly signal: AbortSignal; readonly clock: Clock },
): Promise<ChannelTrial> {
  const { name } = channel;
  try {
    await channel.deliver(testMessage(name, clock.now()), signal);
    return { channel: name, ok: true, code: null, error: null };
  } catch (error) {
    const code = isWatchkeeperError(error) ? error.code : null;
    return { channel: name, ok: false, code, error: describeError(error, scrub) };
  }
}

/** Another message at each call: receivers that leave out repeats would show it once only. */
const testMessage = (channel: string, at: number): Message => ({
  key: `test-${randomUUID().slice(0, 8)}-${channel}`,
  kind: "notice",
  severity: "notice",
  title: `Test message of Watchkeeper on ${hostname()}`,
  body: "Notifications reach you here.",
  why: "you called `watchkeeper notify test`",
  at,
  thread: "test",
  ...noExtras,
});
