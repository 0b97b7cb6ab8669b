import pLimit from "p-limit";
import {
  afterFailedDelivery,
  downAt,
  isDown,
  restored,
  working,
  type ChannelHealth,
} from "../domain/channel-health.ts";
import { rests, type Clock } from "../domain/clock.ts";
import {
  attemptAt,
  decideAgainAt,
  decideDeliveries,
  nextAttemptAt,
  type ChannelUse,
  type DeliveryDecision,
} from "../domain/delivery.ts";
import { describeError } from "../domain/errors.ts";
import type { Severity } from "../domain/finding.ts";
import type {
  ChannelRegistration,
  DeliveryEnd,
  DeliveryRecord,
  NotificationRecord,
  OwnFinding,
  Store,
  UndeliveredRecord,
} from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { attemptDelivery, confirmDelivery, type AttemptOutcome } from "./attempt.ts";
import type { Channel, ConfiguredChannel } from "./channel.ts";
import { doubtFinding, downChannels, downFinding, givenUpFinding } from "./delivery-findings.ts";
import { messageOf, noExtras, type Message, type MessageExtras } from "./message.ts";

/**
 * Delivers what is ready, beside the beats: each channel on its own, one message after the other. What is
 * planned, begun and come of it is in the store before and after each attempt.
 */

export interface OutboxDependencies {
  readonly store: Store;
  /** Those of the config, in the owner's order. */
  readonly channels: readonly ConfiguredChannel[];
  /** Where the owner has not named it: told when no other channel is left. */
  readonly lastResort: Channel;
  /** What a message bears beside its text; asked for at each attempt, never stored. */
  readonly extrasFor?: (notification: NotificationRecord) => MessageExtras | Promise<MessageExtras>;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when what is under way must end. */
  readonly signal: AbortSignal;
}

