/**
 * What becomes of a message on its way to the owner: which channels are given it, when each is tried, when
 * the next one takes over, and when nobody tries any more.
 */
import { backoffMs, heededUntil, type ChannelHealth, type Failure } from "./channel-health.ts";
import { atLeast, type Severity } from "./finding.ts";

/** Under this name stand the findings about messages that may not have reached the owner. */
export const deliveriesCheck = "watchkeeper/deliveries";

export const deliveryStates = [
  "waiting",
  "sending",
  "sent",
  "failed",
  "unknown",
  "given-up",
  "handed-on",
] as const;
/**
 * `waiting`: not tried yet. `sending`: begun. `sent`: the channel has it. `failed`: certainly not delivered, or
 * harmless to repeat; tried again. `unknown`: it may have arrived; never tried again. `given-up`: not tried any
 * more. `handed-on`: another channel has it, or takes it, in this one's place.
 */
export type DeliveryState = (typeof deliveryStates)[number];

export const channelUses = ["always", "fallback", "last-resort"] as const;
/** `last-resort`: the terminal where the owner did not name it. Who only it has told may not have been told. */
export type ChannelUse = (typeof channelUses)[number];

/** One message on one channel. Times are milliseconds since the epoch. */
export interface Delivery {
  readonly id: number;
  readonly channel: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly plannedAt: number;
  /** When the last attempt began, or what came of it was known. */
  readonly updatedAt: number;
  /** Not before then; null for at once. */
  readonly nextAt: number | null;
}

export interface DeliveryChannel extends ChannelHealth {
  readonly name: string;
  readonly use: ChannelUse;
  /** Messages from this severity on. */
  readonly severity: Severity;
}

export interface DeliveryInput {
  readonly severity: Severity;
  /** All deliveries of the message that were ever planned. */
  readonly deliveries: readonly Delivery[];
  /** Those of the config, in the owner's order, the last resort at the end. */
  readonly channels: readonly DeliveryChannel[];
  /** Of the deliveries, those that their channel has refused: trying again changes nothing. */
  readonly refused: ReadonlySet<number>;
  /** Channels that it would be pointless to begin with: the message says that they do not work. */
  readonly avoid?: ReadonlySet<string>;
  readonly now: number;
}

export interface DeliveryDecision {
  /** Channels that are given the message now. */
  readonly plan: readonly string[];
  /** Deliveries that are not tried any more. */
  readonly end: readonly {
    readonly id: number;
    readonly state: "unknown" | "given-up" | "handed-on";
  }[];
  /** Nothing is tried any more: whether a channel has it. */
  readonly settle: "delivered" | "untold" | null;
  /** The owner has to be told that the message `may` not, or has `not`, reached them. */
  readonly doubt: "may" | "not" | null;
}

const minuteMs = 60_000;
/** After so many attempts, or so long, the next channel takes over. */
const attemptsToHandOn = 3;
const timeToHandOnMs = 5 * minuteMs;
const timeToGiveUpMs = 24 * 60 * minuteMs;
const longestWaitMs = 60 * minuteMs;

export function decideDeliveries(input: DeliveryInput): DeliveryDecision {
  const { deliveries, channels } = input;
  if (deliveries.length === 0) {
    return { plan: firstChannels(input), end: [], settle: null, doubt: null };
  }
  const byName = new Map(channels.map((channel) => [channel.name, channel]));
  const sent = deliveries.filter(({ state }) => state === "sent");
  const uses = sent.map(({ channel }) => byName.get(channel)?.use ?? "always");
  const isTold = uses.some((use) => use !== "last-resort");
  const inPlace = uses.includes("fallback");

  const end: DeliveryDecision["end"][number][] = [];
  const open: Delivery[] = [];
  for (const delivery of deliveries) {
    if (!isOpen(delivery)) continue;
    const channel = byName.get(delivery.channel);
    const state = endOf(delivery, channel, { isTold, inPlace });
    if (state) end.push({ id: delivery.id, state });
    else open.push(delivery);
  }

  const isUnknown =
    deliveries.some(({ state }) => state === "unknown") ||
    end.some(({ state }) => state === "unknown");
  // What may have arrived is not handed on for its own sake: that it is doubtful is told instead.
  const isStuck = !isTold && open.every((delivery) => isOverdue(delivery, byName, input));
  const next = isStuck && (open.length > 0 || !isUnknown) ? nextChannel(input) : undefined;
  const plan = next === undefined ? [] : [next];
  if (open.length > 0 || plan.length > 0) {
    const doubt = isStuck && isUnknown && plan.length === 0 ? "may" : null;
    return { plan, end, settle: null, doubt };
  }
  if (sent.length > 0) return { plan, end, settle: "delivered", doubt: null };
  return { plan, end, settle: "untold", doubt: isUnknown ? "may" : "not" };
}

