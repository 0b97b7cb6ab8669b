import { owner } from "./mails.ts";

/** The eight meetings of the day: the team's in a file, the owner's own on a CalDAV server. */

export interface DayMeeting {
  readonly uid: string;
  readonly title: string;
  /** Of the owner's clock. */
  readonly from: string;
  readonly to: string;
  readonly place?: string;
  /** Makes it an invitation that the owner has not answered. */
  readonly invitedBy?: string;
}

export const teamMeetings: readonly DayMeeting[] = [
  { uid: "stand-up", title: "Stand-up", from: "09:15", to: "09:30" },
  { uid: "planning", title: "Planning of the week", from: "10:30", to: "11:15" },
  { uid: "design-review", title: "Design review", from: "14:00", to: "15:00", place: "Workshop" },
  { uid: "packing", title: "Packing with the warehouse", from: "16:30", to: "17:00" },
];

export const ownMeetings: readonly DayMeeting[] = [
  { uid: "desk", title: "Offers and invoices", from: "08:45", to: "09:15" },
  { uid: "lunch", title: "Lunch with Ada", from: "12:15", to: "13:00" },
  { uid: "tax", title: "Papers for the tax adviser", from: "17:15", to: "17:45" },
];

/** The eighth comes as an invitation before the owner is up, and moves onto another at midday. */
export const invitation: DayMeeting = {
  uid: "october",
  title: "Numbers of October",
  from: "15:30",
  to: "16:00",
  place: "Jonas's room",
  invitedBy: "jonas@northlight.example",
};
export const movedInvitation: DayMeeting = { ...invitation, from: "14:15", to: "14:45" };

/** @param at the moment of a time on the owner's clock */
export function eventText(meeting: DayMeeting, at: (time: string) => number): string {
  const { uid, title, from, to, place, invitedBy } = meeting;
  return [
    "BEGIN:VEVENT",
    `UID:${uid}@northlight.example`,
    "DTSTAMP:20261101T080000Z",
    `DTSTART:${stamp(at(from))}`,
    `DTEND:${stamp(at(to))}`,
    `SUMMARY:${title}`,
    ...(place === undefined ? [] : [`LOCATION:${place}`]),
    ...(invitedBy === undefined
      ? []
      : [
          `ORGANIZER:mailto:${invitedBy}`,
          `ATTENDEE;PARTSTAT=ACCEPTED:mailto:${invitedBy}`,
          `ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:${owner}`,
        ]),
    "END:VEVENT",
  ].join("\r\n");
}

export const calendarText = (events: readonly string[]): string =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//day//EN", ...events, "END:VCALENDAR", ""].join(
    "\r\n",
  );

const stamp = (at: number): string =>
  `${new Date(at).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
