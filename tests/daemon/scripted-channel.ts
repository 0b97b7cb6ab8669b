import type { Channel } from "../../src/notify/channel.ts";
import { DeliveryError } from "../../src/notify/delivery-error.ts";
import type { Message } from "../../src/notify/message.ts";

/** A channel for tests: it does what the test says, and counts what reached the owner by key. */

export interface ScriptedChannel extends Channel {
  /** What reached the owner, in order. */
  readonly arrived: readonly Message[];
  /** The titles of all attempts, in order. */
  readonly tried: readonly string[];
  /** What the next attempts do, until it is set anew. */
  mood: Mood;
}

/**
 * `ok`: it arrives. `down`: it does not, for now. `refuse`: it does not, and never will. `lost`: it arrives, and nobody
 * knows. `cut`: it does not, and nobody knows. `hang`: nothing happens until the signal.
 */
export type Mood =
  "ok" | "down" | "refuse" | "lost" | "cut" | "hang" | ((message: Message) => Mood);

export function scriptedChannel(
  name: string,
  options: {
    readonly repeatable?: boolean;
    /** Whether it can be asked what arrived. */
    readonly canConfirm?: boolean;
    /** Before it does not want to be asked again, while it is down. */
    readonly retryAt?: () => number;
  } = {},
): ScriptedChannel {
  const arrived: Message[] = [];
  const tried: string[] = [];
  const channel: ScriptedChannel = {
    ...{ name, arrived, tried, mood: "ok" },
    repeatable: options.repeatable ?? false,
    async deliver(message, signal) {
      tried.push(message.title);
      let mood = channel.mood;
      while (typeof mood === "function") mood = mood(message);
      if (mood === "hang") {
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        throw new Error("aborted");
      }
      if (mood === "ok" || mood === "lost") arrived.push(message);
      if (mood === "ok") return;
      const retryAt = options.retryAt?.();
      throw new DeliveryError("SCRIPTED", `it is ${mood}`, {
        outcome: mood === "lost" || mood === "cut" ? "unknown" : "not-sent",
        retryable: mood !== "refuse",
        ...(retryAt === undefined ? {} : { retryAt }),
      });
    },
    ...(options.canConfirm && {
      confirm: async ({ key }: Message) =>
        arrived.some((message) => message.key === key) ? "sent" : "not-sent",
    }),
  };
  return channel;
}
