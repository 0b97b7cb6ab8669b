/**
 * What the owner was told of a trouble so far, and what follows from it for the next word: whether it
 * is said again, and which word of the owner's (acknowledged, put off) stands.
 */
import { formatDuration } from "./duration.ts";
import { severityRank, type Finding, type FindingState, type Severity } from "./finding.ts";

/** told: at once; digest: in a digest; reminder: that it is still open. */
export const tellingKinds = ["told", "digest", "reminder"] as const;
export type TellingKind = (typeof tellingKinds)[number];

/** One time that the owner was told of one finding. */
export interface Telling {
  readonly findingId: number;
  readonly kind: TellingKind;
  /** Of the finding as it was told. */
  readonly state: FindingState;
  readonly severity: Severity;
  readonly at: number;
}

/** What was told of a finding, and of others under the same check and key. */
export interface TellingHistory {
  /** In the order in which it was told: of this finding all, of others under its key those of the last day. */
  readonly tellings: readonly Telling[];
  /** How often something opened or changed under the key within the last hour, this time included. */
  readonly timesWithinHour: number;
  /** The last finding under the key. */
  readonly latestFindingId: number;
  readonly ackedAt: number | null;
  readonly snoozedUntil: number | null;
}

/** Of a finding that nothing was told of, and that the owner has said nothing about. */
export const untold = (findingId: number): TellingHistory => ({
  tellings: [],
  timesWithinHour: 1,
  latestFindingId: findingId,
  ackedAt: null,
  snoozedUntil: null,
});

/** hushed: it ended while acknowledged or put off; woken: the time it was put off for is over. */
export type OwnersWord = "hushed" | "woken" | null;

export function ownersWord(
  { state, resolvedAt }: Pick<Finding, "state" | "resolvedAt">,
  { ackedAt, snoozedUntil }: Pick<TellingHistory, "ackedAt" | "snoozedUntil">,
  now: number,
): OwnersWord {
  if (state === "resolved") {
    const putOff = snoozedUntil !== null && snoozedUntil > (resolvedAt ?? now);
    return ackedAt !== null || putOff ? "hushed" : null;
  }
  return snoozedUntil !== null && snoozedUntil <= now ? "woken" : null;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** So often within an hour a trouble may open or change; beyond that it flaps. */
const calmTimes = 3;
/** Of a critical trouble that flaps: how long after the last word the next one comes. */
const flapGapsMs = [30 * minuteMs, hourMs, 2 * hourMs, 4 * hourMs];

/** Why what would be told at once is no news. */
export interface Repeat {
  readonly because: "repeat" | "flapping";
  readonly why: string;
  /** When it is told unless it is over by then; null for with the digest. */
  readonly until: number | null;
  /** Whether quiet hours do not hold it. */
  readonly urgent: boolean;
}

/**
 * Whether this is the same again: a change for no worse within an hour of the last word, or a trouble
 * that comes and goes. Getting worse than what was told is always news, and a critical trouble that
 * flaps is told at growing distances.
 * @returns null when it is news
 */
export function repeatOf(
  finding: Pick<Finding, "id" | "state" | "severity" | "toldRevision" | "resolvedAt">,
  history: TellingHistory,
  now: number,
): Repeat | null {
  const { state, severity, toldRevision } = finding;
  const word = ownersWord(finding, history, now);
  if (word !== null) return null;
  const { timesWithinHour: times } = history;
  const flaps = times > calmTimes;
  const said = history.tellings.filter(
    (telling) => telling.state !== "resolved" && Math.abs(now - telling.at) < dayMs,
  );
  const interrupted = said.filter(({ kind }) => kind === "told");
  const last = interrupted.at(-1);
  if (state === "resolved") {
    if (!flaps || said.length === 0) return null;
    const why = `flapping: ${ordinal(times)} time within 1h`;
    const until = toldRevision > 0 ? now + hourMs : null;
    return { because: "flapping", why, until, urgent: false };
  }
  if (last && severityRank(severity) > severityRank(last.severity)) return null;
  const ago = last ? now - last.at : Infinity;
  if (flaps && said.length > 0) {
    const why = `flapping: ${ordinal(times)} time within 1h`;
    if (severity !== "critical") return { because: "flapping", why, until: null, urgent: false };
    const step = Math.min(interrupted.length - calmTimes, flapGapsMs.length - 1);
    const gap = flapGapsMs[step] ?? 0;
    if (!last || ago < 0 || ago >= gap) return null;
    return { because: "flapping", why, until: last.at + gap, urgent: true };
  }
  if (state === "changed" && severity !== "critical" && ago >= 0 && ago < hourMs) {
    const why = `told ${formatDuration(ago)} ago, and no worse`;
    return { because: "repeat", why, until: null, urgent: false };
  }
  return null;
}

/** `1st`, `2nd`, `3rd`, `4th`, `11th`. */
export function ordinal(count: number): string {
  const tens = count % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${suffix}`;
}
