import { atLeast, type Finding, type Observation, type Severity } from "./finding.ts";
import { ordersSkill } from "./standing-orders.ts";

/** What the store knows of one key of a check. */
export interface KnownObservation {
  readonly key: string;
  readonly fingerprint: string;
  readonly findingId: number;
  readonly closesAt: number | null;
  /** When it was resolved, or null while it holds. */
  readonly goneAt: number | null;
}

export interface SeenLook {
  readonly observations: readonly Observation[];
  /** True when the observations are all there is. */
  readonly complete: boolean;
  /** Keys that the check says are over. */
  readonly gone: readonly string[];
}

export type Change =
  | { readonly kind: "opened"; readonly observation: Observation }
  | {
      readonly kind: "changed";
      readonly known: KnownObservation;
      readonly observation: Observation;
    }
  /** Nothing new, but it will be over by itself at another time than was thought. */
  | {
      readonly kind: "rescheduled";
      readonly known: KnownObservation;
      readonly closesAt: number | null;
    }
  | {
      readonly kind: "resolved";
      readonly known: KnownObservation;
      readonly because: "gone" | "missing" | "closed";
    };

/**
 * Compares one look with what was known. A key not seen before, or seen again after it was resolved,
 * is opened; a new fingerprint is changed; only what the look names as gone, what is missing from a
 * complete look, or what is past its `closesAt` is resolved. A look that returns only news therefore
 * resolves nothing of yesterday's. A new `closesAt` alone is no news, but it counts from then on.
 *
 * @param known what the store has under the keys of this look and, for a complete look, all that holds
 */
export function diffLook(
  known: ReadonlyMap<string, KnownObservation>,
  look: SeenLook,
  now: number,
): Change[] {
  const changes: Change[] = [];
  const gone = new Set(look.gone);
  const seen = new Map<string, Observation>();
  // The last word on a key within one look counts.
  for (const observation of look.observations) seen.set(observation.key, observation);

  for (const [key, observation] of seen) {
    if (gone.has(key) || isOver(observation.closesAt, now)) continue;
    const before = known.get(key);
    if (!before || before.goneAt !== null) changes.push({ kind: "opened", observation });
    else if (before.fingerprint !== observation.fingerprint) {
      changes.push({ kind: "changed", known: before, observation });
    } else if (before.closesAt !== observation.closesAt) {
      changes.push({ kind: "rescheduled", known: before, closesAt: observation.closesAt });
    }
  }
  for (const before of known.values()) {
    if (before.goneAt !== null) continue;
    const observation = seen.get(before.key);
    if (gone.has(before.key)) changes.push({ kind: "resolved", known: before, because: "gone" });
    else if (isOver(observation ? observation.closesAt : before.closesAt, now)) {
      changes.push({ kind: "resolved", known: before, because: "closed" });
    } else if (look.complete && !observation) {
      changes.push({ kind: "resolved", known: before, because: "missing" });
    }
  }
  return changes;
}

const isOver = (closesAt: number | null, now: number): boolean =>
  closesAt !== null && closesAt <= now;

/** Why nobody hears of what {@link changeIsNews} and {@link endIsNews} say is none. */
export const noNews = "you have acknowledged or snoozed it";

/**
 * Whether anybody needs to hear that a finding changed: what the owner has acknowledged or snoozed
 * comes back only when it gets worse. An order that is due once more is another occasion: of that the
 * owner knows nothing, but may have snoozed it.
 */
export function changeIsNews(
  before: Pick<Finding, "skill" | "status" | "severity">,
  now: Severity,
): boolean {
  if (before.status === "open" || !atLeast(before.severity, now)) return true;
  return before.skill === ordersSkill && before.status === "acked";
}

/**
 * Whether anybody needs to hear that it is over: not when it ended as foreseen, unless it was a warning or
 * worse that nobody has judged yet; of what the owner has acknowledged only when it had interrupted them.
 */
export function endIsNews(
  before: Pick<Finding, "status" | "severity" | "revision" | "handledRevision" | "toldRevision">,
  because: Extract<Change, { kind: "resolved" }>["because"],
): boolean {
  if (before.status === "acked") return because !== "closed" && before.toldRevision > 0;
  if (because !== "closed") return true;
  return atLeast(before.severity, "warning") && before.handledRevision < before.revision;
}
