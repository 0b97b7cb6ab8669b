import type { CheckDefinition, ObservationInput, ObserveInput, ObserveResult } from "watchkeeper";
import type { Board } from "./board.ts";
import { tellBriefs } from "./briefs.ts";
import type { CalendarSource } from "./calendar-source.ts";
import { compare, type Comparison, type Elsewhere } from "./compare.ts";
import { referenceText } from "./event-reference.ts";
import { createPacer } from "./pacer.ts";
import { readCalendar, type Reading } from "./reading.ts";
import { readSnapshot, shortHash } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StandingRules } from "./standing.ts";
import { createTimeWords } from "./time-words.ts";
import { databaseZone, dayMs, utcZone } from "./zones.ts";

export interface CalendarCheckOptions {
  readonly source: CalendarSource;
  readonly remindBeforeMs: number;
  readonly every: string;
  readonly everyMs: number;
  readonly timezone: string;
  /** Of the owner, in lower case. */
  readonly addresses?: readonly string[];
  readonly rules?: StandingRules;
  /** How long before its start a meeting with people from outside is prepared for. */
  readonly briefMs?: number;
  /** Where calendars tell each other what they hold; undefined when there is only one. */
  readonly board?: Board | undefined;
}

const daysBack = 1;
const daysAhead = 14;
// An unchanged calendar is read anew before the days that the snapshot covers run out.
const daysNeeded = 8;

/** The check of one calendar source: `calendar/NAME`. */
export function calendarCheck(options: CalendarCheckOptions): CheckDefinition {
  const { source, every, board } = options;
  return {
    every,
    timeout: "45s",
    async observe(input): Promise<ObserveResult> {
      const ended = board?.begin(source.name);
      try {
        return await look(options, input);
      } finally {
        ended?.();
      }
    },
  };
}

async function look(options: CalendarCheckOptions, input: ObserveInput): Promise<ObserveResult> {
  const { source, everyMs, timezone, rules, board, addresses = [], briefMs = 0 } = options;
  const { cursor, signal, now: date } = input;
  const now = date.getTime();
  const zone = databaseZone(timezone) ?? utcZone;
  const times = createTimeWords(timezone);
  const stored = readSnapshot(cursor);
  const isSame = stored?.source === source.identity && stored.timezone === timezone;
  const previous: Snapshot | null = isSame ? stored : null;
  const owner = shortHash(addresses.join("\n"));
  const isFresh = previous?.owner === owner && previous.until >= now + daysNeeded * dayMs;

  const found = await source.read({
    validators: isFresh ? previous.validators : undefined,
    signal,
    now: date,
  });
  const isOne = found.kind === "changed" && found.texts.length === 1;
  const reading =
    found.kind === "changed"
      ? await readCalendar(isOne && !source.writer ? (found.texts[0] ?? "") : found.texts, {
          window: { from: now - daysBack * dayMs, to: now + daysAhead * dayMs },
          owner: zone,
          pacer: createPacer(signal),
          addresses: [...addresses, ...(found.addresses ?? [])],
        })
      : null;
  const elsewhere = await board?.before(source.name, now, signal);
  const { observations, gone, notes, next, cancelled } = compare({
    previous,
    reading,
    now,
    // A look may come late by a quarter of the interval: nothing may begin in between untold.
    leadMs: Math.max(options.remindBeforeMs, everyMs * 1.25),
    zone,
    times,
    ...(rules ? { rules } : {}),
    ...(elsewhere ? { elsewhere } : {}),
  });
  const serverSays = found.kind === "changed" ? found.addresses : previous?.addresses;
  const briefs = await tellBriefs({
    instances: next.instances.filter((one) => isTold(one, elsewhere)),
    addresses: [...addresses, ...(serverSays ?? [])],
    leadMs: briefMs,
    told: previous?.briefs ?? [],
    now,
    times,
    callTool: (name, asked) => input.callTool(name, asked),
    signal,
  });
  if (board) {
    await board.publish(source, await viewOf({ board, source, reading, next, cancelled, now }));
  }
  const validators = found.kind === "changed" ? found.validators : previous?.validators;
  const snapshot: Snapshot = {
    ...next,
    version: 1,
    source: source.identity,
    owner,
    timezone,
    validators: validators ?? { bodyHash: "" },
    briefs: briefs.remembered,
    addresses: [...(serverSays ?? [])],
  };
  return {
    observations: [...observations, ...briefs.observations].map((one) => named(one, source)),
    gone: [...gone, ...briefs.gone],
    notes,
    cursor: snapshot,
  };
}

/** With the id that tools take, where there is something to do with it. */
function named(observation: ObservationInput, { name, writer }: CalendarSource): ObservationInput {
  const { id, recurrenceId } = (observation.data ?? {}) as { id?: string; recurrenceId?: string };
  if (!writer || id === undefined) return observation;
  const text = referenceText(name, { id, recurrenceId: recurrenceId ?? "" });
  return { ...observation, text: `${observation.text ?? ""}\nId: ${text}` };
}

const isTold = (
  instance: Snapshot["instances"][number],
  elsewhere: Elsewhere | undefined,
): boolean =>
  !instance.cancelled &&
  instance.people?.answer !== "declined" &&
  elsewhere?.has(instance.id) !== true;

const cancelledKept = 500;

/** What the calendars after this one are to know of it. */
async function viewOf({
  board,
  source,
  reading,
  next,
  cancelled,
  now,
}: Pick<Comparison, "next" | "cancelled"> & {
  board: Board;
  source: CalendarSource;
  reading: Reading | null;
  now: number;
}) {
  const earlier = await board.last(source);
  const ids = reading
    ? [...reading.ids, ...next.instances.map(({ id }) => id)].map(shortHash)
    : (earlier?.ids ?? next.instances.map(({ id }) => shortHash(id)));
  return {
    at: now,
    ids: [...new Set(ids)],
    instances: next.instances.map((one) => ({ ...one, about: "" })),
    cancelled: [
      ...cancelled.map(({ id, until }) => ({ id: shortHash(id), until })),
      ...(earlier?.cancelled ?? []).filter(({ until }) => until > now),
    ].slice(0, cancelledKept),
  };
}
