import type { Route } from "../domain/attention.ts";
import type { Finding } from "../domain/finding.ts";
import { timesSaid, type Reminder, type ToldFinding } from "../domain/reminder.ts";
import type { NewNotification } from "../store/port.ts";
import { bodyOf, linesOf } from "./compose.ts";
import type { Entry } from "./listing.ts";
import { openFor, ownTitle } from "./words.ts";

/** One message for all that the owner is reminded of at this moment, now or with the digest. Pure. */
export function composeReminders(
  due: readonly (ToldFinding & { readonly reminder: Reminder })[],
  way: Exclude<Route, { kind: "log" }>,
  { now, timezone }: { readonly now: number; readonly timezone: string },
): NewNotification[] {
  const tellings = ({ finding: { id, state, severity } }: ToldFinding) =>
    ({ findingId: id, kind: "reminder", state, severity }) as const;
  if (way.kind === "digest") {
    return due.map((item) => ({
      kind: "reminder",
      state: "held",
      findings: [item.finding.id],
      severity: item.finding.severity,
      title: stillOpenTitle(item.finding, now),
      body: "",
      why: way.why,
      dueAt: way.at,
      heldBecause: way.because,
      tellings: [tellings(item)],
    }));
  }
  const [first] = due;
  if (!first) return [];
  const more = due.length > 1 ? ` (and ${due.length - 1} more)` : "";
  const entries = due.map((item): Entry => ({
    check: item.finding.check,
    lines: [
      ...(due.length > 1 ? [`${item.finding.severity}: ${stillOpenTitle(item.finding, now)}`] : []),
      ...linesOf(item.finding, now, timezone),
      saidSoOften(item),
    ],
    remark: null,
    rank: 0,
  }));
  const { id } = first.finding;
  return [
    {
      kind: "reminder",
      state: "ready",
      findings: due.map(({ finding }) => finding.id),
      severity: first.finding.severity,
      title: `${stillOpenTitle(first.finding, now)}${more}`,
      body: bodyOf(
        entries,
        `\`watchkeeper findings ack ${id}\` ends the reminders, \`watchkeeper findings snooze ${id} --for 2h\` puts them off.`,
      ),
      why: [...new Set(due.map(({ reminder }) => reminder.why))].join("; "),
      dueAt: now,
      tellings: due.map(tellings),
    },
  ];
}

export const stillOpenTitle = (finding: Finding, now: number): string =>
  `Still open after ${openFor(finding, now)}: ${ownTitle(finding)}`;

export function saidSoOften(item: ToldFinding): string {
  const times = timesSaid(item);
  return `said ${times === 1 ? "once" : `${times} times`} before`;
}
