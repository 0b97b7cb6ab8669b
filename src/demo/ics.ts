import { wallClockAt } from "../domain/zoned-time.ts";
import type { DemoMeeting } from "./meetings.ts";
import { clockChanges } from "./zone.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
// Wide enough for every repetition of the meetings.
const zoneBeforeMs = 90 * dayMs;
const zoneAfterMs = 400 * dayMs;

/** The meetings as an iCalendar file (RFC 5545) with the zone described in it. */
export function composeCalendar(
  meetings: readonly DemoMeeting[],
  now: Date,
  timezone: string,
): string {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Watchkeeper//Demo world//EN",
    `X-WR-TIMEZONE:${timezone}`,
    ...zoneLines(now.getTime(), timezone),
    ...meetings.flatMap((meeting) => eventLines(meeting, now, timezone)),
    "END:VCALENDAR",
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join("");
}

function eventLines(meeting: DemoMeeting, now: Date, timezone: string): string[] {
  const { organizer, attendees = [], location, description } = meeting;
  return [
    "BEGIN:VEVENT",
    // Another world's meetings are other meetings, not these moved.
    `UID:${meeting.id}.${Math.floor(now.getTime() / 1_000)}@harbourlight.example`,
    `DTSTAMP:${stamp(now)}Z`,
    ...timeLines(meeting, now, timezone),
    ...(meeting.weeks === undefined ? [] : [`RRULE:FREQ=WEEKLY;COUNT=${meeting.weeks}`]),
    `SUMMARY:${escaped(meeting.title)}`,
    ...(location === undefined ? [] : [`LOCATION:${escaped(location)}`]),
    ...(description === undefined ? [] : [`DESCRIPTION:${escaped(description)}`]),
    ...(organizer ? [`ORGANIZER;CN="${organizer.name}":mailto:${organizer.address}`] : []),
    ...attendees.map(({ name, address }) => `ATTENDEE;CN="${name}":mailto:${address}`),
    "END:VEVENT",
  ];
}

function timeLines({ starts, minutes }: DemoMeeting, now: Date, timezone: string): string[] {
  if (starts.kind === "soon") {
    const exact = now.getTime() + starts.minutes * minuteMs;
    const start = Math.floor(exact / (5 * minuteMs)) * 5 * minuteMs;
    const end = start + minutes * minuteMs;
    return [`DTSTART:${stamp(new Date(start))}Z`, `DTEND:${stamp(new Date(end))}Z`];
  }
  const today = Math.floor(wallClockAt(now.getTime(), timezone) / dayMs) * dayMs;
  const day = today + starts.day * dayMs;
  if (starts.kind === "all-day") {
    const next = new Date(day + dayMs);
    return [
      `DTSTART;VALUE=DATE:${stamp(new Date(day)).slice(0, 8)}`,
      `DTEND;VALUE=DATE:${stamp(next).slice(0, 8)}`,
      "TRANSP:TRANSPARENT",
    ];
  }
  const [hour = 0, minute = 0] = starts.at.split(":").map(Number);
  const start = day + (hour * 60 + minute) * minuteMs;
  const end = start + minutes * minuteMs;
  return [
    `DTSTART;TZID=${timezone}:${stamp(new Date(start))}`,
    `DTEND;TZID=${timezone}:${stamp(new Date(end))}`,
  ];
}

function zoneLines(now: number, timezone: string): string[] {
  const { firstMs, changes } = clockChanges(timezone, now - zoneBeforeMs, now + zoneAfterMs);
  const observance = (kind: string, from: number, to: number, start: Date): string[] => [
    `BEGIN:${kind}`,
    `DTSTART:${stamp(start)}`,
    `TZOFFSETFROM:${offset(from)}`,
    `TZOFFSETTO:${offset(to)}`,
    `END:${kind}`,
  ];
  return [
    "BEGIN:VTIMEZONE",
    `TZID:${timezone}`,
    ...observance("STANDARD", firstMs, firstMs, new Date(0)),
    ...changes.flatMap(({ instant, beforeMs, afterMs }) =>
      observance(
        afterMs > beforeMs ? "DAYLIGHT" : "STANDARD",
        beforeMs,
        afterMs,
        new Date(instant + beforeMs),
      ),
    ),
    "END:VTIMEZONE",
  ];
}

/** `20261120T100000` */
const stamp = (date: Date): string => date.toISOString().slice(0, 19).replace(/[-:]/g, "");

/** `+0530` */
function offset(ms: number): string {
  const total = Math.abs(Math.round(ms / minuteMs));
  const digits = String(Math.floor(total / 60) * 100 + (total % 60)).padStart(4, "0");
  return `${ms < 0 ? "-" : "+"}${digits}`;
}

const escaped = (text: string): string =>
  text.replace(/[\\;,]/g, (character) => `\\${character}`).replace(/\n/g, "\\n");

/** RFC 5545: lines of at most 75 bytes, continued with a space. */
function folded(line: string): string {
  let out = "";
  let width = 0;
  for (const character of line) {
    const bytes = Buffer.byteLength(character);
    if (width + bytes > 75) {
      out += "\r\n ";
      width = 1;
    }
    out += character;
    width += bytes;
  }
  return out;
}
