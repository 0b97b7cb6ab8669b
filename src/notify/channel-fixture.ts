import type { z } from "zod";
import { channelsSchema, type ChannelName, type ChannelSettings } from "../config/channels.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { openChannels, type Channel, type ChannelDependencies } from "./channel.ts";
import type { Message } from "./message.ts";

/** A message, and channels opened as the daemon opens them. */

export const message: Message = {
  key: "12-test",
  kind: "finding",
  severity: "critical",
  title: "api is down",
  body: "services/api, finding 1\n\nIt answers 503.",
  why: "critical: told at once",
  at: Date.parse("2026-11-23T08:30:00Z"),
  thread: "finding-1",
  links: [
    { label: "Approve", url: "https://watch.example.com/word/wk1abc" },
    { label: "Deny", url: "https://watch.example.com/word/wk1def" },
  ],
  replyToken: null,
};

type ChannelInput = z.input<typeof channelsSchema>;

export interface Opened {
  readonly channel: Channel;
  readonly clock: FakeClock;
  readonly warnings: string[];
  readonly printed: string[];
}

/** @param settings as the owner writes them */
export function openChannel<Name extends ChannelName>(
  name: Name,
  settings: NonNullable<ChannelInput[Name]>,
  more: Partial<ChannelDependencies> = {},
): Opened {
  const clock = new FakeClock("2026-11-23T08:30:00Z");
  const warnings: string[] = [];
  const printed: string[] = [];
  const configured: ChannelSettings = channelsSchema.parse({ [name]: settings });
  const [opened] = openChannels(configured, {
    print: (text) => printed.push(text),
    warn: (text) => warnings.push(text),
    timezone: "UTC",
    clock,
    baseDir: import.meta.dirname,
    origin: "wk0123456789.host.example",
    processBasics: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    ...more,
  });
  if (opened?.channel.name !== name) throw new Error(`${name} was not opened`);
  return { channel: opened.channel, clock, warnings, printed };
}

export const never = new AbortController().signal;
