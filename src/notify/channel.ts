import type { ChannelName, ChannelSettings, SettingsOf } from "../config/channels.ts";
import type { Clock } from "../domain/clock.ts";
import type { Severity } from "../domain/finding.ts";
import { commandChannel } from "./command.ts";
import { emailChannel } from "./email.ts";
import type { Message } from "./message.ts";
import { ntfyChannel } from "./ntfy.ts";
import { slackChannel } from "./slack.ts";
import { telegramChannel } from "./telegram.ts";
import { terminalChannel } from "./terminal.ts";
import { webhookChannel } from "./webhook.ts";

/** Where notifications go. A new channel is one file, one line in {@link channels} and its settings. */
export interface Channel {
  /** Its name in the config. */
  readonly name: string;
  /** The same key twice reaches the owner once, or harms nobody: an unknown outcome may be tried again. */
  readonly repeatable: boolean;
  /** By when it has given up by itself, in milliseconds; where it does not say, others see to it. */
  readonly patienceMs?: number;
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
  /**
   * Finds out whether it could be used now, and delivers nothing.
   * @returns what shows it, in words
   * @throws DeliveryError
   */
  reach?(signal: AbortSignal): Promise<string>;
}

/** A channel, and what the owner wants to have of it. */
export interface ConfiguredChannel {
  readonly channel: Channel;
  /** `fallback`: only what another channel could not deliver. */
  readonly use: "always" | "fallback";
  /** The lowest that it is given. */
  readonly severity: Severity;
}

export interface ChannelDependencies {
  /** Writes text to the terminal that the daemon runs in. */
  readonly print: (text: string) => void;
  /** Says what went wrong beside a delivery that succeeded. */
  readonly warn: (text: string) => void;
  readonly timezone: string;
  readonly clock: Clock;
  /** Relative paths in the config start here, and commands run here. */
  readonly baseDir: string;
  /** Names this watch among all others, in the form of a domain: what is behind the @ of a Message-ID. */
  readonly origin: string;
  /** What a command needs to find its program. */
  readonly processBasics: Readonly<Record<string, string>>;
  /**
   * Signs an e-mail, so that the daemon knows its own when it meets it in a mailbox.
   * @param mail `messageId` with angle brackets, subject and text before they are encoded
   */
  readonly signMail?: (mail: {
    readonly messageId: string;
    readonly subject: string;
    readonly text: string;
  }) => string;
}

type Open<Name extends ChannelName> = (
  settings: SettingsOf<Name>,
  dependencies: ChannelDependencies,
) => Channel;

const channels: { readonly [Name in ChannelName]: Open<Name> } = {
  terminal: (_settings, dependencies) => terminalChannel(dependencies),
  email: emailChannel,
  ntfy: ntfyChannel,
  slack: slackChannel,
  telegram: telegramChannel,
  webhook: webhookChannel,
  command: commandChannel,
};

/** The channels that the config names, in the owner's order. */
export function openChannels(
  configured: ChannelSettings,
  dependencies: ChannelDependencies,
): ConfiguredChannel[] {
  const names = Object.keys(configured) as ChannelName[];
  return names.flatMap((name) => openOne(name, configured[name], dependencies) ?? []);
}

function openOne<Name extends ChannelName>(
  name: Name,
  settings: ChannelSettings[Name],
  dependencies: ChannelDependencies,
): ConfiguredChannel | undefined {
  if (!settings) return undefined;
  const { use, severity } = settings;
  return { channel: channels[name](settings, dependencies), use, severity };
}
