import { defineTool, z } from "watchkeeper";
import type { AnyTool } from "watchkeeper";
import { pick, referenceText } from "../event-reference.ts";
import type { Instance } from "../expand.ts";
import type { OpenSource } from "../sources.ts";
import { createTimeWords } from "../time-words.ts";
import type { TimeWords } from "../time-words.ts";
import { readMoment } from "../tool-input.ts";
import { readUpcoming } from "../upcoming.ts";
import { databaseZone, dayMs, instantOf, utcZone, wallOf } from "../zones.ts";

export interface CalendarToolOptions {
  readonly sources: readonly OpenSource[];
  readonly timezone: string;
  /** Of the owner, in lower case. */
  readonly addresses: readonly string[];
}

const mostEvents = 150;

/** The tool `calendar_list`: what the calendars hold, read anew at each call. */
export function listTool({ sources, timezone, addresses }: CalendarToolOptions): AnyTool {
  return defineTool({
    description: "List calendar events of some days, in the owner's time zone.",
    effect: "read",
    timeout: "45s",
    input: z.strictObject({
      from: z.string().max(40).optional().describe("ISO date or time; default now"),
      days: z.number().int().min(1).max(31).default(2),
      source: z.string().max(40).optional().describe("one calendar's name"),
    }),
    async run({ from, days, source }, { signal, now }) {
      const zone = databaseZone(timezone) ?? utcZone;
      const times = createTimeWords(timezone);
      const start = from === undefined ? now.getTime() : readMoment(from, zone).at;
      const end = instantOf(zone, wallOf(zone, start) + days * dayMs);
      const chosen = source === undefined ? sources : [pick(source, sources)];
      const window = { from: start, to: end };
      const request = { window, owner: zone, addresses, signal, now };
      const { events, failures } = await readUpcoming(chosen, request);
      return {
        timezone,
        from: times.iso(start, false),
        to: times.iso(end, false),
        events: events.slice(0, mostEvents).map((one) => listed(one.source, one.instance, times)),
        ...(events.length > mostEvents ? { leftOut: events.length - mostEvents } : {}),
        ...(failures.length > 0 ? { failures } : {}),
      };
    },
  });
}

function listed(source: string, instance: Instance, times: TimeWords): Record<string, unknown> {
  const { people } = instance;
  return {
    id: referenceText(source, instance),
    source,
    title: instance.title,
    start: times.iso(instance.start, instance.allDay),
    end: times.iso(instance.end, instance.allDay),
    ...(instance.place ? { where: instance.place } : {}),
    ...(instance.organizer ? { organizer: instance.organizer } : {}),
    ...(people && people.count > 0 ? { others: people.count } : {}),
    ...(people?.answer ? { answer: people.answer } : {}),
    ...(instance.repeats ? { repeats: true } : {}),
    ...(instance.cancelled ? { cancelled: true } : {}),
    ...(instance.busy ? {} : { free: true }),
  };
}
