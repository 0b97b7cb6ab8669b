import { nearestOf } from "../../config/issues.ts";
import { channelDependencies } from "../../notify/channel-dependencies.ts";
import { systemClock } from "../../domain/clock.ts";
import { ConfigError } from "../../domain/errors.ts";
import { createScrub } from "../../domain/scrub.ts";
import { openChannels, type Channel } from "../../notify/channel.ts";
import { terminalChannel } from "../../notify/terminal.ts";
import { tryChannel, type ChannelTrial } from "../channel-trial.ts";
import { exit, loadConfigFor, type CommandContext } from "../context.ts";
import { knownWordSecret } from "../known-mail.ts";
import { painterFor, quoted, wrap } from "../text.ts";

/** Sends a message by each channel at once, whatever its `use` and `severity`; nothing is saved. */
export async function testChannels(
  context: CommandContext,
  names: readonly string[],
): Promise<number> {
  const { json, out, err, stateDir } = context;
  const config = await loadConfigFor(context);
  const scrub = createScrub(config.secrets);
  const dependencies = channelDependencies(config, {
    stateDir,
    wordSecret: knownWordSecret(stateDir),
    clock: systemClock,
    // What is printed for the owner is no part of the JSON.
    print: (text) => (json ? err : out).write(text),
    warn: (text) => err.write(`watchkeeper: ${quoted(scrub(text))}\n`),
  });
  const opened = openChannels(config.notify.channels, dependencies).map(({ channel }) => channel);
  // Where none is configured, that is where everything goes.
  const channels = opened.length > 0 ? opened : [terminalChannel(dependencies)];
  const chosen = chooseChannels(channels, names);
  const { signal } = new AbortController();
  const trials = await Promise.all(
    chosen.map((channel) => tryChannel(channel, { scrub, signal, clock: systemClock })),
  );
  if (json) out.write(`${JSON.stringify(trials, null, 2)}\n`);
  else for (const trial of trials) out.write(`${render(trial, context)}\n`);
  return trials.every(({ ok }) => ok) ? exit.done : exit.failed;
}

/** @throws ConfigError for a name that the configuration does not know */
function chooseChannels(
  channels: readonly Channel[],
  names: readonly string[],
): readonly Channel[] {
  const known = channels.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const nearest = nearestOf(unknown, known);
    throw new ConfigError("CHANNEL_UNKNOWN", `there is no channel "${unknown}"`, {
      hint: nearest ? `Did you mean "${nearest}"?` : `There are ${known.join(", ")}`,
    });
  }
  return names.length === 0 ? channels : channels.filter(({ name }) => names.includes(name));
}

function render(
  { channel, ok, error }: ChannelTrial,
  { out, environment }: CommandContext,
): string {
  const paint = painterFor(out, environment);
  const level = ok ? "ok  " : "fail";
  const words = ok ? channel : (error ?? "");
  const text = words.startsWith(channel) ? words : `${channel}: ${words}`;
  const line = wrap(`${level}  ${quoted(text)}`, out.columns, "      ");
  return line.replace(level, paint(ok ? "green" : "red", level));
}
