import { defang } from "../domain/defang.ts";
import { formatDuration } from "../domain/duration.ts";
import type { Finding, Severity } from "../domain/finding.ts";
import { ordersSkill } from "../domain/standing-orders.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";
import { formatDateTime, formatTimeOfDay, startOf } from "../domain/zoned-time.ts";
import type { NotificationRecord } from "../store/port.ts";

/** The words for one finding. What a stranger or the model wrote is plain, marked, and without a live link. */

export const longestBody = 50_000;
export const longestExcerpt = 600;
const longestTitle = 300;
const modelSays = "The model says: ";

/** The word before a title: how severe it is, or that it is over. */
export const labelOf = (kind: NotificationRecord["kind"], severity: Severity): string =>
  kind === "recovery" ? "ok" : severity;

/** The finding's own title on one line. */
export function ownTitle({ title, trust }: Pick<Finding, "title" | "trust">): string {
  const line = oneLine(title, longestTitle);
  return trust === "untrusted" ? defang(line) : line;
}

/** The finding's own title, with what became of it. */
export function titleOf(finding: Finding): string {
  const title = ownTitle(finding);
  // That an order is due once more changes nothing about it.
  if (finding.state === "changed" && finding.skill !== ordersSkill) return `Changed: ${title}`;
  if (finding.state !== "resolved") return title;
  return `Over after ${lasted(finding)}: ${title}`;
}

const lasted = ({ since, openedAt, resolvedAt }: Finding): string =>
  formatDuration((resolvedAt ?? openedAt) - (since ?? openedAt));

/** How long it has been open. */
export const openFor = ({ since, openedAt }: Finding, now: number): string =>
  formatDuration(Math.max(0, now - (since ?? openedAt)));

/** When it began: the time alone when that was today. */
export function beganAt({ since, openedAt }: Finding, now: number, timezone: string): string {
  const began = since ?? openedAt;
  return began >= startOf("day", now, timezone)
    ? formatTimeOfDay(began, timezone)
    : formatDateTime(began, timezone);
}

/** The model's own words, marked; empty when it has none. */
export function modelsWords(message: string | null, about = 1): string {
  if (!message) return "";
  const words = defang(oneLine(message, longestExcerpt));
  return about > 1 ? `The model says of these ${about}: ${words}` : `${modelSays}${words}`;
}

export const isModels = (line: string): boolean => line.startsWith(modelSays);
/** What the model says in a line that is marked as its own. */
export const withoutMark = (line: string): string => line.slice(modelSays.length);

/** A stranger's lines are quoted, so that none can pass for ours or the model's. */
export function excerpt({ text, trust }: Finding): string {
  const shown = plainText(text ?? "", longestExcerpt);
  return trust === "untrusted" && shown ? defang(shown).replace(/^/gm, "> ") : shown;
}