const isOpen = ({ state }: Delivery): boolean =>
  state === "waiting" || state === "sending" || state === "failed";

function endOf(
  delivery: Delivery,
  channel: DeliveryChannel | undefined,
  { isTold, inPlace }: { readonly isTold: boolean; readonly inPlace: boolean },
): "unknown" | "given-up" | "handed-on" | null {
  const isUnderWay = delivery.state === "sending";
  // No longer in the config: nobody can be asked what became of it.
  if (!channel) return isUnderWay ? "unknown" : "handed-on";
  if (isUnderWay) return null;
  if (isTold && (inPlace || channel.use !== "always")) return "handed-on";
  // By the last failure and not by the clock: after days of sleep everything deserves one more attempt.
  const failedAt = Math.max(
    delivery.attempts > 0 ? delivery.updatedAt : 0,
    channel.lastFailedAt ?? 0,
  );
  return failedAt - delivery.plannedAt >= timeToGiveUpMs ? "given-up" : null;
}

const takes = (channel: DeliveryChannel, { severity }: DeliveryInput): boolean =>
  atLeast(severity, channel.severity);

function firstChannels(input: DeliveryInput): string[] {
  const chosen = input.channels.filter(
    (channel) =>
      channel.use === "always" && takes(channel, input) && !input.avoid?.has(channel.name),
  );
  if (chosen.length > 0) return chosen.map(({ name }) => name);
  const next = nextChannel(input) ?? input.channels.at(-1)?.name;
  return next === undefined ? [] : [next];
}

/** One that has not been given the message yet; what the owner added since then before any fallback. */
function nextChannel(input: DeliveryInput): string | undefined {
  const given = new Set(input.deliveries.map(({ channel }) => channel));
  const free = input.channels.filter(
    (channel) =>
      !given.has(channel.name) && takes(channel, input) && !input.avoid?.has(channel.name),
  );
  const [next] = channelUses.flatMap((use) => free.filter((channel) => channel.use === use));
  return next?.name;
}

/** Whether it has to wait although it should not any longer. */
function isOverdue(
  delivery: Delivery,
  byName: ReadonlyMap<string, DeliveryChannel>,
  { severity, refused, now }: DeliveryInput,
): boolean {
  const channel = byName.get(delivery.channel);
  if (!channel || delivery.state === "sending") return false;
  // What is tried now may be delivered now.
  if (attemptAt(delivery, channel, { severity, now }) <= now) return false;
  return (
    severity === "critical" ||
    refused.has(delivery.id) ||
    delivery.attempts >= attemptsToHandOn ||
    now - delivery.plannedAt >= timeToHandOnMs
  );
}

/**
 * When a delivery is tried: at its own time, and not while its channel rests. A critical message that
 * was never tried waits for no rest, only for a server that has asked to be left alone.
 */
export function attemptAt(
  { state, attempts, nextAt }: Pick<Delivery, "state" | "attempts" | "nextAt">,
  { restUntil, leaveUntil }: Pick<ChannelHealth, "restUntil" | "leaveUntil">,
  { severity, now }: { readonly severity: Severity; readonly now: number },
): number {
  // Of a process that was stopped: what became of it is found out at once.
  if (state === "sending") return now;
  const isUrgent = severity === "critical" && attempts === 0;
  const at = Math.max(nextAt ?? 0, isUrgent ? 0 : restUntil, leaveUntil);
  // So far ahead it was set by a clock that was set back since then.
  return at > now + longestWaitMs ? now : at;
}

/** When to decide anew although nothing has happened, or null. */
export function decideAgainAt({ plannedAt }: Delivery, now: number): number | null {
  const at = plannedAt + timeToHandOnMs;
  return at > now ? at : null;
}

/**
 * When a message that failed is tried again. From the third attempt on it waits for longer than its
 * channel rests: one that the channel cannot take must not stand in the way of the others.
 */
export function nextAttemptAt(attempts: number, failure: Failure): number {
  const { now, retryable } = failure;
  const waitMs = retryable
    ? backoffMs(attempts < attemptsToHandOn ? attempts : attempts + 1)
    : backoffMs(Infinity);
  return Math.max(now + waitMs, heededUntil(failure));
}
