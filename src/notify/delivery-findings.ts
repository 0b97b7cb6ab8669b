import { channelsCheck, type ChannelHealth } from "../domain/channel-health.ts";
import { deliveriesCheck } from "../domain/delivery.ts";
import type { Finding } from "../domain/finding.ts";
import { oneLine } from "../domain/plain-text.ts";
import type { NotificationRecord, OwnFinding } from "../store/port.ts";

/** What the owner is told of messages and channels, in our own words. Pure. */

const mayNot = "You may not have been told: ";
const wereNot = "You have not been told: ";
const longestTitle = 200;

/**
 * @param doubt whether it `may` not have arrived or has `not`
 * @param findings those that the message is about
 * @returns null when the message is itself about messages, which would have no end, or a reminder, which comes
 * again by itself
 */
export function doubtFinding(
  { id, kind, severity, title }: Pick<NotificationRecord, "id" | "kind" | "severity" | "title">,
  findings: readonly Pick<Finding, "check" | "trust">[],
  { doubt, at }: { readonly doubt: "may" | "not"; readonly at: number },
): OwnFinding | null {
  if (kind === "reminder") return null;
  if (findings.length > 0 && findings.every(({ check }) => check === deliveriesCheck)) return null;
  // Told together with another such finding, its title may begin with ours.
  const subject = [mayNot, wereNot].reduce((text, words) => text.replace(words, ""), title);
  const why =
    doubt === "may"
      ? "The connection broke after the message was handed over, or the daemon was killed. It is not sent again."
      : "No channel has taken the message, and it is not tried any more.";
  return {
    check: deliveriesCheck,
    key: `notification-${id}`,
    severity: severity === "critical" ? "critical" : "notice",
    title: oneLine(`${doubt === "may" ? mayNot : wereNot}${subject}`, longestTitle),
    text: `${why} \`watchkeeper findings --all\` shows what it was about.`,
    trust: findings.some(({ trust }) => trust === "untrusted") ? "untrusted" : "trusted",
    at,
  };
}

/** Once for a channel, however many there are. */
export const givenUpFinding = (channel: string, at: number): OwnFinding => ({
  check: deliveriesCheck,
  key: `channel-${channel}`,
  severity: "notice",
  title: `What ${channel} did not take within a day is not tried there any more`,
  text: "Other channels may have it: the deliveries table holds what became of each message.",
  at,
});

export const downFinding = (
  channel: string,
  { failingSince }: Pick<ChannelHealth, "failingSince">,
  at: number,
): OwnFinding => ({
  check: channelsCheck,
  key: channel,
  severity: "warning",
  title: `Messages do not get through ${channel}`,
  text: "It is tried again, ever more rarely. `watchkeeper status` shows the error.",
  since: failingSince ?? at,
  at,
});

/** The channels that a message says do not work, when it says nothing else. */
export function downChannels(
  findings: readonly Pick<Finding, "check" | "key" | "state">[],
): ReadonlySet<string> {
  const isOnlyThat = findings.every(
    ({ check, state }) => check === channelsCheck && state !== "resolved",
  );
  return new Set(isOnlyThat ? findings.map(({ key }) => key) : []);
}
