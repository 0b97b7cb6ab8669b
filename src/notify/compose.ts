import { route, type Route } from "../domain/attention.ts";
import {
  severityRank,
  type DecidedBy,
  type Finding,
  type Severity,
  type Verdict,
} from "../domain/finding.ts";
import { oneLine, plainText } from "../domain/plain-text.ts";
import { defang } from "../domain/defang.ts";
import {
  ownersWord,
  repeatOf,
  untold,
  type OwnersWord,
  type TellingHistory,
} from "../domain/telling.ts";
import type { FindingVerdict, NewNotification } from "../store/port.ts";
import type { AttentionSettings } from "./attention-settings.ts";
import { listed, type Entry } from "./listing.ts";
import {
  beganAt,
  excerpt,
  labelOf,
  longestBody,
  longestExcerpt,
  modelsWords,
  titleOf,
} from "./words.ts";

export { labelOf } from "./words.ts";

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

export interface Telling {
  readonly verdicts: readonly FindingVerdict[];
  readonly notifications: readonly NewNotification[];
}

/**
 * @param input `histories` say what was told of each finding before; `caveat` is said with everything
 * told, such as that no model looked at it
 * @returns what the store saves in one go: the verdicts and the notifications that follow from them
 */
export function composeTelling(
  judged: readonly JudgedFinding[],
  input: {
    readonly now: number;
    readonly settings: AttentionSettings;
    readonly interruptionsToday: number;
    readonly histories: ReadonlyMap<number, TellingHistory>;
    readonly caveat: string | null;
  },
): Telling {
  const { now, settings, histories, interruptionsToday } = input;
  // It may quote a provider's answer.
  const caveat = defang(oneLine(input.caveat ?? "", longestExcerpt));
  const routed = judged.map((item): RoutedFinding => {
    const { finding, verdict } = item;
    if (alreadyTold(finding)) {
      return { ...item, word: null, route: { kind: "log", why: "told before" } };
    }
    const history = histories.get(finding.id) ?? untold(finding.id);
    const repeat = repeatOf(finding, history, now);
    const { severity } = finding;
    return {
      ...item,
      word: ownersWord(finding, history, now),
      ...(repeat?.because === "flapping" ? { flapping: repeat.why } : {}),
      route: route({ ...settings, verdict, severity, now, interruptionsToday, repeat }),
    };
  });
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
      title: `${titleOf(item.finding)}${item.flapping ? ` (${item.flapping})` : ""}`,
      body: [modelsWords(item.message), caveat].filter(Boolean).join("\n"),
      why: reasonOf(item),
      dueAt: item.route.at,
      heldBecause: item.route.because,
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

type RoutedFinding = JudgedFinding & {
  readonly route: Route;
  readonly word: OwnersWord;
  /** How often it comes and goes: known when it is held, and not any more when the digest is due. */
  readonly flapping?: string;
};

const kindOf = (items: readonly RoutedFinding[]): "finding" | "recovery" =>
  items.every(({ finding }) => finding.state === "resolved") ? "recovery" : "finding";

/** What is over comes last: it alarms nobody. */
const loudestFirst = (a: RoutedFinding, b: RoutedFinding): number =>
  rankOf(b.finding) - rankOf(a.finding) || a.finding.id - b.finding.id;

const rankOf = ({ state, severity }: Finding): number =>
  severityRank(severity) - (state === "resolved" ? 10 : 0);

/** Above so many of one check, or in all, the rest is counted. */
const mostPerCheck = 8;
const mostEntries = 24;
const mostCharacters = 20_000;

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
  const label = (item: RoutedFinding) =>
    `${labelOf(kindOf([item]), item.finding.severity)}: ${titleOf(item.finding)}`;
  const entries = items.map((item): Entry => ({
    check: item.finding.check,
    lines: [...(items.length > 1 ? [label(item)] : []), ...linesOf(item.finding, now, timezone)],
    remark: item.message,
    rank: rankOf(item.finding),
  }));
  return {
    kind: kindOf(items),
    state: "ready",
    findings: items.map(({ finding }) => finding.id),
    severity: first.finding.severity,
    title: `${titleOf(first.finding)}${more}`,
    body: bodyOf(entries, caveat),
    why: [...new Set(items.map(reasonOf))].join("; "),
    dueAt: now,
    tellings: items.map(({ finding: { id, state, severity } }) => ({
      findingId: id,
      kind: "told",
      state,
      severity,
    })),
  };
}

/** What can be shown of the entries, and where the rest is to be seen. */
export function bodyOf(ranked: readonly Entry[], last: string): string {
  const { blocks, hidden } = listed(
    ranked,
    {
      perCheck: mostPerCheck,
      room: { entries: mostEntries, characters: mostCharacters },
    },
    modelsWords,
  );
  const rest = hidden > 0 ? `\`watchkeeper findings --all\` shows all.` : "";
  return plainText([...blocks, rest, last].filter(Boolean).join("\n\n"), longestBody);
}

function reasonOf({ finding, decidedBy, verdict, why, word, route: way }: RoutedFinding): string {
  if (word === "hushed") return `${why}; ${way.why}`;
  if (decidedBy === "model") return `the model said ${verdict}; ${way.why}`;
  const isVerdicts = finding.state === "resolved" || word !== null;
  return isVerdicts && way.kind === "now" ? why : way.why;
}

/** What is said below a finding's title. */
export function linesOf(finding: Finding, now: number, timezone: string): string[] {
  const from = `${finding.check}, finding ${finding.id}, since ${beganAt(finding, now, timezone)}`;
  return [from, finding.state === "resolved" ? "" : excerpt(finding)].filter(Boolean);
}

/** The most severe of some, `info` of none. */
export const loudestOf = (severities: readonly Severity[]): Severity =>
  severities.reduce((a, b) => (severityRank(b) > severityRank(a) ? b : a), "info");
