import type { DeliveryState } from "../../domain/delivery.ts";
import type { FindingState, Severity } from "../../domain/finding.ts";
import type { BeatRecord } from "./beats.ts";
import type { ApprovalStatus, EffectKind, EffectState } from "./effects.ts";
import type { CheckRecord } from "./looks.ts";
import type { ChannelRecord } from "./notifications.ts";
import type { RunOutcome, Usage } from "./runs.ts";
import type { UpkeepRecord } from "./upkeep.ts";

/** The daemon itself, and how the watch stands. */

/** The stop button while it is pressed. */
export interface PauseRecord {
  readonly pausedAt: number;
  readonly until: number | null;
  readonly reason: string | null;
}

export interface DaemonRecord {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: number;
  readonly stoppedAt: number | null;
  /** The longest gap between beats. */
  readonly heartbeatMs: number;
  readonly skillsOff: readonly SkillOff[];
  /** Where the page is offered, or why it is not; both null before that is known. */
  readonly webUrl: string | null;
  readonly webOff: string | null;
  /** The owner's zone, as configured: an IANA name. Null when an older version wrote the row. */
  readonly timezone: string | null;
}

/** A skill that cannot be used. */
export interface SkillOff {
  readonly name: string;
  readonly error: string;
}

export interface StatusRecord {
  readonly daemon: DaemonRecord | null;
  readonly lastBeat: Pick<BeatRecord, "id" | "outcome" | "startedAt" | "finishedAt"> | null;
  /** All that were ever registered, those no longer enabled included. */
  readonly checks: readonly CheckRecord[];
  readonly openFindings: number;
  readonly pendingApprovals: number;
  /** Messages that no channel has yet. */
  readonly undelivered: number;
  /** In the owner's order. */
  readonly channels: readonly ChannelRecord[];
  /** Care of the file, by what is done. */
  readonly upkeep: readonly UpkeepRecord[];
  readonly file: { readonly bytes: number; readonly freeBytes: number };
}

/** How often what happened since the first start, what is no longer kept included. */
export interface TotalsRecord {
  /** Those that ended; `found` ones are among the completed. */
  readonly beats: Readonly<Record<"completed" | "found" | "missed" | "failed", number>>;
  readonly findingEvents: readonly Counted<{ state: FindingState; severity: Severity }>[];
  /** Unresolved ones. */
  readonly openFindings: readonly Counted<{ severity: Severity }>[];
  /** Those that ended. */
  readonly runs: readonly Counted<{ outcome: RunOutcome }>[];
  /** Settled model calls. */
  readonly spend: readonly (Usage & { readonly model: string; readonly calls: number })[];
  readonly effects: readonly Counted<{ effect: EffectKind; state: EffectState }>[];
  readonly approvals: readonly Counted<{ status: ApprovalStatus }>[];
  readonly deliveries: readonly Counted<{ channel: string; state: DeliveryState }>[];
}

type Counted<By> = Readonly<By> & { readonly count: number };
