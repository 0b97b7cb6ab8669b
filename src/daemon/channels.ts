import type { ResolvedConfig } from "../config/load.ts";
import type { Clock } from "../domain/clock.ts";
import { whyNoReplies } from "../domain/reply-address.ts";
import type { AttendDependencies } from "../heartbeat/attend.ts";
import { openChannels, type ConfiguredChannel } from "../notify/channel.ts";
import { channelDependencies } from "../notify/channel-dependencies.ts";
import { guardChannel } from "../notify/guarded-channel.ts";
import { terminalChannel } from "../notify/terminal.ts";
import { createExtrasFor } from "../notify/word-links.ts";
import type { LoadedSkill } from "../skills/load.ts";
import type { Ground } from "./ground.ts";

/** By what the owner is reached, and how the owner's word comes back. */

type WaysToOwner = Pick<AttendDependencies, "channels" | "lastResort" | "extrasFor" | "hasLinks">;

export interface ChannelsOptions {
  readonly config: ResolvedConfig;
  readonly skills: readonly LoadedSkill[];
  readonly stateDir: string;
  readonly clock: Clock;
  readonly print: (text: string) => void;
  readonly channels?: readonly ConfiguredChannel[] | undefined;
}

export function openWaysToOwner(
  { store, log, scrub, wordSecret }: Ground,
  { config, skills, stateDir, clock, print, ...options }: ChannelsOptions,
): WaysToOwner {
  const { timezone, web } = config;
  const opened =
    options.channels ??
    openChannels(
      config.notify.channels,
      channelDependencies(config, {
        ...{ stateDir, wordSecret, clock, print },
        warn: (text) => log.warn({}, text),
      }),
    );
  const publicUrl = web ? web.publicUrl : undefined;
  const { email } = config.notify.channels;
  const repliesAt = skills.flatMap((skill) => skill.repliesAt);
  return {
    channels: opened.map((each) => ({ ...each, channel: guardChannel(each.channel, scrub) })),
    lastResort: guardChannel(terminalChannel({ print, timezone }), scrub),
    extrasFor: createExtrasFor(
      { store, clock },
      {
        ...{ publicUrl, secret: wordSecret },
        repliesCount: whyNoReplies(email?.from, repliesAt) === null,
      },
    ),
    hasLinks: publicUrl !== undefined && wordSecret !== null,
  };
}
