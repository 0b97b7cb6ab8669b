import type { Observation } from "../../domain/finding.ts";
import type { HealthStatus, LookedHealth } from "../../domain/health.ts";
import type { EffectKind } from "./effects.ts";
import type { FindingEvent } from "./findings.ts";

/** Checks, and what a look of one has seen. */

/** A check as the store remembers it between beats. */
export interface CheckRecord {
  readonly name: string;
  readonly skill: string;
  readonly schedule: string;
  readonly enabled: boolean;
  readonly status: HealthStatus;
  /** Null when it never ran: due now. */
  readonly nextDueAt: number | null;
  readonly lastRunAt: number | null;
  readonly lastOkAt: number | null;
  readonly failingSince: number | null;
  readonly consecutiveFailures: number;
  readonly lastError: string | null;
}

export interface CheckRegistration {
  readonly name: string;
  readonly skill: string;
  /** Names the schedule; when it differs from the stored one, the check is due at once. */
  readonly schedule: string;
  /** When one that was never seen is due first; else at once. */
  readonly firstDueAt?: number;
}

export type LookResult =
  | {
      readonly kind: "seen";
      readonly observations: readonly Observation[];
      readonly complete: boolean;
      readonly gone: readonly string[];
      /** Undefined keeps the last cursor. */
      readonly cursor: unknown;
    }
  | { readonly kind: "failed"; readonly error: string };

export interface Look {
  readonly beatId: number;
  readonly check: string;
  readonly skill: string;
  readonly at: number;
  /** What the look does to its check's row. */
  readonly health: LookedHealth;
  readonly result: LookResult;
  /** Opens (or, when null, resolves) the finding that says this check is blind. */
  readonly blind: { readonly title: string; readonly text: string } | null;
  /** What the owner's rules say is to be done; planned with the look. */
  readonly actions?: readonly PlannedAction[];
}

/** An effect that a rule asks for, without a model. */
export interface PlannedAction {
  /** The same for the same occasion: planned once, ever. */
  readonly idempotencyKey: string;
  readonly tool: string;
  readonly toolVersion: string;
  readonly effect: EffectKind;
  readonly arguments: unknown;
  /** At most so many by this check and tool within the hour before; undefined is no bound. */
  readonly maxPerHour: number | undefined;
}

/** The last word that came to a push address. */
export interface PushRecord {
  readonly skill: string;
  readonly name: string;
  readonly at: number;
  readonly ok: boolean;
  readonly text: string;
}

export type LookOutcome =
  | {
      readonly check: string;
      readonly events: readonly FindingEvent[];
      /** Actions that were not planned because their bound per hour was reached. */
      readonly actionsRefused: number;
    }
  | { readonly check: string; readonly error: string };
