import type {
  DecidedBy,
  Finding,
  FindingState,
  Severity,
  Trust,
  Verdict,
} from "../../domain/finding.ts";
import type { NewNotification } from "./notifications.ts";

/** Findings, what happened to them and what was said of them. */

/** An unresolved finding that the owner was told of, without its words. */
export type ToldBrief = Pick<
  Finding,
  "id" | "skill" | "check" | "severity" | "status" | "openedAt"
>;

/** A finding whose last revision has no verdict. */
export interface PendingRecord extends Finding {
  /** When it is over by itself, or null. */
  readonly closesAt: number | null;
  /** The owner's word on it, until it gets worse. */
  readonly ackedAt: number | null;
  /** Of one that was put off, and after that until it changes. */
  readonly snoozedUntil: number | null;
}

/** Something that happened to a finding. `news` is false when nobody needs to hear of it. */
export interface FindingEvent {
  readonly findingId: number;
  readonly state: FindingState;
  readonly severity: Severity;
  readonly title: string;
  readonly check: string;
  readonly news: boolean;
}

export interface FindingVerdict {
  readonly findingId: number;
  /** The revision that was judged; later news of the finding stays pending. */
  readonly revision: number;
  readonly verdict: Verdict;
  readonly decidedBy: DecidedBy;
  readonly message: string | null;
  /** True when the owner is told of it at once. */
  readonly told: boolean;
}

/** Something that the daemon has to say about itself. */
export interface OwnFinding {
  /** Such as `watchkeeper/budget`. */
  readonly check: string;
  readonly key: string;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string | null;
  readonly at: number;
  /** When it began, if that was before. */
  readonly since?: number;
  /** `untrusted` when a stranger's words are in it. */
  readonly trust?: Trust;
}

export interface Verdicts {
  readonly at: number;
  readonly verdicts: readonly FindingVerdict[];
  readonly notifications: readonly NewNotification[];
}
