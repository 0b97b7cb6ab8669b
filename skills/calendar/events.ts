import { createHash } from "node:crypto";
import type { Block } from "./blocks.ts";
import { plainExcerpt, plainLine } from "./plain-text.ts";
import { readDuration, readProperty, readRule, readTime } from "./properties.ts";
import type { Property, WrittenDuration, WrittenRule } from "./properties.ts";
import type { IcalLibrary } from "./recurrence.ts";
import type { Zone, ZoneFinder } from "./zones.ts";
import { instantOf, utcZone } from "./zones.ts";

/** A time of an event: on the wall of its zone. Dates stand in the owner's zone. */
export interface EventTime {
  readonly wall: number;
  readonly zone: Zone;
  readonly isDate: boolean;
}

export const instantOfTime = (time: EventTime): number => instantOf(time.zone, time.wall);

/** How long an event lasts: to the millisecond, or in days on the wall and the rest. */
export type EventLength = WrittenDuration;

/** What a person reads of an event: one line each, cleaned and bounded. */
export interface EventWords {
  readonly title: string;
  readonly place: string;
  readonly organizer: string;
  readonly about: string;
}

/** One VEVENT: a single event, a series, or one changed occurrence of a series. */
export interface CalendarEvent extends EventWords {
  /** Names the event in keys: its UID when short and plain, else a hash of it. */
  readonly id: string;
  readonly recurrenceId: EventTime | undefined;
  /** The change holds for this and all later occurrences. */
  readonly andFuture: boolean;
  readonly start: EventTime;
  readonly length: EventLength;
  readonly rules: readonly WrittenRule[];
  readonly extraDates: readonly { readonly start: EventTime; readonly length?: EventLength }[];
  readonly exceptDates: readonly EventTime[];
  readonly busy: boolean;
  readonly cancelled: boolean;
  readonly sequence: number;
  readonly people?: EventPeople;
  /** Where it is on the earth, in degrees. */
  readonly position?: readonly [latitude: number, longitude: number];
}

/** Who takes part, as far as addresses are known. */
export interface EventPeople {
  /** Addresses of the others, the organiser first; in lower case, at most twenty. */
  readonly others: readonly string[];
  readonly count: number;
  /** What the owner answered, when the owner is invited: `needs-action`, `accepted`, … */
  readonly answer?: string | undefined;
}

const titleLimit = 120;
const placeLimit = 100;
const organizerLimit = 80;
const aboutLimit = 1_000;

/** The id of a block that may be too broken to read otherwise. */
export function idOfBlock(block: Block): string {
  const line = block.properties.find((property) => property.name === "UID")?.text ?? "";
  const uid = line.slice(line.indexOf(":") + 1).trim();
  return idOfUid(uid) ?? hashedId(block.properties.map((property) => property.text).join("\n"));
}

/** The id that goes with a UID as it is written; undefined when there is none. */
export function idOfUid(uid: string): string | undefined {
  if (/^[\w.@+-]{1,100}$/.test(uid)) return uid;
  return uid === "" ? undefined : hashedId(uid);
}

const hashedId = (text: string): string =>
  `#${createHash("sha256").update(text).digest("base64url").slice(0, 22)}`;

export interface EventContext {
  readonly zones: ZoneFinder;
  /** Told of each TZID that nothing is known of; its times are the owner's. */
  readonly missingZone: (tzid: string) => void;
  /** Of the owner, in lower case. */
  readonly addresses: readonly string[];
}

/**
 * Reads one VEVENT.
 * @throws Error with what is wrong with it.
 */
