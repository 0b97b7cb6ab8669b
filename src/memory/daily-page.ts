import { codeSpan } from "../domain/markdown.ts";
import { formatDateTime, formatTimeOfDay } from "../domain/zoned-time.ts";
import { blindCheck } from "../store/looks.ts";
import type { DayRecord, Portion } from "../store/port.ts";

/** One day of the watch as a page of Markdown. Pure: the same record is the same page. */

/** Stands as the last line of a page as long as its day goes on: only such a page is written anew. */
export const unfinishedLine =
  "*The day is not over: this page is written anew, and what you change in it is lost.*";

const longestTitle = 200;

export interface DailyPage {
  readonly record: DayRecord;
  /** When the day began. */
  readonly from: number;
  readonly timezone: string;
  readonly isOver: boolean;
}

export function dailyPage({ record, from, timezone, isOver }: DailyPage): string {
  const time = (at: number) => formatTimeOfDay(at, timezone);
  // A day that the clocks are changed on begins at another hour in some zones.
  const day = formatDateTime(from, timezone).slice(0, -" 00:00".length);
  const when = (at: number) =>
    formatDateTime(at, timezone).startsWith(day) ? time(at) : formatDateTime(at, timezone);
  const { beats, events } = record;
  const isBlindness = ({ check }: { readonly check: string }) => check === blindCheck;

  const sections = [
    section("Missed time", {
      rows: record.missed,
      line: ({ from: began, to, count }) =>
        `- ${when(began)} to ${when(to)}: nobody looked; beats that fell out: ${count}`,
    }),
    section("Checks that went blind", {
      rows: events.rows.filter(isBlindness),
      line: ({ at, key, state }) =>
        `- ${time(at)} ${codeSpan(key)} ${state === "resolved" ? "sees again" : "is blind"}`,
    }),
    section("Findings", {
      rows: events.rows.filter((event) => !isBlindness(event)),
      left: leftOf(events),
      line: ({ at, findingId, check, severity, state, title }) =>
        `- ${time(at)} ${severity} ${state}, finding ${findingId} of ${codeSpan(check)}: ${codeSpan(title, longestTitle)}`,
    }),
    section("Told", {
      ...portion(record.notifications),
      line: ({ createdAt, kind, state, severity, title }) =>
        `- ${time(createdAt)} ${state === "held" ? "held for the digest" : state === "ready" ? "not delivered yet" : "told"}, ${kind === "finding" ? severity : kind}: ${codeSpan(title, longestTitle)}`,
    }),
    section("Done", {
      ...portion(record.effects),
      line: ({ plannedAt, id, tool, effect, state, undoneAt, ...by }) =>
        `- ${time(plannedAt)} effect ${id}, ${codeSpan(tool)} (${effect}): ${undoneAt === null ? stateWords[state] : `taken back ${when(undoneAt)}`}${byWhom(by)}`,
    }),
    section("Your word", {
      ...portion(record.approvals),
      line: ({ createdAt, id, tool, status, decidedAt }) =>
        `- ${when(createdAt)} approval ${id}, ${codeSpan(tool)}: ${status}${decidedAt === null ? "" : ` ${when(decidedAt)}`}`,
    }),
    section("Runs", {
      ...portion(record.runs),
      line: ({ startedAt, id, outcome, findings, costUsd, model }) =>
        `- ${time(startedAt)} run ${id} over ${counted(findings, "finding")} with ${codeSpan(model)}: ${outcome ?? "goes on"}, ${dollars(costUsd)}`,
    }),
    section("Beats with news", {
      ...portion(beats),
      line: ({ startedAt, id, trigger, outcome, findings, checks }) => {
        const failed = checks.filter(({ error }) => error !== null).map(({ name }) => name);
        const what = outcome === "failed" ? "failed" : counted(findings, "finding");
        return `- ${time(startedAt)} beat ${id}${trigger === "schedule" ? "" : ` (${trigger})`}: ${what}${failed.length > 0 ? `; could not look: ${failed.map((name) => codeSpan(name)).join(", ")}` : ""}`;
      },
    }),
  ];
  const summary = [
    counted(record.quietBeats + beats.count, "beat"),
    `${record.quietBeats} of them quiet`,
    counted(record.runs.count, "run"),
    dollars(record.costUsd),
  ].join(", ");
  return [
    `# ${day}`,
    `${summary}.`,
    ...sections.filter((text) => text !== ""),
    ...(isOver ? [] : [unfinishedLine]),
  ]
    .join("\n\n")
    .concat("\n");
}

const stateWords = {
  planned: "not begun",
  sent: "begun; its outcome is not known yet",
  done: "done",
  failed: "failed",
  unknown: "nobody knows whether it was done",
} as const;

function byWhom({ approvalId, runId, check }: Pick<Effect, "approvalId" | "runId" | "check">) {
  if (approvalId !== null) return `, approval ${approvalId}`;
  if (check !== null) return `, by a rule of ${codeSpan(check)}`;
  return runId === null ? "" : `, run ${runId}`;
}

type Effect = DayRecord["effects"]["rows"][number];

const leftOf = ({ rows, count }: Portion<unknown>): number => count - rows.length;

const portion = <Row>(part: Portion<Row>) => ({ rows: part.rows, left: leftOf(part) });

function section<Row>(
  heading: string,
  {
    rows,
    left = 0,
    line,
  }: {
    readonly rows: readonly Row[];
    readonly left?: number;
    readonly line: (row: Row) => string;
  },
): string {
  if (rows.length === 0 && left === 0) return "";
  const more = left > 0 ? [`- and ${left} more`] : [];
  return [`## ${heading}`, "", ...rows.map(line), ...more].join("\n");
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

const dollars = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;

/** Whether there is anything to tell of the day: else it has no page. */
export const isEmptyDay = ({ quietBeats, missed, ...parts }: DayRecord): boolean =>
  quietBeats === 0 &&
  missed.length === 0 &&
  [
    parts.beats,
    parts.events,
    parts.runs,
    parts.effects,
    parts.approvals,
    parts.notifications,
  ].every(({ count }) => count === 0);
