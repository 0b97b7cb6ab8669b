import type ICAL from "ical.js";
import { readBlocks } from "./blocks.ts";
import type {
  Answer,
  EventDraft,
  EventEdit,
  EventReference,
  EventTimes,
} from "./calendar-writer.ts";
import {
  noAddress,
  noSuchEvent,
  notInvited,
  notYours,
  othersInvited,
  wholeSeries,
} from "./edit-refusals.ts";
import { type CalendarEvent, idOfBlock, readEvent } from "./events.ts";
import { recurrenceIdOf } from "./expand.ts";
import { createPacer } from "./pacer.ts";
import { readCalendar } from "./reading.ts";
import type { IcalLibrary } from "./recurrence.ts";
import { createZoneFinder, dayMs, type Zone, wallOf } from "./zones.ts";

/** Changes iCalendar texts, and nothing in them but what is asked. ical.js writes: it escapes. */

/** A property as ical.js holds it: name, parameters, type, values. Plain JSON. */
type WrittenProperty = [string, Record<string, string>, string, ...unknown[]];

/** What an edit replaced, enough to put it back. */
export type Before =
  | { readonly kind: "properties"; readonly names: string[]; readonly properties: unknown[] }
  /** The occurrence had been one like the others of its series. */
  | { readonly kind: "as-series" };

export interface EditContext {
  readonly library: IcalLibrary;
  readonly owner: Zone;
  /** Of the owner, in lower case. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
  readonly now: Date;
  /** Marks what was written, so that it is known again. */
  readonly key: string;
}

const keyProperty = "x-watchkeeper-key";

export function composeEvent(
  { library, now, key }: Pick<EditContext, "library" | "now" | "key">,
  { uid, draft, organizer }: { uid: string; draft: EventDraft; organizer: string | undefined },
): string {
  const event = new library.Component("vevent");
  put(library, event, ["uid", {}, "text", uid]);
  put(library, event, ["summary", {}, "text", draft.title]);
  putTimes(library, event, draft);
  if (draft.place) put(library, event, ["location", {}, "text", draft.place]);
  if (draft.about) put(library, event, ["description", {}, "text", draft.about]);
  if (draft.attendees.length > 0) {
    if (organizer === undefined) throw noAddress();
    put(library, event, ["organizer", {}, "cal-address", `mailto:${organizer}`]);
    const own = { partstat: "ACCEPTED", role: "CHAIR" };
    put(library, event, ["attendee", own, "cal-address", `mailto:${organizer}`]);
    for (const address of draft.attendees) {
      const asked = { partstat: "NEEDS-ACTION", role: "REQ-PARTICIPANT", rsvp: "TRUE" };
      put(library, event, ["attendee", asked, "cal-address", `mailto:${address}`]);
    }
  }
  stamp(library, event, { now, key, sequence: 0 });
  const calendar = new library.Component("vcalendar");
  put(library, calendar, ["version", {}, "text", "2.0"]);
  put(library, calendar, ["prodid", {}, "text", "-//watchkeeper//calendar//EN"]);
  calendar.addSubcomponent(event);
  return textOfCalendar(calendar);
}

/** A calendar object opened for changing: its events with what they mean. */
interface Opened {
  readonly calendar: ICAL.Component;
  readonly events: readonly { readonly component: ICAL.Component; readonly event: CalendarEvent }[];
}

async function open(text: string, { library, owner, signal }: EditContext): Promise<Opened> {
  const calendar = new library.Component(library.parse(text) as unknown[]);
  const blocks = await readBlocks(text, createPacer(signal));
  const components = calendar.getAllSubcomponents("vevent");
  const zones = createZoneFinder({ owner, own: () => undefined });
  const context = { zones, addresses: [], missingZone: () => undefined };
  return {
    calendar,
    events: blocks.events.flatMap((block, index) => {
      const component = components[index];
      return component ? [{ component, event: readEvent(library, block, context) }] : [];
    }),
  };
}

