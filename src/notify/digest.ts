import { severityRank, type Finding } from "../domain/finding.ts";
import { plainText } from "../domain/plain-text.ts";
import type { ToldFinding } from "../domain/reminder.ts";
import { untold, type TellingHistory } from "../domain/telling.ts";
import type { NewNotification, NotificationRecord } from "../store/port.ts";
import { loudestOf } from "./compose.ts";
import { listed, type Entry } from "./listing.ts";
import { saidSoOften, stillOpenTitle } from "./reminders.ts";
import {
  isModels,
  labelOf,
  longestBody,
  modelsWords,
  openFor,
  ownTitle,
  withoutMark,
} from "./words.ts";

/** One message at set times for what need not interrupt. Pure. */

/**
 * Of what was held, what is still worth telling: the last word on each trouble, unless the owner knows of
 * it already, has put it off, or it is over by itself since then.
 */
export function worthTelling(
  held: readonly NotificationRecord[],
  findings: readonly Finding[],
  histories: ReadonlyMap<number, TellingHistory>,
): NotificationRecord[] {
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  // What is about no finding, such as an approval that is asked for, has no later word.
  const lastWords = new Map(
    held.map((item) => [item.findings[0] ?? `notification ${item.id}`, item]),
  );
  return [...lastWords.values()].filter((item) => {
    const finding = byId.get(item.findings[0] ?? 0);
    if (!finding) return true;
    if (finding.status === "acked" || finding.status === "snoozed") return false;
    const { latestFindingId, tellings } = histories.get(finding.id) ?? untold(finding.id);
    // It has come back since: whatever there is to say of it is said of that.
    if (latestFindingId !== finding.id) return false;
    const toldSince = tellings.some(
      ({ findingId, kind, at }) =>
        findingId === finding.id && kind === "told" && at > item.createdAt,
    );
    if (toldSince) return false;
    return finding.resolvedAt === null || item.createdAt >= finding.resolvedAt;
  });
}

/** Of one check, in the whole digest, and in characters: beyond that it is counted. */
const mostPerCheck = 10;
const mostEntries = 60;
const mostCharacters = 24_000;

/**
 * First what the day's cap held back, the most severe and the oldest first; then the rest by skill, each
 * with the model's words; then what is still open. What is said of several (that no model looked) is said
 * once, at the end.
 */
export function composeDigest(
  held: readonly NotificationRecord[],
  stillOpen: readonly ToldFinding[],
  { findings, now }: { readonly findings: ReadonlyMap<number, Finding>; readonly now: number },
): NewNotification {
  const room = { entries: mostEntries, characters: mostCharacters };
  let hidden = 0;
  const section = (heading: string, entries: readonly Entry[]): string => {
    const listing = listed(entries, { perCheck: mostPerCheck, room }, (remark, count) =>
      indent(modelsWords(remark, count), 4),
    );
    hidden += listing.hidden;
    const lines = listing.blocks.map((block) => (block.startsWith("and ") ? `  ${block}` : block));
    return [heading, ...lines].join("\n");
  };
  const findingOf = ({ findings: [id = 0] }: NotificationRecord) => findings.get(id);
  const entryOf = (item: NotificationRecord): Entry => {
    const [words] = linesOf(item).filter(isModels);
    const finding = findingOf(item);
    // It has gone on since it was held.
    const title = finding && item.kind === "reminder" ? stillOpenTitle(finding, now) : item.title;
    return {
      check: finding?.check ?? "other",
      lines: [`  ${labelOf(item.kind, item.severity)}: ${title}`],
      remark: words === undefined ? null : withoutMark(words),
      rank: severityRank(item.severity),
    };
  };

  const ranked = (items: readonly NotificationRecord[]) => items.toSorted(byRank).map(entryOf);
  const asked = held.filter(({ kind }) => kind === "notice");
  const told = held.filter(({ kind }) => kind !== "notice");
  const overflow = told.filter(({ heldBecause }) => heldBecause === "cap");
  const open = stillOpen.map((item) => stillOpenEntry(item, now));
  const bySkill = Map.groupBy(
    told.filter(({ heldBecause }) => heldBecause !== "cap"),
    (item) => findingOf(item)?.skill ?? "other",
  );
  const sections = [
    ...(asked.length > 0 ? [section("Waits for your word:", asked.map(questionOf))] : []),
    ...(overflow.length > 0
      ? [section("Held back, as the day had enough interruptions:", ranked(overflow))]
      : []),
    ...[...bySkill].map(([skill, items]) => section(`${skill}:`, ranked(items))),
    ...(open.length > 0 ? [section("Still open:", open)] : []),
  ];
  if (hidden > 0) sections.push("`watchkeeper findings --all` shows all.");
  const caveats = new Set(told.flatMap((item) => linesOf(item).filter((line) => !isModels(line))));
  return {
    kind: "digest",
    state: "ready",
    findings: [
      ...held.flatMap((item) => item.findings),
      ...stillOpen.map(({ finding }) => finding.id),
    ],
    severity: loudestOf([
      ...held.map(({ severity }) => severity),
      ...stillOpen.map(({ finding }) => finding.severity),
    ]),
    title: titleOf(held.length, stillOpen.length),
    body: plainText(
      [...sections, [...caveats].join("\n")].filter(Boolean).join("\n\n"),
      longestBody,
    ),
    why: "the digest is due",
    dueAt: now,
    tellings: tellingsOf(told, stillOpen, findings),
  };
}

