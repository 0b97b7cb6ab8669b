import { route, type Route, type RouteInput } from "../domain/attention.ts";
import { formatDuration } from "../domain/duration.ts";
import {
  severityRank,
  type DecidedBy,
  type Finding,
  type Severity,
  type Verdict,
} from "../domain/finding.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";
import { ordersSkill } from "../domain/standing-orders.ts";
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
  const { now, settings, interruptionsToday } = input;
  // It may quote a provider's answer.
  const caveat = oneLine(input.caveat ?? "", longestExcerpt);
  const routed = judged.map((item) => ({
    ...item,
    route: alreadyTold(item.finding)
      ? ({ kind: "log", why: "told before" } as const)
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
      kind: kindOf([item]),
      state: "held",
      findings: [item.finding.id],
      severity: item.finding.severity,
      title: titleOf(item.finding),
      body: [modelsWords(item.message), caveat].filter(Boolean).join("\n"),
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

const kindOf = (items: readonly RoutedFinding[]): "finding" | "recovery" =>
  items.every(({ finding }) => finding.state === "resolved") ? "recovery" : "finding";

/** What is over comes last: it alarms nobody. */
const loudestFirst = (a: RoutedFinding, b: RoutedFinding): number =>
  Number(a.finding.state === "resolved") - Number(b.finding.state === "resolved") ||
  severityRank(b.finding.severity) - severityRank(a.finding.severity) ||
  a.finding.id - b.finding.id;

/** One message for all that is told at this moment. */
function interruption(
  items: readonly RoutedFinding[],
  now: number,
  timezone: string,
  caveat: string,
): NewNotification {
  const first = items[0];
  if (!first) throw new Error("an interruption needs a finding");
  const more = items.length > 1 ? ` (and ${items.length - 1} more)` : "";
  const entries =
    items.length === 1
      ? bodyOf(first, timezone)
      : items
          .map((item) => [
            `${labelOf(kindOf([item]), item.finding.severity)}: ${titleOf(item.finding)}`,
            bodyOf(item, timezone),
          ])
          .map((lines) => lines.filter(Boolean).join("\n"))
          .join("\n\n");
  return {
    kind: kindOf(items),
    state: "ready",
    findings: items.map(({ finding }) => finding.id),
    severity: first.finding.severity,
    title: `${titleOf(first.finding)}${more}`,
    body: plainText([entries, caveat].filter(Boolean).join("\n\n"), longestBody),
    why: [...new Set(items.map(reasonOf))].join("; "),
    dueAt: now,
  };
}

function reasonOf({ finding, decidedBy, verdict, why, route: way }: RoutedFinding): string {
  if (decidedBy === "model") return `the model said ${verdict}; ${way.why}`;
  return finding.state === "resolved" && way.kind === "now" ? why : way.why;
}

/** The word before a title: how severe it is, or that it is over. */
export const labelOf = (kind: NotificationRecord["kind"], severity: Severity): string =>
  kind === "recovery" ? "ok" : severity;

/** The finding's own title, with what became of it. */
function titleOf(finding: Finding): string {
  const title = oneLine(finding.title, longestTitle);
  // That an order is due once more changes nothing about it.
  if (finding.state === "changed" && finding.skill !== ordersSkill) return `Changed: ${title}`;
  if (finding.state !== "resolved") return title;
  return `Over after ${lasted(finding)}: ${title}`;
}

const lasted = ({ since, openedAt, resolvedAt }: Finding): string =>
  formatDuration((resolvedAt ?? openedAt) - (since ?? openedAt));

const longestTitle = 300;
const longestExcerpt = 600;
const longestBody = 50_000;
const modelSays = "The model says: ";

const modelsWords = (message: string | null): string =>
  message ? `${modelSays}${oneLine(message, longestExcerpt)}` : "";

function bodyOf({ finding, message }: JudgedFinding, timezone: string): string {
  const began = finding.since ?? finding.openedAt;
  const lines = [
    `${finding.check}, finding ${finding.id}, since ${formatTimeOfDay(began, timezone)}`,
    finding.state === "resolved" ? "" : excerpt(finding),
    modelsWords(message),
  ];
  return lines.filter(Boolean).join("\n");
}

/** A stranger's lines are quoted, so that none can pass for ours or the model's. */
function excerpt({ text, trust }: Finding): string {
  const shown = plainText(text ?? "", longestExcerpt);
  return trust === "untrusted" && shown ? shown.replace(/^/gm, "> ") : shown;
}

/**
 * Of what was held, what is still worth telling: the last word on each finding, unless the owner
 * knows of it already or it is over by itself since then.
 */
export function worthTelling(
  held: readonly NotificationRecord[],
  findings: readonly Finding[],
): NotificationRecord[] {
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  // What is about no finding, such as the question for a word, stands for itself.
  const lastWords = new Map(held.map((item) => [item.findings[0] ?? `notice ${item.id}`, item]));
  return [...lastWords.values()].filter((item) => {
    const finding = byId.get(item.findings[0] ?? 0);
    if (!finding) return true;
    if (finding.status === "acked") return false;
    return finding.resolvedAt === null || item.createdAt >= finding.resolvedAt;
  });
}

/**
 * One message for all that was held until now, grouped by skill, the most severe first, each with
 * the model's words; what is said of several (that no model looked) is said once, at the end.
 */
export function composeDigest(
  held: readonly NotificationRecord[],
  skillOf: (findingId: number) => string,
  now: number,
): NewNotification {
  const groups = Map.groupBy(held, ({ findings }) => skillOf(findings[0] ?? 0));
  const sections = [...groups].map(([skill, items]) => {
    const sorted = items.toSorted((a, b) => severityRank(b.severity) - severityRank(a.severity));
    return [`${skill}:`, ...sorted.flatMap(digestLines)].join("\n");
  });
  // What an approval asks for is no word on the others, and too long for a digest.
  const others = held.filter(({ approvalId }) => !approvalId);
  const caveats = new Set(
    others.flatMap((item) => linesOf(item).filter((line) => !isModels(line))),
  );
  const loudest = held.reduce((a, b) =>
    severityRank(b.severity) > severityRank(a.severity) ? b : a,
  );
  const count = held.length === 1 ? "1 thing" : `${held.length} things`;
  return {
    kind: "digest",
    state: "ready",
    findings: held.flatMap(({ findings }) => findings),
    severity: loudest.severity,
    title: `Digest: ${count}`,
    body: plainText(
      [...sections, [...caveats].join("\n")].filter(Boolean).join("\n\n"),
      longestBody,
    ),
    why: "the digest is due",
    dueAt: now,
  };
}

const linesOf = ({ body }: NotificationRecord): string[] => body.split("\n").filter(Boolean);
const isModels = (line: string): boolean => line.startsWith(modelSays);

const digestLines = (item: NotificationRecord): string[] => [
  `  ${labelOf(item.kind, item.severity)}: ${item.title}`,
  ...(item.approvalId
    ? [
        `    \`watchkeeper approvals show ${item.approvalId}\` shows what would be done, and until when.`,
      ]
    : []),
  ...linesOf(item)
    .filter(isModels)
    .map((line) => `    ${line}`),
];
