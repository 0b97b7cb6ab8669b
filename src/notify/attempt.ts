import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { describeError } from "../domain/errors.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import type { Channel } from "./channel.ts";
import { DeliveryError } from "./delivery-error.ts";
import type { Message } from "./message.ts";

/** One attempt at one channel, within a bound whatever the channel does. */

export type AttemptOutcome =
  | { readonly kind: "sent" }
  | {
      readonly kind: "not-sent";
      readonly error: string;
      readonly retryable: boolean;
      readonly retryAt: number | undefined;
    }
  /** It may have arrived. */
  | { readonly kind: "unknown"; readonly error: string };

interface AttemptDependencies {
  readonly clock: Clock;
  /** Aborted when the daemon has no time left. */
  readonly signal: AbortSignal;
}

/** For a channel that does not say how long it may take. */
const attemptMs = 20_000;
/** For a channel to say what it knows of the outcome once it was told to stop. */
const graceMs = 1_000;

/** Never rejects. */
export async function attemptDelivery(
  channel: Channel,
  message: Message,
  dependencies: AttemptDependencies,
): Promise<AttemptOutcome> {
  try {
    await bounded(channel, (signal) => channel.deliver(message, signal), dependencies);
    return { kind: "sent" };
  } catch (thrown) {
    const error = describeError(thrown);
    if (!(thrown instanceof DeliveryError) || thrown.outcome === "unknown") {
      return { kind: "unknown", error };
    }
    return {
      ...{ kind: "not-sent", error },
      ...{ retryable: thrown.retryable, retryAt: thrown.retryAt },
    };
  }
}

/**
 * What became of an attempt whose outcome is not known. Never rejects.
 * @returns undefined when the channel cannot tell
 */
export async function confirmDelivery(
  channel: Channel,
  message: Message,
  { since, ...dependencies }: AttemptDependencies & { readonly since: number },
): Promise<"sent" | "not-sent" | undefined> {
  try {
    return await bounded(
      channel,
      async (signal) => channel.confirm?.(message, { since, signal }),
      dependencies,
    );
  } catch {
    return undefined;
  }
}

/** @throws what the work throws, or that it took too long: it is left behind then. */
async function bounded<Result>(
  { patienceMs }: Channel,
  work: (signal: AbortSignal) => Promise<Result>,
  { clock, signal }: AttemptDependencies,
): Promise<Result> {
  // The channel's own word on why it took so long comes first.
  const mostMs = patienceMs === undefined ? attemptMs : patienceMs + graceMs;
  using over = linkedAbort();
  using aborting = linkedAbort(signal);
  using waiting = linkedAbort(signal, over.signal);
  const late = clock.sleep(mostMs, waiting.signal).then(async () => {
    if (!over.signal.aborted) aborting.abort();
    await clock.sleep(graceMs, over.signal);
    throw new Error(
      signal.aborted ? "the daemon was stopped" : `no end after ${formatDuration(mostMs)}`,
    );
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([Promise.try(() => work(aborting.signal)), late]);
  } finally {
    over.abort();
  }
}
