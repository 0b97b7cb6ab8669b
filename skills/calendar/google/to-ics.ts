import type { calendar_v3 } from "@googleapis/calendar";
import type { IcalLibrary } from "../recurrence.ts";
import { databaseZone, wallOf } from "../zones.ts";

export type GoogleEvent = calendar_v3.Schema$Event;

const mostAttendees = 200;
const longestText = 20_000;

/**
 * A Google event as iCalendar, so that all calendars are read by one reader. Changed and cancelled
 * occurrences are events of their own that bear the UID of their series.
 * @returns undefined when it has no time, or no UID that is known.
 */
export function icsOfGoogleEvent(
  library: IcalLibrary,
  event: GoogleEvent,
  seriesUid: string | undefined,
): string | undefined {
  const uid = event.iCalUID ?? seriesUid;
  const isCancelled = event.status === "cancelled";
  const start = event.start ?? (isCancelled ? event.originalStartTime : undefined);
  if (!uid || !start) return undefined;
  const component = new library.Component("vevent");
  const put = (name: string, parameters: Record<string, string>, type: string, value: string) =>
    component.addProperty(
      new library.Property([name, parameters, type, cleaned(value)], component),
    );
  const putTime = (name: string, time: calendar_v3.Schema$EventDateTime | undefined): void => {
    const written = time && writtenTime(time);
    if (written) put(name, written.tzid ? { tzid: written.tzid } : {}, written.type, written.value);
  };
  put("uid", {}, "text", uid);
  putTime("dtstart", start);
  if (!component.hasProperty("dtstart")) return undefined;
  putTime("dtend", event.end);
  if (event.recurringEventId) putTime("recurrence-id", event.originalStartTime);
  putText("summary", event.summary);
  putText("location", event.location);
  putText("description", event.description);
  if (isCancelled) put("status", {}, "text", "CANCELLED");
  if (event.transparency === "transparent") put("transp", {}, "text", "TRANSPARENT");
  if (typeof event.sequence === "number") put("sequence", {}, "integer", String(event.sequence));
  putPerson("organizer", event.organizer, {});
  for (const attendee of (event.attendees ?? []).slice(0, mostAttendees)) {
    const partstat = answers[attendee.responseStatus ?? ""] ?? "NEEDS-ACTION";
    putPerson("attendee", attendee, { partstat });
  }
  for (const line of event.recurrence ?? []) putRecurrence(line);

  const calendar = new library.Component("vcalendar");
  calendar.addSubcomponent(component);
  return `${calendar.toString()}\r\n`;

  function putText(name: string, value: string | null | undefined): void {
    if (value) put(name, {}, "text", value.slice(0, longestText));
  }

  function putPerson(
    name: string,
    person: { email?: string | null; displayName?: string | null } | null | undefined,
    parameters: Record<string, string>,
  ): void {
    if (!person?.email) return;
    const cn = cleaned(person.displayName ?? "")
      .replace(/["\n^]/g, " ")
      .slice(0, 200);
    put(name, { ...parameters, ...(cn ? { cn } : {}) }, "cal-address", `mailto:${person.email}`);
  }

  /** One line, of a kind that repeats: what a stranger writes there must add no other property. */
  function putRecurrence(line: string): void {
    if (!/^(?:RRULE|EXDATE|RDATE)[:;]/i.test(line) || /[\r\n]/.test(line)) return;
    component.addProperty(library.Property.fromString(line, library.design.icalendar));
  }
}

const answers: Readonly<Record<string, string>> = {
  accepted: "ACCEPTED",
  declined: "DECLINED",
  tentative: "TENTATIVE",
};

function writtenTime({ date, dateTime, timeZone }: calendar_v3.Schema$EventDateTime) {
  if (date) return /^\d{4}-\d\d-\d\d$/.test(date) ? { type: "date", value: date } : undefined;
  const instant = Date.parse(dateTime ?? "");
  if (Number.isNaN(instant)) return undefined;
  const zone = timeZone ? databaseZone(timeZone) : undefined;
  // The offset in `dateTime` is that of the calendar; a series follows the zone of the event.
  const text = (at: number): string => new Date(at).toISOString().slice(0, 19);
  return zone
    ? { type: "date-time", value: text(wallOf(zone, instant)), tzid: zone.name }
    : { type: "date-time", value: `${text(instant)}Z` };
}

const cleaned = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");
