import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { NotificationRecord } from "../store/port.ts";
import type { Channel, ChannelDependencies } from "./channel.ts";
import { labelOf } from "./compose.ts";

/** Prints notifications where the daemon runs. Printing again after a crash harms nobody. */
export function terminalChannel({ print, timezone }: ChannelDependencies): Channel {
  return {
    name: "terminal",
    deliver(notification) {
      print(formatNotification(notification, timezone));
      return Promise.resolve();
    },
  };
}

const marks = { info: " ", notice: "-", warning: "!", critical: "!!" } as const;

export function formatNotification(notification: NotificationRecord, timezone: string): string {
  const { kind, severity, title, body, why, createdAt } = notification;
  const mark = kind === "recovery" ? "" : `${marks[severity]} `;
  const head = `${formatTimeOfDay(createdAt, timezone)} ${mark}${labelOf(kind, severity)}: ${title}`;
  const lines = body.split("\n").map((line) => (line ? `        ${line}` : ""));
  return `\n${[head, ...lines, `        why now: ${why}`].join("\n")}\n`;
}