/** What the owner hears with it. Of a held reminder that was noted when it was planned. */
function tellingsOf(
  told: readonly NotificationRecord[],
  stillOpen: readonly ToldFinding[],
  findings: ReadonlyMap<number, Finding>,
): NonNullable<NewNotification["tellings"]> {
  const ids = told.filter(({ kind }) => kind !== "reminder").flatMap((item) => item.findings);
  const heard = [
    ...ids.flatMap((id) => findings.get(id) ?? []),
    ...stillOpen.map(({ finding }) => finding),
  ];
  return [...new Map(heard.map((finding) => [finding.id, finding])).values()].map(
    ({ id, state, severity }) => ({ findingId: id, kind: "digest", state, severity }),
  );
}

function titleOf(things: number, open: number): string {
  const count = things === 1 ? "1 thing" : `${things} things`;
  if (open === 0) return `Digest: ${count}`;
  return things === 0 ? `Digest: ${open} still open` : `Digest: ${count}, ${open} still open`;
}

const stillOpenEntry = (item: ToldFinding, now: number): Entry => ({
  check: item.finding.check,
  lines: [
    `  ${item.finding.severity}: ${ownTitle(item.finding)}, for ${openFor(item.finding, now)}, ${saidSoOften(item)}`,
  ],
  remark: null,
  rank: severityRank(item.finding.severity),
});

/** A question is not torn apart: all of it, and what it was when it was asked, is read elsewhere. */
const questionOf = ({ approvalId, kind, severity, title, body }: NotificationRecord): Entry => ({
  check: "questions",
  lines: [
    `  ${labelOf(kind, severity)}: ${title}`,
    ...(approvalId === null || approvalId === undefined
      ? body.split("\n").map((line) => indent(line, 4))
      : [
          `    \`watchkeeper approvals show ${approvalId}\` shows what would be done, and until when.`,
        ]),
  ],
  remark: null,
  rank: severityRank(severity),
});

const linesOf = ({ body }: NotificationRecord): string[] => body.split("\n").filter(Boolean);
const indent = (line: string, by: number): string => `${" ".repeat(by)}${line}`;
/** The most severe first, then the oldest. */
const byRank = (a: NotificationRecord, b: NotificationRecord): number =>
  severityRank(b.severity) - severityRank(a.severity) || a.createdAt - b.createdAt;
