import { formatMail } from "watchkeeper/testing";

/** The sixty mails of the day, in the order in which they come. */

export interface DayMail {
  /** Of the owner's clock, such as `07:40`. */
  readonly at: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly kind: "person" | "newsletter" | "machine";
  /** Names the conversation that it belongs to. */
  readonly thread?: string;
}

export const owner = "robin@northlight.example";

const people: Readonly<Record<string, string>> = {
  ada: "Ada Brandt <ada@northlight.example>",
  ben: "Ben Okafor <ben@northlight.example>",
  mia: "Mia Lindt <mia@northlight.example>",
  jonas: "Jonas Vik <jonas@northlight.example>",
  claire: "Claire Dumont <claire.dumont@tidewater.example>",
  harbour: "Ines Moreau <ines@harbour-hotel.example>",
  printer: "Paul Kern <paul@kern-print.example>",
  payments: "Payments status <status@payments.example>",
  registrar: "Domain registrar <billing@registrar.example>",
  builds: "Builds <ci@builds.example>",
  shop: "Northlight shop <orders@shop.northlight.example>",
  scanner: "Office scanner <scanner@northlight.example>",
};

const person = (
  at: string,
  who: string,
  subject: string,
  text: string,
  thread?: string,
): DayMail => ({
  at,
  from: people[who] ?? who,
  subject,
  text,
  kind: "person",
  ...(thread !== undefined && { thread }),
});

const machine = (at: string, who: string, subject: string, text: string): DayMail => ({
  at,
  from: people[who] ?? who,
  subject,
  text,
  kind: "machine",
});

const newsletter = (at: string, name: string, subject: string): DayMail => ({
  at,
  from: `${name} <hello@${name.toLowerCase().replaceAll(" ", "-")}.example>`,
  subject,
  text: `${subject}.\nAll of it on our pages. You receive this because you subscribed.`,
  kind: "newsletter",
});

