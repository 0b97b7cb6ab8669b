/** What becomes of findings that nobody has judged yet: a run, the rules, or waiting. */
import { type ClockRange, isWithin, nextStart } from "./active-hours.ts";
import { atLeast, type Finding } from "./finding.ts";

/** A finding whose present revision has no verdict. */
export type PendingFinding = Pick<
  Finding,
  "id" | "severity" | "state" | "openedAt" | "changedAt" | "revision" | "toldRevision"
> & {
  /** When it is over by itself, or null. */
  readonly closesAt: number | null;
};

export interface GateInput {
  readonly pending: readonly PendingFinding[];
  readonly now: number;
  /** When runs and interruptions are welcome; null for always. */
  readonly activeHours: ClockRange | null;
  readonly timezone: string;
  readonly paused: boolean;
  /** There is a model and it may be called. */
  readonly modelReady: boolean;
  /** The caps leave room for a model call. */
  readonly budgetLeft: boolean;
  readonly runInProgress: boolean;
  /** When the next digest goes out, or null when there is none. */
  readonly digestDueAt: number | null;
  /** How long a `notice` may wait for others to share its run; 0 for not at all. */
  readonly gatherMs: number;
}

export type GateDecision =
  | {
      readonly kind: "nothing";
      readonly because: "nothing-pending" | "run-in-progress" | "only-info";
    }
  | { readonly kind: "run"; readonly findingIds: number[] }
  | {
      readonly kind: "rules";
      readonly findingIds: number[];
      readonly reason: "no-model" | "paused" | "over-budget" | "outside-active-hours";
    }
  | {
      readonly kind: "hold";
      readonly until: number;
      readonly because: "outside-active-hours" | "only-info" | "gathering";
    };

/**
 * Findings of `notice` and above wake a run, which takes all that is pending; `info` alone waits
 * for the digest, and `notice` for others where the owner wants them gathered. Ask again once the decision is carried out: outside active hours the rules take
 * the critical findings, and only the next answer holds the others.
 */
export function decideGate(input: GateInput): GateDecision {
  const { pending, now, activeHours, timezone, digestDueAt } = input;
  if (pending.length === 0) return { kind: "nothing", because: "nothing-pending" };
  if (input.runInProgress) return { kind: "nothing", because: "run-in-progress" };

  const digestDue = digestDueAt !== null && digestDueAt <= now;
  if (!digestDue && !pending.some(({ severity }) => atLeast(severity, "notice"))) {
    if (digestDueAt === null) return { kind: "nothing", because: "only-info" };
    return { kind: "hold", until: digestDueAt, because: "only-info" };
  }

  if (activeHours && !isWithin(activeHours, now, timezone)) {
    const reason = "outside-active-hours";
    const critical = pending.filter(({ severity }) => severity === "critical");
    if (critical.length > 0) return { kind: "rules", findingIds: idsOf(critical), reason };
    return { kind: "hold", until: nextStart(activeHours, now, timezone), because: reason };
  }

  const findingIds = idsOf(pending);
  if (input.paused) return { kind: "rules", findingIds, reason: "paused" };
  if (!input.modelReady) return { kind: "rules", findingIds, reason: "no-model" };
  if (!input.budgetLeft) return { kind: "rules", findingIds, reason: "over-budget" };
  const until = digestDue ? now : gatheredAt(input);
  if (until > now) return { kind: "hold", until, because: "gathering" };
  return { kind: "run", findingIds };
}

/** So much before a digest what was gathered is judged, so that the digest has it. */
const beforeDigestMs = 5 * 60_000;

/**
 * When what is pending has waited long enough for company. Nobody waits with a warning, and what is over by
 * itself soon must not be judged when it is too late: it waits for at most half of the time that is left.
 */
function gatheredAt({ pending, now, gatherMs, digestDueAt }: GateInput): number {
  const waits = pending
    .filter(({ severity }) => atLeast(severity, "notice"))
    .map(({ severity, changedAt, closesAt }) => {
      // A change in the future was written by a clock that was set back.
      if (severity !== "notice" || changedAt > now) return now;
      const left = closesAt === null ? Infinity : Math.max(0, closesAt - changedAt);
      return changedAt + Math.min(gatherMs, left / 2);
    });
  return Math.min(...waits, (digestDueAt ?? Infinity) - beforeDigestMs);
}

const defaultPatienceMs = 60_000;

/**
 * The critical findings that have waited too long for a run to tell them, and when the next one
 * will have; null when no other waits.
 */
export function untoldCriticals({
  pending,
  now,
  afterMs = defaultPatienceMs,
}: {
  readonly pending: readonly PendingFinding[];
  readonly now: number;
  readonly afterMs?: number;
}): { findingIds: number[]; nextDeadline: number | null } {
  const overdue: PendingFinding[] = [];
  let nextDeadline: number | null = null;
  for (const finding of pending) {
    const { severity, state, toldRevision, revision, changedAt } = finding;
    if (severity !== "critical" || state === "resolved" || toldRevision >= revision) continue;
    const deadline = changedAt + afterMs;
    // A change far in the future was written by a clock that was set back: better early than never.
    if (deadline <= now || changedAt > now + afterMs) overdue.push(finding);
    else nextDeadline = Math.min(nextDeadline ?? deadline, deadline);
  }
  return { findingIds: idsOf(overdue), nextDeadline };
}

const idsOf = (findings: readonly PendingFinding[]): number[] => findings.map(({ id }) => id);
