import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { nearestOf } from "../../config/issues.ts";
import { offerPublicApi } from "../../config/user-module.ts";
import { channelDependencies } from "../../daemon.ts";
import { systemClock } from "../../domain/clock.ts";
import { ConfigError, describeError, isWatchkeeperError } from "../../domain/errors.ts";
import { createScrub } from "../../domain/scrub.ts";
import { openChannels, type Channel } from "../../notify/channel.ts";
import { noExtras, type Message } from "../../notify/message.ts";
import { terminalChannel } from "../../notify/terminal.ts";
import { exit, loadConfigFor, type CommandContext } from "../context.ts";
import { knownWordSecret } from "../known-mail.ts";
import { painterFor, quoted, wrap } from "../text.ts";

interface Trial {
  readonly channel: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly error: string | null;
}

/** Sends a message by each channel at once, whatever its `use` and `severity`; nothing is saved. */
export async function testChannels(
  context: CommandContext,
  names: readonly string[],
): Promise<number> {
  const { json, out, err, stateDir } = context;
  offerPublicApi(context.packageInfo.root);
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
  const at = systemClock.now();
  const trials = await Promise.all(
    chosen.map(async (channel): Promise<Trial> => {
      try {
        await channel.deliver(testMessage(channel.name, at), new AbortController().signal);
        return { channel: channel.name, ok: true, code: null, error: null };
      } catch (error) {
        const code = isWatchkeeperError(error) ? error.code : null;
        return { channel: channel.name, ok: false, code, error: describeError(error, scrub) };
      }
    }),
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

function render({ channel, ok, error }: Trial, { out, environment }: CommandContext): string {
  const paint = painterFor(out, environment);
  const level = ok ? "ok  " : "fail";
  const words = ok ? channel : (error ?? "");
  const text = words.startsWith(channel) ? words : `${channel}: ${words}`;
  const line = wrap(`${level}  ${quoted(text)}`, out.columns, "      ");
  return line.replace(level, paint(ok ? "green" : "red", level));
}