export const mails: readonly DayMail[] = [
  newsletter("00:40", "Light Weekly", "Ten lamps that shaped the decade"),
  machine("01:05", "shop", "Nightly summary: 14 orders", "14 orders, none of them open."),
  newsletter("02:15", "Export News", "New customs forms from January"),
  machine("03:30", "builds", "Build 4411 passed", "All 212 tests passed."),
  newsletter("04:50", "Cloud Digest", "What is new in object storage"),
  machine(
    "05:50",
    "payments",
    "Incident: card payments are failing",
    "Since 05:38 about half of all card payments fail. We expect to be back by 09:00.",
  ),
  newsletter("06:05", "Morning Markets", "Copper falls for a third day"),
  person(
    "06:15",
    "claire",
    "Contract for the spring order",
    "Dear Robin,\nour board meets today. I need your signed copy by noon, or the order slips to June.\nCan you confirm?\nClaire",
  ),
  newsletter("06:20", "Design Radar", "Warm white is back"),
  newsletter("07:10", "Founders Letter", "How to say no"),
  machine(
    "07:40",
    "registrar",
    "northlight.example expires tomorrow: payment failed",
    "We could not charge your card. Without payment your domain expires tomorrow.",
  ),
  newsletter("07:45", "Trade Fair Cologne", "Early bird tickets"),
  machine("08:02", "builds", "Build 4412 passed", "All 212 tests passed."),
  person("08:05", "ada", "Samples have arrived", "The brass samples are on your desk.", "samples"),
  person("08:12", "ben", "Re: Samples have arrived", "They look good to me.", "samples"),
  newsletter("08:20", "Retail Minute", "Five shop windows to steal from"),
  person(
    "09:04",
    "mia",
    "Holiday in March",
    "I would like to take the second week off.",
    "holiday",
  ),
  newsletter("09:15", "Cable Supply", "Textile cables, 15 % off"),
  person("09:21", "ada", "Re: Holiday in March", "Fine with me, I can cover.", "holiday"),
  person("09:33", "mia", "Re: Holiday in March", "Thank you both.", "holiday"),
  machine("09:41", "scanner", "Scan from the office", "One page."),
  newsletter("09:50", "Hiring Today", "Three candidates near you"),
  person(
    "10:02",
    "printer",
    "Proofs for the catalogue",
    "The proofs are ready for you to look at.",
    "proofs",
  ),
  machine("10:07", "builds", "Build 4413 passed", "All 213 tests passed."),
  person("10:15", "ben", "Re: Proofs for the catalogue", "Page 14 has the old price.", "proofs"),
  person("10:22", "printer", "Re: Proofs for the catalogue", "Corrected, thank you.", "proofs"),
  newsletter("10:40", "Light Weekly", "Webinar: dimming without flicker"),
  machine("10:55", "shop", "Order 20817", "One Halo lamp, paid."),
  machine("11:12", "shop", "Order 20818", "Two Dune lamps, paid."),
  person("11:26", "ada", "Shop is down?", "I cannot open the shop, can you?", "shop"),
  person("11:29", "ben", "Re: Shop is down?", "Same here. I restart the web server.", "shop"),
  newsletter("11:45", "Office Plants", "Your ficus in winter"),
  person("11:52", "ben", "Re: Shop is down?", "It is back, the disk was full of logs.", "shop"),
  machine("12:01", "builds", "Build 4414 passed", "All 213 tests passed."),
  newsletter("12:10", "Lunch Club", "This week: lentils"),
  newsletter("12:30", "Export News", "Webinar on origin rules"),
  person(
    "12:48",
    "harbour",
    "Our 40 lamps",
    "Dear Robin,\nwe open on Friday. Tell us by 15:00 today whether you deliver on Thursday; otherwise we must cancel.\nInes Moreau",
  ),
  machine("12:56", "shop", "Order 20819", "One Halo lamp, paid."),
  newsletter("13:20", "Retail Minute", "Returns are the new shop window"),
  person(
    "13:31",
    "jonas",
    "Figures for October",
    "Attached to the board's page: 4 % up.",
    "figures",
  ),
  person("13:38", "mia", "Re: Figures for October", "Nice. I add the fair's costs.", "figures"),
  machine("13:44", "builds", "Build 4415 passed", "All 213 tests passed."),
  newsletter("14:05", "Cloud Digest", "Prices go down in two regions"),
  person("14:10", "jonas", "Re: Figures for October", "Done, and closed.", "figures"),
  machine("14:30", "shop", "Order 20820", "Four Dune lamps, paid."),
  newsletter("14:45", "Founders Letter", "The meeting that was a mail"),
  person("15:05", "printer", "Catalogue is in print", "It is delivered on the 18th.", "proofs"),
  newsletter("15:20", "Design Radar", "A chair to think in"),
  person(
    "15:52",
    "ada",
    "No network in the office",
    "Nothing works here, not even the phones.",
    "network",
  ),
  person("15:58", "mia", "Re: No network in the office", "I go and look at the router.", "network"),
  person(
    "16:09",
    "mia",
    "Re: No network in the office",
    "Its plug was out. All lamps are green.",
    "network",
  ),
  newsletter("16:30", "Trade Fair Cologne", "Plan of the halls"),
  machine("16:44", "scanner", "Scan from the office", "Three pages."),
  person("16:50", "ben", "Logs of the shop", "They are rotated daily from now on.", "shop"),
  newsletter("17:30", "Cable Supply", "Last day: 15 % off"),
  machine("17:55", "shop", "Daily summary: 31 orders", "31 orders, 2 of them open."),
  newsletter("18:40", "Morning Markets", "Copper rises"),
  newsletter("20:15", "Office Plants", "A cactus for the warehouse"),
  newsletter("21:50", "Hiring Today", "Salaries in your region"),
  machine("23:10", "builds", "Build 4416 passed", "All 213 tests passed."),
];

/** As it is delivered; `index` makes its Message-ID. */
export function rawMail(mail: DayMail, index: number, date: Date): string {
  const { from, subject, text, kind, thread } = mail;
  const id = (of: number) => `<mail-${String(of).padStart(2, "0")}@northlight.example>`;
  const first = mails.findIndex((other) => other.thread !== undefined && other.thread === thread);
  const headers: Record<string, string> = { "Message-ID": id(index) };
  if (first >= 0 && first < index) {
    headers["In-Reply-To"] = id(first);
    headers["References"] = id(first);
  }
  if (kind === "machine") headers["Auto-Submitted"] = "auto-generated";
  if (kind === "newsletter") {
    const host = from.slice(from.indexOf("@") + 1, -1);
    headers["List-Id"] = `<news.${host}>`;
    headers["List-Unsubscribe"] = `<https://${host}/off>`;
  }
  return formatMail({ from, to: `Robin Vos <${owner}>`, subject, text, date, headers });
}