export function readEvent(
  library: IcalLibrary,
  block: Block,
  { zones, missingZone, addresses }: EventContext,
): CalendarEvent {
  const all = (name: string, most?: number): Property[] =>
    block.properties
      .filter((property) => property.name === name)
      .slice(0, most)
      .map((property) => readProperty(library, property.text));
  const first = (name: string): Property | undefined => all(name)[0];
  const timeOf = (property: Property, value: unknown): EventTime => {
    const { wall, isDate, isUtc } = readTime(value);
    if (isUtc) return { wall, isDate, zone: utcZone };
    const tzid = isDate ? undefined : property.parameter("tzid");
    const zone = tzid === undefined ? undefined : zones.find(tzid);
    if (tzid !== undefined && !zone) missingZone(tzid);
    return { wall, isDate, zone: zone ?? zones.owner };
  };
  const oneTime = (name: string): EventTime | undefined => {
    const property = first(name);
    return property && timeOf(property, property.values[0]);
  };
  const textOf = (name: string): string => {
    const value = first(name)?.values[0];
    return typeof value === "string" ? value : "";
  };

  const start = oneTime("DTSTART");
  if (!start) throw new Error("it has no DTSTART");
  if (all("EXRULE").length > 0)
    throw new Error("it has an EXRULE, which calendars gave up in 2009");
  const recurrence = first("RECURRENCE-ID");
  const status = textOf("STATUS").toUpperCase();
  const organizer = first("ORGANIZER");
  const address = organizer?.values[0];
  const people = readPeople(organizer, () => all("ATTENDEE", mostAttendees), addresses);
  const position = readPosition(block);

  return {
    id: idOfBlock(block),
    recurrenceId: recurrence && timeOf(recurrence, recurrence.values[0]),
    andFuture: recurrence?.parameter("range")?.toUpperCase() === "THISANDFUTURE",
    start,
    length: readLength(start, oneTime("DTEND"), first("DURATION")?.values[0]),
    rules: all("RRULE").flatMap((property) => property.values.map(readRule)),
    extraDates: all("RDATE").flatMap((property) =>
      property.values.map((value) => readExtraDate(value, (part) => timeOf(property, part))),
    ),
    exceptDates: all("EXDATE").flatMap((property) =>
      property.values.map((value) => timeOf(property, value)),
    ),
    busy: textOf("TRANSP").toUpperCase() !== "TRANSPARENT",
    cancelled: status === "CANCELLED",
    sequence: Number(first("SEQUENCE")?.values[0] ?? 0) || 0,
    title: plainLine(textOf("SUMMARY"), titleLimit) || "(no title)",
    place: plainLine(textOf("LOCATION"), placeLimit),
    organizer: plainLine(
      organizer?.parameter("cn") ??
        (typeof address === "string" ? address.replace(/^mailto:/i, "") : ""),
      organizerLimit,
    ),
    about: plainExcerpt(textOf("DESCRIPTION"), aboutLimit),
    ...(people ? { people } : {}),
    ...(position ? { position } : {}),
  };
}

/** @returns undefined for an event that is the owner's alone. */
function readPeople(
  organizer: Property | undefined,
  attendees: () => readonly Property[],
  addresses: readonly string[],
): EventPeople | undefined {
  let invited: readonly Property[];
  try {
    invited = attendees();
  } catch {
    // A line about a guest that makes no sense must not hide the meeting.
    invited = [];
  }
  const byAddress = new Map(invited.map((one) => [mailOf(one), one]));
  const isOwner = (address: string): boolean => addresses.includes(address);
  const organizerAddress = organizer && mailOf(organizer);
  const others = [...new Set([organizerAddress ?? "", ...byAddress.keys()])].filter(
    (address) => address !== "" && !isOwner(address),
  );
  const own = [...byAddress].find(([address]) => isOwner(address))?.[1];
  if (others.length === 0 && !own) return undefined;
  const mayAnswer = own !== undefined && !isOwner(organizerAddress ?? "");
  return {
    others: others.slice(0, mostPeople),
    count: others.length,
    ...(mayAnswer
      ? { answer: plainLine(own.parameter("partstat") ?? "needs-action", 20).toLowerCase() }
      : {}),
  };
}

const mostAttendees = 200;
const mostPeople = 20;

function mailOf(property: Property): string {
  const [value] = property.values;
  const text = typeof value === "string" ? value : "";
  // Some servers write a path there, and the address beside it.
  const address = /^mailto:/i.test(text) ? text.slice(7) : (property.parameter("email") ?? "");
  return plainLine(address, 100).toLowerCase();
}

function readPosition(block: Block): [number, number] | undefined {
  const line = block.properties.find((property) => property.name === "GEO")?.text ?? "";
  const match = /:\s*(-?\d{1,3}(?:\.\d+)?)\s*;\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(line);
  const [latitude, longitude] = [Number(match?.[1] ?? NaN), Number(match?.[2] ?? NaN)];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : undefined;
}

function readLength(start: EventTime, end: EventTime | undefined, duration: unknown): EventLength {
  if (end) {
    if (start.isDate) {
      return { days: Math.max(1, Math.round((end.wall - start.wall) / 86_400_000)), ms: 0 };
    }
    return { days: 0, ms: Math.max(0, instantOfTime(end) - instantOfTime(start)) };
  }
  if (duration !== undefined) {
    const length = readDuration(duration);
    return start.isDate ? { days: Math.max(1, length.days), ms: 0 } : length;
  }
  return { days: start.isDate ? 1 : 0, ms: 0 };
}

/** RDATE holds dates, times, or periods: a start with an end or a duration. */
function readExtraDate(
  value: unknown,
  timeOf: (value: unknown) => EventTime,
): { start: EventTime; length?: EventLength } {
  if (!Array.isArray(value)) return { start: timeOf(value) };
  const [from, to] = value as unknown[];
  const start = timeOf(from);
  const isDuration = typeof to === "string" && /^[+-]?P/i.test(to);
  const length = isDuration
    ? readLength(start, undefined, to)
    : readLength(start, timeOf(to), undefined);
  return { start, length };
}
