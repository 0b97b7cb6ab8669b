import type { ObservationInput } from "watchkeeper";
import type { Instance } from "./expand.ts";
import { type CallTool, lastMailWith } from "./mail-history.ts";
import { dataOf, describe, fingerprintOf, soonKey } from "./observations.ts";
import type { TimeWords } from "./time-words.ts";

export interface BriefInput {
  /** The events that this calendar tells of. */
  readonly instances: readonly Instance[];
  /** Of the owner, in lower case; without one nobody can be told from an outsider. */
  readonly addresses: readonly string[];
  /** How long before its start a meeting is prepared for. */
  readonly leadMs: number;
  /** Those that were told already. */
  readonly told: readonly { readonly key: string; readonly start: number }[];
  readonly now: number;
  readonly times: TimeWords;
  readonly callTool: CallTool | undefined;
  readonly signal: AbortSignal;
}

const mostBriefs = 10;
const mostAsked = 5;

/** Tells, before a meeting with people from outside, who they are and what was last written. */
export async function tellBriefs(input: BriefInput): Promise<{
  observations: ObservationInput[];
  gone: string[];
  remembered: { key: string; start: number }[];
}> {
  const { instances, addresses, leadMs, told, now } = input;
  const due = instances.filter(
    (one) =>
      !one.allDay &&
      one.start > now &&
      one.start <= now + leadMs &&
      outsidersOf(one, addresses).length > 0,
  );
  const keyed = new Map(due.slice(0, mostBriefs).map((one) => [briefKey(one), one]));
  const known = new Set(told.map(({ key }) => key));
  const fresh = [...keyed].filter(([key]) => !known.has(key));
  const observations = await Promise.all(fresh.map(([key, one]) => brief(key, one, input)));
  return {
    observations,
    gone: told.filter(({ key, start }) => start > now && !keyed.has(key)).map(({ key }) => key),
    remembered: [...keyed].map(([key, { start }]) => ({ key, start })),
  };
}

const briefKey = (instance: Instance): string => `brief:${soonKey(instance).slice(5)}`;

async function brief(
  key: string,
  instance: Instance,
  { addresses, now, times, callTool, signal }: BriefInput,
): Promise<ObservationInput> {
  const outsiders = outsidersOf(instance, addresses);
  const asked = outsiders.slice(0, mostAsked);
  const mails = await Promise.all(asked.map((address) => lastMailWith(address, callTool, signal)));
  const people = outsiders.map((address, index) => {
    const lines = mails[index] ?? [];
    return [address, ...lines.map((line) => `  last mail ${line}`)].join("\n");
  });
  const [first = ""] = outsiders;
  const more = outsiders.length > 1 ? ` and ${outsiders.length - 1} more` : "";
  return {
    key,
    severity: "notice",
    title: `Prepare: ${instance.title}, ${times.start(instance, now)}, with ${first}${more}`,
    text: `${describe(instance, times, now)}\nFrom outside:\n${people.join("\n")}`,
    data: { ...dataOf(instance), outsiders },
    fingerprint: fingerprintOf("brief", instance),
    closesAt: new Date(instance.start),
  };
}

/** Where everybody has an address, a shared domain makes nobody a colleague. */
const publicDomains = new Set(
  "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com gmx.de gmx.net web.de proton.me protonmail.com aol.com mail.com".split(
    " ",
  ),
);

const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);

/** The others in a meeting whose mail domain is none of the owner's. */
function outsidersOf({ people }: Instance, addresses: readonly string[]): string[] {
  if (addresses.length === 0) return [];
  const own = new Set(addresses.map(domainOf).filter((domain) => !publicDomains.has(domain)));
  const others = people?.others ?? [];
  // Rooms and other things that are invited have addresses too.
  return others.filter(
    (address) => !own.has(domainOf(address)) && !domainOf(address).endsWith("calendar.google.com"),
  );
}
