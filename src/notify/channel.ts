import type { NotificationRecord } from "../store/port.ts";
import { terminalChannel } from "./terminal.ts";

/** Where notifications go. A new channel is one file and one line in {@link channels}. */
export interface Channel {
  readonly name: string;
  /** Delivers one notification; throws when it could not. */
  deliver(notification: NotificationRecord, signal: AbortSignal): Promise<void>;
}

export interface ChannelDependencies {
  /** Writes text to the terminal that the daemon runs in. */
  readonly print: (text: string) => void;
  readonly timezone: string;
}

const channels = { terminal: terminalChannel };

/** The channels that the config names; the terminal when none of them can be used, so that nothing is told to nobody. */
export function openChannels(
  configured: Readonly<Record<string, unknown>>,
  dependencies: ChannelDependencies,
): Channel[] {
  const opened = Object.entries(channels)
    .filter(([name]) => configured[name] !== undefined)
    .map(([, open]) => open(dependencies));
  return opened.length > 0 ? opened : [terminalChannel(dependencies)];
}
