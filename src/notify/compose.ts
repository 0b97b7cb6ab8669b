import { route, type Route, type RouteInput } from "../domain/attention.ts";
import { formatDuration } from "../domain/duration.ts";
import { severityRank, type DecidedBy, type Finding, type Verdict } from "../domain/finding.ts";
import { oneLine } from "../domain/plain-text.ts";
import { formatTimeOfDay } from "../domain/zoned-time.ts";
import type { FindingVerdict, NewNotification, NotificationRecord } from "../store/port.ts";

/** From verdicts to messages: who is told now, what waits for the digest, in which words. Pure. */

export interface JudgedFinding {
  readonly finding: Finding;
  readonly verdict: Verdict;
  readonly decidedBy: DecidedBy;
  /** Why this verdict stands, for the owner. */
  readonly why: string;
  /** The model's own words, or null. */
  readonly message: string | null;
}

export type AttentionSettings = Pick<
  RouteInput,
  "quietHours" | "timezone" | "digestAt" | "interruptionsPerDay"
>;

export interface Telling {
  readonly verdicts: readonly FindingVerdict[];
  readonly notifications: readonly NewNotification[];
}

/**
 * @param input `caveat` is said with everything told, such as that no model looked at it
 * @returns what the store saves in one go: the verdicts and the notifications that follow from them
 */
export function composeTelling(
  judged: readonly JudgedFinding[],
  input: {
    readonly now: number;
    readonly settings: AttentionSettings;
    readonly interruptionsToday: number;
    readonly caveat: string | null;
  },
): Telling {
  const { now, settings, interruptionsToday, caveat } = input;
  const routed = judged.map((item) => ({
    ...item,
    route: alreadyTold(item.finding)
      ? ({ kind: "log", why: "told before" } as Route)
      : route({
          ...settings,
          verdict: item.verdict,
          severity: item.finding.severity,
          now,
          interruptionsToday,
        }),
  }));
  const tellNow = routed.filter((item) => item.route.kind === "now").sort(loudestFirst);
  const notifications: NewNotification[] = [];
  if (tellNow.length > 0) {
    notifications.push(interruption(tellNow, now, settings.timezone, caveat));
  }
  for (const item of routed) {
    if (item.route.kind !== "digest") continue;
    notifications.push({
      kind: "finding",
      state: "held",
      findings: [item.finding.id],
      severity: item.finding.severity,
      title: titleOf(item.finding),
      body: bodyOf(item, settings.timezone),
      why: reasonOf(item),
      dueAt: item.route.at,
    });
  }
  const verdicts = routed.map(({ finding, verdict, decidedBy, message, route: way }) => ({
    findingId: finding.id,
    revision: finding.revision,
    verdict,
    decidedBy,
    message,
    told: way.kind === "now",
  }));
  return { verdicts, notifications };
}

const alreadyTold = (finding: Finding): boolean => finding.toldRevision >= finding.revision;

type RoutedFinding = JudgedFinding & { readonly route: Route };

const loudestFirst = (a: RoutedFinding, b: RoutedFinding): number =>
  severityRank(b.finding.severity) - severityRank(a.finding.severity) || a.finding.id - b.finding.id;

/** One message for all that is told at this moment. */
function interruption(
  items: readonly RoutedFinding[],
  now: number,
  timezone: string,
  caveat: string | null,
): NewNotification {
  const first = items[0];
  if (!first) throw new Error("an interruption needs a finding");
  const more = items.length > 1 ? ` (and ${items.length - 1} more)` : "";
  const entries =
    items.length === 1
      ? bodyOf(first, timezone)
      : items
          .map((item) => [`${item.finding.severity}: ${titleOf(item.finding)}`, bodyOf(item, timezone)])
          .map((lines) => lines.filter(Boolean).join("\n"))
          .join("\n\n");
  return {
    kind: "finding",
    state: "ready",
    findings: items.map(({ finding }) => finding.id),
    severity: first.finding.severity,
    title: oneLine(`${titleOf(first.finding)}${more}`, 300),
    body: [entries, caveat].filter(Boolean).join("\n\n"),
    why: [...new Set(items.map(reasonOf))].join("; "),
    dueAt: now,
  };
}

function reasonOf({ finding, decidedBy, verdict, why, route: way }: RoutedFinding): string {
  if (decidedBy === "model") return `the model said ${verdict}; ${way.why}`;
  return finding.state === "resolved" && way.kind === "now" ? why : way.why;
}

/** The finding's own title, with what became of it. */
export function titleOf(finding: Finding): string {
  if (finding.state === "changed") return `Changed: ${finding.title}`;
  if (finding.state !== "resolved") return finding.title;
  return `Over after ${lasted(finding)}: ${finding.title}`;
}

const lasted = ({ since, openedAt, resolvedAt }: Finding): string =>
  formatDuration((resolvedAt ?? openedAt) - (since ?? openedAt));

const longestExcerpt = 600;

function bodyOf({ finding, message }: JudgedFinding, timezone: string): string {
  const began = finding.since ?? finding.openedAt;
  const lines = [
    `${finding.check}, finding ${finding.id}, since ${formatTimeOfDay(began, timezone)}`,
    finding.state === "resolved" ? "" : excerpt(finding.text),
    message ? `The model says: ${oneLine(message, longestExcerpt)}` : "",
  ];
  return lines.filter(Boolean).join("\n");
}

const excerpt = (text: string | null): string =>
  text === null || text.length <= longestExcerpt ? (text ?? "") : `${text.slice(0, longestExcerpt)}…`;

/** One message for all that was held until now, grouped by skill, the most severe first. */
export function composeDigest(
  held: readonly NotificationRecord[],
  skillOf: (findingId: number) => string,
  now: number,
): NewNotification {
  const groups = Map.groupBy(held, ({ findings }) => skillOf(findings[0] ?? 0));
  const sections = [...groups].map(([skill, items]) => {
    const sorted = items.toSorted((a, b) => severityRank(b.severity) - severityRank(a.severity));
    return [`${skill}:`, ...sorted.map((item) => `  ${item.severity}: ${item.title}`)].join("\n");
  });
  const loudest = held.reduce((a, b) => (severityRank(b.severity) > severityRank(a.severity) ? b : a));
  const count = held.length === 1 ? "1 thing" : `${held.length} things`;
  return {
    kind: "digest",
    state: "ready",
    findings: held.flatMap(({ findings }) => findings),
    severity: loudest.severity,
    title: `Digest: ${count}`,
    body: sections.join("\n\n"),
    why: "the digest is due",
    dueAt: now,
  };
}
