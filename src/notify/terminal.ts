import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { labelOf } from "./compose.ts";
import type { Message } from "./message.ts";

/** Prints notifications where the daemon runs. Printing again after a crash harms nobody. */
export function terminalChannel({
  print,
  timezone,
}: Pick<ChannelDependencies, "print" | "timezone">): Channel {
  return {
    name: "terminal",
    repeatable: true,
    deliver(message) {
      print(formatMessage(message, timezone));
      return Promise.resolve();
    },
  };
}

const marks = { info: " ", notice: "-", warning: "!", critical: "!!" } as const;

export function formatMessage(message: Message, timezone: string): string {
  const { kind, severity, title, body, why, at, links } = message;
  const mark = kind === "recovery" ? "" : `${marks[severity]} `;
  const head = `${formatTimeOfDay(at, timezone)} ${mark}${labelOf(kind, severity)}: ${title}`;
  const lines = body.split("\n").map((line) => (line ? `        ${line}` : ""));
  // What is printed may be kept by a log, and whoever has such a link can give the owner's word.
  const withheld =
    links.length > 0 ? ["        (the links are left out here: type the command)"] : [];
  return `\n${[head, ...lines, ...withheld, `        why now: ${why}`].join("\n")}\n`;
}
