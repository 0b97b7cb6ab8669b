import type { HeldReason } from "../../domain/attention.ts";
import type { ChannelHealth } from "../../domain/channel-health.ts";
import type { ChannelUse, Delivery } from "../../domain/delivery.ts";
import type { Severity } from "../../domain/finding.ts";
import type { Telling } from "../../domain/telling.ts";

/** Messages to the owner, and their way over the channels. */

export interface NewNotification {
  /** `recovery`: all that it tells of is over; `reminder`: all of it was told before, and is open still. */
  readonly kind: "finding" | "recovery" | "digest" | "notice" | "reminder";
  /** `held` waits for the digest that is due at `dueAt`. */
  readonly state: "held" | "ready";
  readonly findings: readonly number[];
  readonly severity: Severity;
  readonly title: string;
  readonly body: string;
  readonly why: string;
  readonly dueAt: number;
  /** The approval that it asks for: told of once. */
  readonly approvalId?: number | null;
  /** Of a held one: what made it wait. */
  readonly heldBecause?: HeldReason | null;
  /** What the owner hears with it, kept with it: a kill leaves both or neither. */
  readonly tellings?: readonly Omit<Telling, "at">[];
}

export interface NotificationRecord extends Omit<NewNotification, "state" | "tellings"> {
  readonly id: number;
  readonly runId: number | null;
  readonly state: "held" | "ready" | "delivered" | "untold" | "folded";
  readonly createdAt: number;
}

/** One message on one channel. */
export interface DeliveryRecord extends Delivery {
  /** Names it to the channel: the same for every attempt. */
  readonly key: string;
}

/** A message that is on its way to some channel, with all deliveries that were ever planned for it. */
export interface UndeliveredRecord {
  readonly notificationId: number;
  readonly severity: Severity;
  readonly deliveries: readonly DeliveryRecord[];
}

export interface DeliveryEnd {
  readonly at: number;
  readonly state: "sent" | "failed" | "unknown";
  readonly error: string | null;
  /** Of one that failed: when it is tried again; null for at once. */
  readonly nextAt: number | null;
  /** How the channel stands now; null when it says nothing of the channel. */
  readonly health: Pick<ChannelHealth, "consecutiveFailures" | "failingSince"> | null;
}

export interface ChannelRegistration {
  readonly name: string;
  readonly use: ChannelUse;
  /** Messages from this severity on. */
  readonly severity: Severity;
}

export interface ChannelRecord extends ChannelRegistration {
  readonly consecutiveFailures: number;
  readonly failingSince: number | null;
  /** Of the last failure; it stays when the channel works again. */
  readonly lastError: string | null;
  readonly lastSentAt: number | null;
  /** Deliveries that are still tried. */
  readonly waiting: number;
}