export interface Outbox {
  /** Plans and begins what is due, and waits for no channel. @returns when to come again, or null */
  start(): Promise<number | null>;
  busy(): boolean;
  /** Resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

/** The way to one channel. */
interface Lane extends ChannelRegistration {
  readonly channel: Channel;
  health: ChannelHealth;
  going: Promise<void> | null;
  /** After a store that could not be written. */
  restUntil: number;
  /** What came of an attempt and could not be saved: known, and not to be found out again. */
  unsaved: EndedAttempt | null;
  /** Whether the finding that it is down is open; null when an earlier process may have left it so. */
  isToldDown: boolean | null;
}

interface EndedAttempt {
  readonly id: number;
  readonly end: DeliveryEnd;
  readonly health: ChannelHealth;
}

const storeRestMs = 30_000;
const leftOver = "the process was stopped before its outcome was known";

const soonest = (...times: (number | null)[]): number | null => {
  const known = times.filter((time) => time !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

/** @param wake called when a channel has nothing more to do at present */
export function createOutbox(dependencies: OutboxDependencies, wake: () => void): Outbox {
  const { store, clock, log, signal, extrasFor = () => noExtras } = dependencies;
  const lanes = lanesOf(dependencies);
  /** Deliveries that their channel has refused. A restart forgets them: they are tried once more. */
  const refused = new Set<number>();
  /** Messages that the owner was told may not have arrived, while others are still tried. */
  const doubted = new Set<number>();
  let isRegistered = false;
  // Two that decide at once would decide the same.
  const deciding = pLimit(1);

  async function register(): Promise<void> {
    if (isRegistered) return;
    const records = await store.registerChannels(
      lanes.map(({ name, use, severity }) => ({ name, use, severity })),
      { at: clock.now() },
    );
    for (const record of records) {
      const lane = lanes.find(({ name }) => name === record.name);
      if (lane) lane.health = restored(record);
    }
    isRegistered = true;
  }

  /** Decides until there is nothing left to decide. @returns what is to be delivered now or later */
  const look = (): Promise<readonly UndeliveredRecord[]> =>
    deciding(async () => {
      await register();
      await tellOfChannels();
      for (;;) {
        const undelivered = await store.undelivered();
        let hasMoved = false;
        for (const message of undelivered) hasMoved = (await move(message)) || hasMoved;
        if (!hasMoved) return undelivered;
      }
    });

  /** @returns whether anything was changed */
  async function move({ notificationId, severity, deliveries }: UndeliveredRecord) {
    const isNew = deliveries.length === 0;
    const about = isNew ? await findingsOf(notificationId) : [];
    const decision = decideDeliveries({
      ...{ severity, deliveries, refused, now: clock.now() },
      channels: lanes.map(({ health, name, use, severity: from }) => ({
        ...{ ...health, name, use, severity: from },
      })),
      avoid: isNew ? downChannels(about) : new Set(),
    });
    const { plan, end, settle, doubt } = decision;
    const isDoubtNew = doubt !== null && !doubted.has(notificationId);
    if (plan.length + end.length === 0 && settle === null && !isDoubtNew) return false;
    await store.moveDeliveries(notificationId, {
      ...{ plan, end, settle, at: clock.now() },
      tell: await wordsOn(notificationId, deliveries, decision),
    });
    if (doubt !== null) doubted.add(notificationId);
    if (!isNew || plan.length === 0) {
      log.info({ notificationId, plan, end, settle }, "a delivery takes another course");
    }
    return true;
  }

  async function findingsOf(notificationId: number) {
    const notification = await store.getNotification(notificationId);
    return store.getFindings(notification?.findings ?? []);
  }

  async function wordsOn(
    notificationId: number,
    deliveries: readonly DeliveryRecord[],
    { end, doubt }: DeliveryDecision,
  ): Promise<OwnFinding[]> {
    const at = clock.now();
    const givenUp = end.filter(({ state }) => state === "given-up").map(({ id }) => id);
    const words = deliveries
      .filter(({ id }) => givenUp.includes(id))
      .map(({ channel }) => givenUpFinding(channel, at));
    const notification = doubt && (await store.getNotification(notificationId));
    if (!doubt || !notification) return words;
    const about = await store.getFindings(notification.findings);
    const finding = doubtFinding(notification, about, { doubt, at });
    if (!finding)
      log.warn({ notificationId }, "a message may not have arrived, and nobody is told of that");
    return finding ? [...words, finding] : words;
  }

  /** That a channel is down is a finding, as long as it is. */
  async function tellOfChannels(): Promise<void> {
    const at = clock.now();
    for (const lane of lanes) {
      const down = isDown(lane.health, at);
      if (down === lane.isToldDown || (!down && lane.health.failingSince !== null)) continue;
      const finding = downFinding(lane.name, lane.health, at);
      if (down) await store.setOwnFinding(finding);
      else await store.resolveOwnFinding(finding);
      lane.isToldDown = down;
    }
  }

  /** The first message that the channel can be tried with now, and when the next one can. */
  function nextOf(lane: Lane, undelivered: readonly UndeliveredRecord[]) {
    const now = clock.now();
    let at: number | null = null;
    for (const { notificationId, severity, deliveries } of undelivered) {
      for (const delivery of deliveries) {
        if (delivery.channel !== lane.name || !isTried(delivery)) continue;
        const due = attemptAt(delivery, lane.health, { severity, now });
        if (due <= now) return { notificationId, delivery };
        at = soonest(at, due, decideAgainAt(delivery, now));
      }
    }
    return { at };
  }

  async function go(lane: Lane): Promise<void> {
    try {
      for (;;) {
        if (lane.unsaved) await save(lane, lane.unsaved);
        if (signal.aborted) return;
        const next = nextOf(lane, await look());
        if (!next.delivery || signal.aborted) return;
        await deliver(lane, next.notificationId, next.delivery);
      }
    } catch (error) {
      lane.restUntil = clock.now() + storeRestMs;
      log.error({ channel: lane.name, error: describeError(error) }, "deliveries cannot be saved");
    }
  }

  async function deliver(lane: Lane, notificationId: number, delivery: DeliveryRecord) {
    const { id, key } = delivery;
    // Read before it is begun: what was begun counts as handed over.
    const message = await composeMessage(notificationId, key);
    // Nobody else can have begun it: one process has the store, and a lane does one thing at a time.
    const isLeft = delivery.state === "sending";
    const begunAt = isLeft ? delivery.updatedAt : clock.now();
    if (!isLeft && !(await store.beginDelivery(id, begunAt))) {
      throw new Error(`delivery ${id} was begun by somebody else`);
    }
    const first: AttemptOutcome = isLeft
      ? { kind: "unknown", error: leftOver }
      : await attemptDelivery(lane.channel, message, { clock, signal });
    // The next start has more time to find out.
    if (first.kind === "unknown" && signal.aborted) return;
    const outcome =
      first.kind === "unknown" ? await findOut(lane.channel, message, first, begunAt) : first;
    if (outcome.kind !== "sent") {
      const { error } = outcome;
      log.warn({ channel: lane.name, notificationId, error }, "not delivered");
    }
    await save(lane, isLeft ? endOfLeftOver(outcome, id, lane) : endOf(outcome, delivery, lane));
  }

  async function composeMessage(notificationId: number, key: string): Promise<Message> {
    const notification = await store.getNotification(notificationId);
    if (!notification) throw new Error(`notification ${notificationId} is not there`);
    let extras = noExtras;
    try {
      extras = await extrasFor(notification);
    } catch (error) {
      log.warn({ notificationId, error: describeError(error) }, "a message goes out without links");
    }
    return messageOf(notification, { key, extras });
  }

  /** What may have arrived is asked for; where nobody can tell, repeating is for channels that it does not harm. */
  async function findOut(
    channel: Channel,
    message: Message,
    unknown: AttemptOutcome & { kind: "unknown" },
    since: number,
  ): Promise<AttemptOutcome> {
    const confirmed = await confirmDelivery(channel, message, { clock, signal, since });
    if (confirmed === "sent") return { kind: "sent" };
    if (confirmed === undefined && !channel.repeatable) return unknown;
    return { kind: "not-sent", error: unknown.error, retryable: true, retryAt: undefined };
  }

  function endOf(
    outcome: AttemptOutcome,
    { id, attempts }: DeliveryRecord,
    lane: Lane,
  ): EndedAttempt {
    const now = clock.now();
    if (outcome.kind === "sent") {
      refused.delete(id);
      const end = { state: "sent", at: now, error: null, nextAt: null, health: working } as const;
      return { id, end, health: working };
    }
    const isUnknown = outcome.kind === "unknown";
    const failure = isUnknown
      ? { now, retryable: true, retryAt: undefined }
      : { now, retryable: outcome.retryable, retryAt: outcome.retryAt };
    if (!failure.retryable) refused.add(id);
    const health = afterFailedDelivery(lane.health, failure);
    const { consecutiveFailures, failingSince } = health;
    const end: DeliveryEnd = {
      state: isUnknown ? "unknown" : "failed",
      at: now,
      error: outcome.error,
      nextAt: isUnknown ? null : nextAttemptAt(attempts + 1, failure),
      health: { consecutiveFailures, failingSince },
    };
    return { id, end, health };
  }

  /** That a process was stopped says nothing of the channel, and what can be tried again is at once. */
  function endOfLeftOver(outcome: AttemptOutcome, id: number, lane: Lane): EndedAttempt {
    const state = ({ sent: "sent", "not-sent": "failed", unknown: "unknown" } as const)[
      outcome.kind
    ];
    const error = outcome.kind === "sent" ? null : outcome.error;
    const end = { state, at: clock.now(), error, nextAt: null, health: null };
    return { id, end, health: lane.health };
  }

  async function save(lane: Lane, ended: EndedAttempt): Promise<void> {
    lane.unsaved = ended;
    lane.health = ended.health;
    await store.finishDelivery(ended.id, ended.end);
    lane.unsaved = null;
  }

  return {
    async start() {
      if (signal.aborted) return null;
      const undelivered = await look();
      const times: (number | null)[] = [];
      const now = clock.now();
      for (const lane of lanes) {
        if (lane.going) continue;
        const down = lane.isToldDown ? null : downAt(lane.health);
        times.push(down !== null && down > now ? down : null);
        const next = nextOf(lane, undelivered);
        if (!next.delivery && !lane.unsaved) times.push(next.at ?? null);
        else if (rests(lane.restUntil, now, storeRestMs)) times.push(lane.restUntil);
        else {
          lane.going = go(lane).finally(() => {
            lane.going = null;
            wake();
          });
        }
      }
      return soonest(...times);
    },
    busy: () => lanes.some(({ going }) => going !== null),
    async ended() {
      for (;;) {
        const going = lanes.flatMap((lane) => lane.going ?? []);
        if (going.length === 0) return;
        await Promise.all(going);
      }
    },
  };
}

const isTried = ({ state }: DeliveryRecord): boolean =>
  state === "waiting" || state === "failed" || state === "sending";

function lanesOf({ channels, lastResort }: OutboxDependencies): Lane[] {
  const lane = (channel: Channel, use: ChannelUse, severity: Severity): Lane => ({
    ...{ name: channel.name, use, severity, channel },
    ...{ health: working, going: null, restUntil: 0, unsaved: null, isToldDown: null },
  });
  const named = channels.map(({ channel, use, severity }) => lane(channel, use, severity));
  const isNamed = named.some(({ name }) => name === lastResort.name);
  return isNamed ? named : [...named, lane(lastResort, "last-resort", "info")];
}
