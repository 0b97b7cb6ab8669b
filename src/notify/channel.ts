import type { Severity } from "../domain/finding.ts";
import type { Message } from "./message.ts";
import { terminalChannel } from "./terminal.ts";

/** Where notifications go. A new channel is one file and one line in {@link channels}. */
export interface Channel {
  /** Its name in the config. */
  readonly name: string;
  /** The same key twice reaches the owner once, or harms nobody: an unknown outcome may be tried again. */
  readonly repeatable: boolean;
  /**
   * Delivers one message.
   * @throws DeliveryError with what is known of the outcome; whatever else is thrown counts as `unknown`
   */
  deliver(message: Message, signal: AbortSignal): Promise<void>;
  /**
   * Finds out whether a delivery with an unknown outcome has arrived.
   * @param since when its attempt began, in milliseconds
   * @returns undefined when nobody can tell
   */
  confirm?(
    message: Message,
    options: { readonly since: number; readonly signal: AbortSignal },
  ): Promise<"sent" | "not-sent" | undefined>;
}

/** A channel as the owner wants it used. */
export interface ConfiguredChannel {
  readonly channel: Channel;
  /** `fallback`: for what the others could not deliver. */
  readonly use: "always" | "fallback";
  /** Messages from this severity on. */
  readonly severity: Severity;
}

export interface ChannelDependencies {
  /** Writes text to the terminal that the daemon runs in. */
  readonly print: (text: string) => void;
  readonly timezone: string;
}

const channels = { terminal: terminalChannel };

/** The channels that the config names, in the owner's order. */
export function openChannels(
  configured: Readonly<Record<string, unknown>>,
  dependencies: ChannelDependencies,
): ConfiguredChannel[] {
  return Object.entries(channels)
    .filter(([name]) => configured[name] !== undefined)
    .map(([, open]) => ({ channel: open(dependencies), use: "always", severity: "info" }));
}
