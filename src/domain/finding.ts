/**
 * What checks see and what is new about it: the words of the glossary as types.
 *
 * An observation is one thing a check saw. A finding is an observation that was opened, changed or
 * resolved against what the store knew; it is what the agent is woken for.
 */

/** Least to most severe; set by deterministic code, never by the model. */
export const severities = ["info", "notice", "warning", "critical"] as const;
export type Severity = (typeof severities)[number];

/** Untrusted: anything a stranger could have written (mail, invites, web responses, feeds). */
export const trusts = ["trusted", "untrusted"] as const;
export type Trust = (typeof trusts)[number];

export const findingStates = ["opened", "changed", "resolved"] as const;
/** What happened last to the finding. */
export type FindingState = (typeof findingStates)[number];

export const findingStatuses = ["open", "acked", "snoozed", "resolved"] as const;
/** Where the finding stands for the owner. */
export type FindingStatus = (typeof findingStatuses)[number];

export const verdicts = ["ignore", "digest", "notify"] as const;
/** The word on one finding: leave it in the log, put it in the digest, or tell the owner now. */
export type Verdict = (typeof verdicts)[number];

export type DecidedBy = "model" | "rules";

/** An observation after validation: sizes capped, defaults filled in, times as milliseconds. */
export interface Observation {
  /** Names the thing within its check; the same key is the same thing. */
  readonly key: string;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string | null;
  /** JSON for the skill's own tools and for queries; not shown to the model. */
  readonly data: unknown;
  readonly trust: Trust;
  /** A new fingerprint under a known key makes the finding `changed`. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch at which the thing is over by itself, or null. */
  readonly closesAt: number | null;
  /** Milliseconds since the epoch at which the thing began, when that is before it was seen. */
  readonly since: number | null;
}

/** A finding as the store keeps it. Times are milliseconds since the epoch. */
export interface Finding {
  readonly id: number;
  readonly skill: string;
  /** Full name, `skill/check`. */
  readonly check: string;
  readonly key: string;
  readonly state: FindingState;
  readonly status: FindingStatus;
  readonly severity: Severity;
  readonly trust: Trust;
  readonly title: string;
  readonly text: string | null;
  readonly data: unknown;
  /** Counts what happened to the finding; a verdict holds for one revision. */
  readonly revision: number;
  /** The last revision that a run or the rules gave a verdict for; 0 when none did. */
  readonly handledRevision: number;
  /** The last revision that the owner was told of at once; 0 when never. */
  readonly toldRevision: number;
  readonly openedAt: number;
  readonly changedAt: number;
  readonly resolvedAt: number | null;
  readonly since: number | null;
  readonly verdict: Verdict | null;
  readonly decidedBy: DecidedBy | null;
}

export const severityRank = (severity: Severity): number => severities.indexOf(severity);

export const atLeast = (severity: Severity, floor: Severity): boolean =>
  severityRank(severity) >= severityRank(floor);
