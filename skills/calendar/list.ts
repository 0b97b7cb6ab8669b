import { defineTool, ToolError, z } from "watchkeeper";
import type { AnyTool } from "watchkeeper";
import type { CalendarSourceConfig } from "./config.ts";
import type { Instance } from "./expand.ts";
import { createPacer } from "./pacer.ts";
import { plainLine } from "./plain-text.ts";
import { compareText, readCalendar } from "./reading.ts";
import { calendarAddress, readSource } from "./source.ts";
import { createTimeWords } from "./time-words.ts";
import type { TimeWords } from "./time-words.ts";
import { databaseZone, dayMs, instantOf, utcZone, wallOf } from "./zones.ts";
import type { Zone } from "./zones.ts";

export interface ListOptions {
  readonly sources: readonly CalendarSourceConfig[];
  readonly timezone: string;
  readonly baseDir: string;
}

const mostEvents = 150;

/** The tool `calendar_list`: what the calendars hold, read anew at each call. */
export function listTool({ sources, timezone, baseDir }: ListOptions): AnyTool {
  return defineTool({
    description: "List calendar events of some days, in the owner's time zone.",
    effect: "read",
    input: z.strictObject({
      from: z.string().max(40).optional().describe("ISO date or time; default now"),
      days: z.number().int().min(1).max(31).default(2),
      source: z.string().max(40).optional().describe("one calendar's name"),
    }),
    async run({ from, days, source }, { signal, now }) {
      const zone = databaseZone(timezone) ?? utcZone;
      const times = createTimeWords(timezone);
      const start = from === undefined ? now.getTime() : readFrom(from, zone);
      const end = instantOf(zone, wallOf(zone, start) + days * dayMs);
      const chosen = sources.filter((one) => source === undefined || one.name === source);
      if (chosen.length === 0) {
        throw new ToolError("CALENDAR_UNKNOWN_SOURCE", "there is no calendar of that name", {
          hint: `The calendars are: ${sources.map((one) => one.name).join(", ")}`,
        });
      }
      const looks = await Promise.allSettled(
        chosen.map(async (one) => {
          const address = calendarAddress(one.ics, baseDir);
          const found = await readSource(address, { signal, now });
          if (found.kind === "unchanged") return [];
          const window = { from: start, to: end };
          const pacer = createPacer(signal);
          const reading = await readCalendar(found.text, { window, owner: zone, pacer });
          return reading.instances.map((instance) => ({ source: one.name, instance }));
        }),
      );
      signal.throwIfAborted();
      const failures = looks.flatMap((look, index) =>
        look.status === "rejected"
          ? [{ source: chosen[index]?.name ?? "", error: wordsOf(look.reason) }]
          : [],
      );
      if (failures.length === looks.length) {
        throw new ToolError("CALENDAR_UNREADABLE", failures.map((one) => one.error).join("; "), {
          hint: "The owner can see the cause with: watchkeeper status",
        });
      }
      const events = looks
        .flatMap((look) => (look.status === "fulfilled" ? look.value : []))
        .sort(
          (one, other) =>
            one.instance.start - other.instance.start || compareText(one.source, other.source),
        );
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
  return {
    source,
    title: instance.title,
    start: times.iso(instance.start, instance.allDay),
    end: times.iso(instance.end, instance.allDay),
    ...(instance.place ? { where: instance.place } : {}),
    ...(instance.organizer ? { organizer: instance.organizer } : {}),
    ...(instance.repeats ? { repeats: true } : {}),
    ...(instance.cancelled ? { cancelled: true } : {}),
    ...(instance.busy ? {} : { free: true }),
  };
}

/** A date or a time without an offset is the owner's. */
function readFrom(text: string, zone: Zone): number {
  const match =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?\s*(Z|[+-]\d\d:\d\d)?)?$/i.exec(
      text.trim(),
    );
  const wall = match
    ? Date.parse(`${match[1]}T${match[2] ?? "00:00"}${match[3] ?? ":00"}Z`)
    : Number.NaN;
  if (!match || Number.isNaN(wall)) {
    throw new ToolError("CALENDAR_BAD_DATE", `"${plainLine(text, 40)}" is not a date`, {
      hint: "Write it as 2026-11-24 or 2026-11-24T14:00",
    });
  }
  return match[4] ? Date.parse(text.trim().replace(" ", "T")) : instantOf(zone, wall);
}

const wordsOf = (error: unknown): string =>
  plainLine(error instanceof Error ? error.message : String(error), 200);