/** @returns the ids of the events in a calendar object, none when it cannot be read. */
export async function idsIn(text: string, signal: AbortSignal): Promise<string[]> {
  try {
    return (await readBlocks(text, createPacer(signal))).events.map(idOfBlock);
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

export async function editEvent(
  text: string,
  reference: EventReference,
  edit: EventEdit,
  context: EditContext & { readonly tellOthers: boolean },
): Promise<{ text: string; before: Before }> {
  const { library } = context;
  const opened = await open(text, context);
  const { component, added } = await componentOf(opened, text, reference, context);
  refuseOthers(component, context);
  if (edit.times && isSeries(component)) throw wholeSeries();
  const names = [
    ...(edit.title === undefined ? [] : ["summary"]),
    ...(edit.place === undefined ? [] : ["location"]),
    ...(edit.about === undefined ? [] : ["description"]),
    ...(edit.times ? ["dtstart", "dtend", "duration"] : []),
  ];
  const properties = propertiesOf(component, names);
  const texts = { summary: edit.title, location: edit.place, description: edit.about };
  for (const [name, value] of Object.entries(texts)) {
    if (value === undefined) continue;
    component.removeAllProperties(name);
    if (value !== "") put(library, component, [name, {}, "text", value]);
  }
  if (edit.times) putTimes(library, component, edit.times);
  restamp(component, context);
  const before: Before = added ? { kind: "as-series" } : { kind: "properties", names, properties };
  return { text: textOfCalendar(opened.calendar), before };
}

export async function restoreEvent(
  text: string,
  reference: EventReference,
  before: Before,
  context: EditContext,
): Promise<string> {
  const opened = await open(text, context);
  const component = existing(opened, reference);
  if (!component) throw noSuchEvent();
  if (before.kind === "as-series") {
    opened.calendar.removeSubcomponent(component);
    return textOfCalendar(opened.calendar);
  }
  for (const name of before.names) component.removeAllProperties(name);
  for (const property of before.properties) {
    put(context.library, component, property as WrittenProperty);
  }
  restamp(component, context);
  return textOfCalendar(opened.calendar);
}

export async function answerEvent(
  text: string,
  reference: EventReference,
  answer: Answer,
  context: EditContext,
): Promise<string> {
  const opened = await open(text, context);
  const { component } = await componentOf(opened, text, reference, context);
  const own = ownAttendee(component, context.addresses);
  if (!own) throw notInvited(context.addresses);
  own.setParameter("partstat", answer.toUpperCase());
  own.removeParameter("rsvp");
  // An answer is no new version of the meeting: SEQUENCE is its organiser's.
  stamp(context.library, component, { ...context, sequence: undefined });
  return textOfCalendar(opened.calendar);
}

/** The owner's answer as it stands, for the occurrence or else for its series. */
export async function readAnswer(
  text: string,
  reference: EventReference,
  context: EditContext,
): Promise<string | undefined> {
  const opened = await open(text, context);
  const component = existing(opened, reference) ?? existing(opened, seriesOf(reference));
  const own = component && ownAttendee(component, context.addresses);
  const status = own?.getParameter("partstat");
  return typeof status === "string" ? status.toLowerCase() : undefined;
}

/** Whether the event bears the mark of this key. */
export async function bearsKey(
  text: string,
  reference: EventReference,
  context: EditContext,
): Promise<boolean> {
  const opened = await open(text, context);
  return existing(opened, reference)?.getFirstPropertyValue(keyProperty) === context.key;
}

/** Whether the occurrence, or the event, takes place. */
export async function occurs(
  text: string,
  reference: EventReference,
  context: EditContext,
): Promise<boolean> {
  if (reference.recurrenceId === "")
    return (await idsIn(text, context.signal)).includes(reference.id);
  return (await findInstance(text, reference, context)) !== undefined;
}

/** Takes one occurrence out of its series. */
export async function removeOccurrence(
  text: string,
  reference: EventReference,
  context: EditContext,
): Promise<string> {
  const opened = await open(text, context);
  const instance = await findInstance(text, reference, context);
  const series = existing(opened, seriesOf(reference));
  if (!instance || !series) throw noSuchEvent();
  const changed = existing(opened, reference);
  if (changed) opened.calendar.removeSubcomponent(changed);
  put(context.library, series, originalTime(context, series, reference, "exdate"));
  restamp(series, context);
  return textOfCalendar(opened.calendar);
}

const seriesOf = ({ id }: EventReference): EventReference => ({ id, recurrenceId: "" });

const isSeries = (component: ICAL.Component): boolean =>
  component.hasProperty("rrule") || component.hasProperty("rdate");

function existing({ events }: Opened, { id, recurrenceId }: EventReference) {
  return events.find(
    ({ event }) =>
      event.id === id &&
      (event.recurrenceId ? recurrenceIdOf(event.recurrenceId) : "") === recurrenceId,
  )?.component;
}

/** The component of an event or occurrence; an occurrence like its series gets one of its own. */
async function componentOf(
  opened: Opened,
  text: string,
  reference: EventReference,
  context: EditContext,
): Promise<{ component: ICAL.Component; added: boolean }> {
  const there = existing(opened, reference);
  if (there) return { component: there, added: false };
  const series = existing(opened, seriesOf(reference));
  const instance = series && (await findInstance(text, reference, context));
  if (!series || !instance) throw noSuchEvent();
  const { library } = context;
  const component = new library.Component(structuredClone(series.jCal) as unknown[]);
  for (const name of ["rrule", "rdate", "exdate", "exrule", "recurrence-id"]) {
    component.removeAllProperties(name);
  }
  put(library, component, originalTime(context, series, reference, "recurrence-id"));
  putTimes(library, component, {
    start: instance.start,
    end: instance.end,
    days: instance.allDay
      ? { first: dayOf(context.owner, instance.start), after: dayOf(context.owner, instance.end) }
      : undefined,
  });
  opened.calendar.addSubcomponent(component);
  return { component, added: true };
}

async function findInstance(
  text: string,
  { id, recurrenceId }: EventReference,
  { owner, signal }: EditContext,
) {
  const at = instantOfId(recurrenceId);
  if (at === undefined) return undefined;
  // A changed occurrence may have gone far from where it was.
  const reading = await readCalendar(text, {
    window: { from: at - 2 * dayMs, to: at + 2 * dayMs },
    owner,
    pacer: createPacer(signal),
  });
  return [...reading.instances, ...reading.outside].find(
    (one) => one.id === id && one.recurrenceId === recurrenceId && !one.cancelled,
  );
}

/** When an occurrence was to be, in UTC or as a day, from what names it. */
function instantOfId(recurrenceId: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?$/.exec(recurrenceId);
  if (!match) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The original time of an occurrence, written as its series writes DTSTART. */
function originalTime(
  { owner }: EditContext,
  series: ICAL.Component,
  { recurrenceId }: EventReference,
  name: "exdate" | "recurrence-id",
): WrittenProperty {
  const at = instantOfId(recurrenceId) ?? 0;
  const start = series.getFirstProperty("dtstart");
  if (start?.type === "date") return [name, {}, "date", new Date(at).toISOString().slice(0, 10)];
  const tzid = start?.getParameter("tzid");
  const value: unknown = start?.jCal[3];
  const isUtc = typeof value === "string" && value.endsWith("Z");
  const finder = createZoneFinder({ owner, own: () => undefined });
  const zone = typeof tzid === "string" ? finder.find(tzid) : isUtc ? undefined : owner;
  if (!zone) return [name, {}, "date-time", utcText(at)];
  const wall = new Date(wallOf(zone, at)).toISOString().slice(0, 19);
  return [name, typeof tzid === "string" ? { tzid } : {}, "date-time", wall];
}

function refuseOthers(
  component: ICAL.Component,
  { addresses, tellOthers }: { addresses: readonly string[]; tellOthers: boolean },
): void {
  const mails = (name: string): string[] =>
    component.getAllProperties(name).map((property) => mailOf(property));
  const others = mails("attendee").filter((address) => !addresses.includes(address));
  const [organizer] = mails("organizer");
  if (organizer !== undefined && !addresses.includes(organizer) && others.length > 0) {
    throw notYours();
  }
  if (others.length > 0 && !tellOthers) throw othersInvited();
}

const mailOf = (property: ICAL.Property): string =>
  String(property.getFirstValue() ?? "")
    .replace(/^mailto:/i, "")
    .trim()
    .toLowerCase();

const ownAttendee = (component: ICAL.Component, addresses: readonly string[]) =>
  component.getAllProperties("attendee").find((one) => addresses.includes(mailOf(one)));

const propertiesOf = (component: ICAL.Component, names: readonly string[]): unknown[] =>
  names.flatMap((name) =>
    component.getAllProperties(name).map(({ jCal }) => structuredClone(jCal) as unknown),
  );

function put(library: IcalLibrary, component: ICAL.Component, property: WrittenProperty): void {
  component.addProperty(new library.Property(property.map(cleaned), component));
}

/** Line breaks are escaped when written; other control characters are in no calendar. */
const cleaned = (part: unknown): unknown =>
  typeof part === "string"
    ? // eslint-disable-next-line no-control-regex -- control characters are what is taken out
      part.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
    : part;

function putTimes(library: IcalLibrary, component: ICAL.Component, times: EventTimes): void {
  for (const name of ["dtstart", "dtend", "duration"]) component.removeAllProperties(name);
  const { start, end, days } = times;
  if (days) {
    put(library, component, ["dtstart", {}, "date", days.first]);
    put(library, component, ["dtend", {}, "date", days.after]);
    return;
  }
  put(library, component, ["dtstart", {}, "date-time", utcText(start)]);
  put(library, component, ["dtend", {}, "date-time", utcText(end)]);
}

function restamp(component: ICAL.Component, context: EditContext): void {
  const sequence = Number(component.getFirstPropertyValue("sequence") ?? 0) || 0;
  stamp(context.library, component, { ...context, sequence: sequence + 1 });
}

function stamp(
  library: IcalLibrary,
  component: ICAL.Component,
  { now, key, sequence }: { now: Date; key: string; sequence: number | undefined },
): void {
  const at = utcText(now.getTime());
  for (const name of ["dtstamp", "last-modified", keyProperty]) component.removeAllProperties(name);
  put(library, component, ["dtstamp", {}, "date-time", at]);
  put(library, component, ["last-modified", {}, "date-time", at]);
  put(library, component, [keyProperty, {}, "text", key]);
  if (sequence === undefined) return;
  component.removeAllProperties("sequence");
  put(library, component, ["sequence", {}, "integer", sequence]);
}

const utcText = (instant: number): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;

const dayOf = (zone: Zone, instant: number): string =>
  new Date(wallOf(zone, instant)).toISOString().slice(0, 10);

const textOfCalendar = (calendar: ICAL.Component): string => `${calendar.toString()}\r\n`;
