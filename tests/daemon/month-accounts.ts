import Database from "better-sqlite3";
import { startOf } from "../../src/domain/zoned-time.ts";
import type { Attempt } from "./month-channels.ts";
import {
  channelNames,
  end,
  hour,
  minute,
  timezone,
  verdictOn,
  type Span,
  type World,
} from "./month-world.ts";

/** What is in the store after the month, held against what the world was like and what the receivers have. */

/** A time without a daemon. */
export interface Gap extends Span {
  /** Deliveries that were begun and not ended when it died. */
  readonly sending: readonly string[];
}

export interface MonthRecord {
  readonly databasePath: string;
  readonly world: World;
  readonly attempts: readonly Attempt[];
  readonly gaps: readonly Gap[];
  readonly interruptionsPerDay: number;
}

export interface Accounts {
  /** What was promised and not kept, in words, by promise. */
  readonly broken: Readonly<Record<string, readonly string[]>>;
  readonly figures: Readonly<Record<string, unknown>>;
}

interface FindingRow {
  id: number;
  check_name: string;
  key: string;
  title: string;
  verdict: string;
  decided_by: string;
  severity: string;
  opened_at: number;
  resolved_at: number | null;
}
interface EventRow {
  finding_id: number;
  state: string;
  severity: string;
  at: number;
  key: string;
  check_name: string;
}
interface NotificationRow {
  id: number;
  kind: string;
  state: string;
  severity: string;
  findings: string;
  title: string;
  created_at: number;
  due_at: number;
  folded_into: number | null;
}
interface TellingRow {
  finding_id: number;
  notification_id: number;
  kind: string;
  state: string;
  at: number;
}
interface DeliveryRow {
  notification_id: number;
  channel: string;
  key: string;
  state: string;
}

const interrupting = new Set(["finding", "recovery", "notice", "reminder"]);
const flapsAbove = 3;
const fallback = "ntfy";
const longestAttemptMs = 20_000;
/** Faults after which the daemon knows that the message was taken. */
const harmless = new Set(["slow", "garbage", "half"]);
const reminderGaps = [1, 2, 6, 15, 24].map((hours) => hours * hour);

