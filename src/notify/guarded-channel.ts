import type { Scrub } from "../domain/scrub.ts";
import type { Channel } from "./channel.ts";
import type { Message } from "./message.ts";

/** Whatever is told, also what was saved before a secret was known. */
export function guardChannel(channel: Channel, scrub: Scrub): Channel {
  const clean = ({ title, body, why, ...rest }: Message): Message => ({
    ...rest,
    title: scrub(title),
    body: scrub(body),
    why: scrub(why),
  });
  return {
    ...channel,
    deliver: (message, signal) => channel.deliver(clean(message), signal),
    ...(channel.confirm && {
      confirm: async (message, options) => channel.confirm?.(clean(message), options),
    }),
  };
}
