import type { Call, CallPrice, CapName, Caps } from "../../domain/budget.ts";

/** Money and tokens. */

export interface SpendTotals {
  readonly costUsd: number;
  readonly tokens: number;
}

/** Where the periods that caps are for began, in the owner's zone. */
export interface BudgetPeriods {
  readonly dayStart: number;
  readonly monthStart: number;
}

/** One model call that was paid for. */
export interface SpendCall extends SpendTotals {
  readonly runId: number;
  readonly at: number;
  readonly model: string;
  /** How many findings of each skill its run was over. */
  readonly skills: Readonly<Record<string, number>>;
}

/** A model that billed more than a call could cost, and is asked no more. */
export interface StoppedModel {
  readonly model: string;
  readonly at: number;
  readonly reason: string;
}

export interface NewReservation extends BudgetPeriods {
  readonly runId: number;
  readonly at: number;
  readonly model: string;
  readonly call: Call;
  /** Undefined when it is not known: only the caps on tokens hold. */
  readonly price: CallPrice | undefined;
  readonly caps: Caps;
}

export type Reservation =
  | { readonly ok: true; readonly id: number; readonly maxTokens: number }
  | { readonly ok: false; readonly because: CapName | "model-stopped"; readonly reason: string };
