import { demoOwner } from "./mails.ts";

/** When a meeting begins, told from the moment and the day on which the world is made. */
export type DemoTime =
  /** Minutes from now, on the clock's next lower five minutes. */
  | { readonly kind: "soon"; readonly minutes: number }
  /** Days from today and a time in the owner's zone. */
  | { readonly kind: "local"; readonly day: number; readonly at: `${number}:${number}` }
  | { readonly kind: "all-day"; readonly day: number };

export interface DemoMeeting {
  readonly id: string;
  readonly title: string;
  readonly starts: DemoTime;
  readonly minutes: number;
  /** Each week at the same local time, this many times. */
  readonly weeks?: number;
  readonly location?: string;
  readonly description?: string;
  readonly organizer?: { readonly name: string; readonly address: string };
  readonly attendees?: readonly { readonly name: string; readonly address: string }[];
}

const mira = { name: "Mira Okafor", address: "mira@harbourlight.example" };
const lena = { name: "Lena Fischer", address: "lena@harbourlight.example" };

export const demoMeetings: readonly DemoMeeting[] = [
  {
    id: "tidewater-call",
    title: "Call with Tidewater Paper about next year's prices",
    starts: { kind: "soon", minutes: 20 },
    minutes: 30,
    location: "https://meet.example.com/tidewater",
    description: "They want 6 % more; we can live with 3.",
    organizer: { name: "Per Dahl", address: "per.dahl@tidewater-paper.example" },
    attendees: [demoOwner],
  },
  {
    id: "stock-delivery",
    title: "Delivery: twelve boxes, somebody at the back door",
    starts: { kind: "local", day: 0, at: "10:00" },
    minutes: 60,
  },
  {
    id: "bookseller-interview",
    title: "Interview: bookseller for the weekends",
    starts: { kind: "local", day: 0, at: "14:30" },
    minutes: 45,
    location: "Back room",
    organizer: demoOwner,
    attendees: [mira],
  },
  {
    id: "round-up",
    title: "Weekly round-up",
    starts: { kind: "local", day: -27, at: "10:00" },
    minutes: 30,
    weeks: 26,
    location: "Shop",
    organizer: demoOwner,
    attendees: [mira, lena],
  },
  {
    id: "reading-rehearsal",
    title: "Claire Dumont: plan of the reading",
    starts: { kind: "local", day: 1, at: "14:30" },
    minutes: 60,
    location: "Shop",
    organizer: { name: "Claire Dumont", address: "claire.dumont@example.org" },
    attendees: [demoOwner],
  },
  {
    id: "accountant",
    title: "Accountant: figures of the quarter",
    starts: { kind: "local", day: 1, at: "15:00" },
    minutes: 60,
    location: "Quay Street 4, second floor",
    organizer: { name: "Ines Moreau", address: "ines@moreau-accounts.example" },
    attendees: [demoOwner],
  },
  {
    id: "dinner",
    title: "Dinner with Noa (to be said yes to)",
    starts: { kind: "local", day: 2, at: "18:30" },
    minutes: 120,
    location: "By the ferry",
  },
  {
    id: "invoice-2217",
    title: "Invoice 2217 is due",
    starts: { kind: "all-day", day: 3 },
    minutes: 24 * 60,
  },
];