export function keepAccounts(record: MonthRecord): Accounts {
  const database = new Database(record.databasePath, { readonly: true });
  const rows = <Row>(query: string): Row[] => database.prepare(query).all() as Row[];
  const findings = rows<FindingRow>("select * from findings order by id");
  const events = rows<EventRow>(
    "select e.*, f.key, f.check_name from finding_events e join findings f on f.id = e.finding_id order by e.id",
  );
  const notifications = rows<NotificationRow>("select * from notifications order by id");
  const tellings = rows<TellingRow>("select * from tellings order by id");
  const deliveries = rows<DeliveryRow>("select * from deliveries");
  const looks = rows<{ at: number }>(
    `select started_at as at from beats, json_each(beats.checks) as line
     where line.value ->> 'name' = 'stage/services' and line.value ->> 'outcome' = 'ok'`,
  ).map(({ at }) => at);
  const damages = [
    ...rows<{ integrity_check: string }>("pragma integrity_check")
      .map(({ integrity_check: word }) => word)
      .filter((word) => word !== "ok"),
    ...rows<object>("pragma foreign_key_check").map((row) => JSON.stringify(row)),
  ];
  const { world, attempts, gaps } = record;

  const about = new Map<number, NotificationRow[]>();
  for (const notification of notifications) {
    for (const id of new Set(JSON.parse(notification.findings) as number[])) {
      about.set(id, [...(about.get(id) ?? []), notification]);
    }
  }
  const notificationOf = new Map(deliveries.map(({ key, notification_id: id }) => [key, id]));
  const attemptsAt = Map.groupBy(attempts, ({ key }) => notificationOf.get(key) ?? 0);
  const doubts = new Set(
    findings
      .filter(({ check_name: check }) => check === "watchkeeper/deliveries")
      .map(({ key }) => key),
  );
  const byId = new Map(findings.map((finding) => [finding.id, finding]));

  /** Without the time in which there was no daemon. */
  const between = (from: number, to: number): number =>
    gaps.reduce(
      (ms, gap) => ms - Math.max(0, Math.min(to, gap.to) - Math.max(from, gap.from)),
      to - from,
    );

  function seen(): string[] {
    const words: string[] = [];
    const times = Map.groupBy(
      findings.filter(({ check_name: check }) => check === "stage/feed"),
      ({ key }) => key,
    );
    for (const { key } of world.notices) {
      const found = times.get(key)?.length ?? 0;
      if (found !== 1) words.push(`${key} was found ${found} times`);
    }
    if (times.size !== world.notices.length) words.push("what nobody wrote was found");
    for (const { name, outages } of world.services) {
      const ofService = findings.filter(
        ({ check_name: check, key }) => check === "stage/services" && key === name,
      );
      for (const { id, opened_at: at } of ofService) {
        const isDown = outages.some(({ from, to }) => from <= at && at < to);
        if (!isDown) words.push(`finding ${id}: ${name} was not down`);
      }
      for (const look of looks) {
        const isDown = outages.some(({ from, to }) => from <= look && look < to);
        const open = ofService.filter(
          ({ opened_at: from, resolved_at: to }) => from <= look && look < (to ?? Infinity),
        );
        if (open.length !== (isDown ? 1 : 0)) words.push(`${name} at ${look}: ${open.length} open`);
      }
    }
    return words;
  }

  const isTold = ({ state }: NotificationRow): boolean =>
    state === "delivered" || state === "untold";

  function told(): string[] {
    const words: string[] = [];
    for (const { id, key, check_name: check, verdict, decided_by: by, severity } of findings) {
      if (check !== "stage/feed") continue;
      const due = by === "model" ? verdictOn(key) : severity === "info" ? "ignore" : "digest";
      if (verdict !== due) words.push(`${key}: ${by} said ${verdict}, not ${due}`);
      const times = (about.get(id) ?? []).filter(({ state }) => state !== "folded").length;
      const wanted = due === "ignore" ? 0 : 1;
      if (times !== wanted) words.push(`${key}: ${due}, and told ${times} times`);
    }
    for (const notification of notifications) {
      const { id, state, folded_into: into, due_at: due } = notification;
      if (state === "ready") words.push(`notification ${id} is still on its way`);
      if (state === "held" && due < end - minute) words.push(`notification ${id} is still held`);
      if (
        state === "folded" &&
        into !== null &&
        !notifications.some((other) => other.id === into)
      ) {
        words.push(`notification ${id} is folded into nothing`);
      }
      if (!isTold(notification)) continue;
      const arrived = (attemptsAt.get(id) ?? []).some((attempt) => attempt.arrived);
      const ids = JSON.parse(notification.findings) as number[];
      const isAboutMessages =
        ids.length > 0 &&
        ids.every((each) => byId.get(each)?.check_name === "watchkeeper/deliveries");
      const isDoubted = doubts.has(`notification-${id}`);
      if (state === "delivered" && !arrived) words.push(`notification ${id} counts as delivered`);
      if (state === "untold" && !isDoubted && !isAboutMessages) {
        words.push(`notification ${id} is untold, and nobody says so`);
      }
    }
    return words;
  }

  function twice(): { words: string[]; repeats: number } {
    const words: string[] = [];
    let repeats = 0;
    for (const [key, all] of Map.groupBy(attempts, (attempt) => attempt.key)) {
      const arrived = all.filter((attempt) => attempt.arrived);
      for (const [index, later] of arrived.entries()) {
        const earlier = arrived[index - 1];
        if (!earlier) continue;
        repeats += 1;
        const wasCut = gaps.some(
          ({ from, sending }) => earlier.at <= from && from <= later.at && sending.includes(key),
        );
        const isKnown = earlier.answered && earlier.ended && !wasCut;
        if (later.channel === "slack" || isKnown) {
          words.push(`${key} came twice by ${later.channel}, at ${earlier.at} and ${later.at}`);
        }
      }
    }
    return { words, repeats };
  }

  function interruptions() {
    const words: string[] = [];
    const days = Map.groupBy(
      notifications.filter(
        (each) => interrupting.has(each.kind) && each.state !== "held" && each.state !== "folded",
      ),
      (each) => startOf("day", each.created_at, timezone),
    );
    let highest = 0;
    let highestInAll = 0;
    for (const [day, all] of days) {
      const passing = all.filter(
        ({ severity, kind }) => severity === "critical" && kind !== "reminder",
      ).length;
      const capped = all.length - passing;
      highest = Math.max(highest, capped);
      highestInAll = Math.max(highestInAll, all.length);
      if (
        capped > record.interruptionsPerDay ||
        all.length > record.interruptionsPerDay + passing
      ) {
        words.push(`${new Date(day).toISOString()}: ${capped} of ${all.length}`);
      }
    }
    return { words, highest, highestInAll };
  }

  function criticals() {
    const words: string[] = [];
    const figures = {
      criticals: 0,
      flapping: 0,
      overBefore: 0,
      slowest: 0,
      noChannel: 0,
      slowestThen: 0,
    };
    for (const event of events) {
      if (event.severity !== "critical" || event.state === "resolved") continue;
      const name = `${event.key} (finding ${event.finding_id}) at ${new Date(event.at).toISOString()}`;
      const times = events.filter(
        ({ check_name: check, key, state, at }) =>
          check === event.check_name &&
          key === event.key &&
          state !== "resolved" &&
          at <= event.at &&
          at > event.at - hour,
      );
      if (times.length > flapsAbove) {
        figures.flapping += 1;
        continue;
      }
      figures.criticals += 1;
      const telling = tellings.find(
        ({ finding_id: id, kind, at }) =>
          id === event.finding_id && kind === "told" && at >= event.at,
      );
      const over = events.find(
        ({ finding_id: id, state, at }) =>
          id === event.finding_id && state === "resolved" && at >= event.at,
      );
      if (!telling || (over && over.at <= telling.at)) {
        const toEnd = over ? between(event.at, over.at) : Infinity;
        if (toEnd <= minute) figures.overBefore += 1;
        else words.push(`${name} was never told`);
        continue;
      }
      const toTelling = between(event.at, telling.at);
      if (toTelling > minute) words.push(`${name} was told after ${toTelling / 1_000} s`);
      const tried = attemptsAt.get(telling.notification_id) ?? [];
      const arrival = tried.find(({ arrived }) => arrived);
      const late = arrival ? between(event.at, arrival.at) : Infinity;
      if (late <= minute) {
        figures.slowest = Math.max(figures.slowest, late / 1_000);
        continue;
      }
      figures.noChannel += 1;
      if (arrival) figures.slowestThen = Math.max(figures.slowestThen, late / 1_000);
      // A fallback is asked when an attempt at the others has failed, however long that took.
      const handedOnBy = minute + longestAttemptMs;
      const stood = channelNames
        .filter((channel) => channel !== fallback || late > handedOnBy)
        .filter((channel) => !wasOut(channel, telling, arrival));
      if (stood.length > 0)
        words.push(`${name} arrived after ${late / 1_000} s, ${stood.join()} stood`);
    }
    return { words, figures };
  }

  /** Whether a channel has met a fault lately, or had asked to be left alone. */
  function wasOut(channel: string, { at }: TellingRow, arrival: Attempt | undefined): boolean {
    return attempts.some(
      (attempt) =>
        attempt.channel === channel &&
        attempt.fault !== null &&
        !harmless.has(attempt.fault) &&
        attempt !== arrival &&
        attempt.at >= at - (attempt.fault === "429" ? 10 * minute : 2 * minute) &&
        attempt.at <= at + 2 * minute,
    );
  }

  function reminders() {
    const words: string[] = [];
    let reminded = 0;
    for (const [id, all] of Map.groupBy(tellings, ({ finding_id: finding }) => finding)) {
      let step = 0;
      for (const [index, { kind, at }] of all.entries()) {
        if (kind === "told") step = 0;
        if (kind !== "reminder") continue;
        reminded += 1;
        const gap = at - (all[index - 1]?.at ?? 0);
        const least = reminderGaps[Math.min(step, reminderGaps.length - 1)] ?? 0;
        if (gap < least) words.push(`finding ${id}: reminded after ${gap / hour} h`);
        step += 1;
      }
    }
    return { words, reminded };
  }

  function digests() {
    const words: string[] = [];
    const all = notifications.filter(({ kind, state }) => kind === "digest" && state !== "folded");
    for (const [index, digest] of all.entries()) {
      const before = all[index - 1];
      if (before && digest.created_at - before.created_at < minute) {
        words.push(`two digests at ${new Date(digest.created_at).toISOString()}`);
      }
      for (const { id, due_at: due } of notifications.filter(
        ({ folded_into: into }) => into === digest.id,
      )) {
        const late = between(due, digest.created_at);
        if (late > minute || late < 0) words.push(`notification ${id} came ${late / 1_000} s late`);
      }
    }
    return { words, digests: all.length };
  }

  const copies = twice();
  const cap = interruptions();
  const urgent = criticals();
  const reminding = reminders();
  const digest = digests();
  const lost = [...seen(), ...told()];
  const tally = <Row>(all: readonly Row[], nameOf: (row: Row) => string): Record<string, number> =>
    Object.fromEntries(
      [...Map.groupBy(all, nameOf)].map(([name, some]) => [name, some.length] as const).toSorted(),
    );
  database.close();
  return {
    broken: {
      "above the cap": cap.words,
      "critical and late": urgent.words,
      twice: copies.words,
      lost,
      reminders: reminding.words,
      digests: digest.words,
      damages,
    },
    figures: {
      findings: findings.length,
      notifications: tally(notifications, ({ kind, state }) => `${kind} ${state}`),
      deliveries: tally(deliveries, ({ channel, state }) => `${channel} ${state}`),
      interruptionsADay: { highest: cap.highest, withCriticals: cap.highestInAll },
      ...urgent.figures,
      reminders: reminding.reminded,
      digests: digest.digests,
      repeats: copies.repeats,
      duplicates: copies.words.length,
      lost: lost.length,
    },
  };
}
