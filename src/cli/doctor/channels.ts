import type { ResolvedConfig } from "../../config/load.ts";
import { systemClock } from "../../domain/clock.ts";
import { describeError } from "../../domain/errors.ts";
import { createScrub, type Scrub } from "../../domain/scrub.ts";
import { openChannels } from "../../notify/channel.ts";
import { channelDependencies } from "../../notify/channel-dependencies.ts";
import type { CommandContext } from "../context.ts";
import { fail, ok, type Part } from "./diagnosis.ts";

/** Each channel is reached, and logged in to where it has a login; `notify test` is what sends. */
export function channelParts(config: ResolvedConfig, { stateDir }: CommandContext): Part[] {
  const scrub = createScrub(config.secrets);
  const dependencies = channelDependencies(config, {
    stateDir,
    wordSecret: null,
    clock: systemClock,
    print() {},
    warn() {},
  });
  const channels = openChannels(config.notify.channels, dependencies).map(({ channel }): Part => {
    const name = `channel ${channel.name}`;
    return {
      name,
      async look(signal) {
        try {
          const said = (await channel.reach?.(signal)) ?? "needs nobody else";
          return [ok(name, scrub(said))];
        } catch (error) {
          const said = describeError(error, scrub);
          // `slack: cannot reach …` says its name twice.
          const own = `${channel.name}: `;
          return [fail(name, said.startsWith(own) ? said.slice(own.length) : said)];
        }
      },
    };
  });
  const { deadMansPing } = config.notify;
  return deadMansPing === undefined ? channels : [...channels, pingPart(deadMansPing, scrub)];
}

/** Only its host is asked: the address itself would count as a beat. */
function pingPart(url: string, scrub: Scrub): Part {
  const name = "dead man's ping";
  const { host } = new URL(url);
  return {
    name,
    async look(signal) {
      try {
        const response = await fetch(new URL("/", url), {
          method: "HEAD",
          redirect: "manual",
          signal,
        });
        await response.body?.cancel();
        return [ok(name, scrub(`${host} answers`))];
      } catch (error) {
        const why = describeError(error, scrub);
        return [fail(name, `cannot reach ${scrub(host)}: ${why}. Check notify.deadMansPing`)];
      }
    },
  };
}
