import { defineTool, ToolError, z } from "watchkeeper";
import type { AnyTool } from "watchkeeper";
import { freeSpans, type Span } from "../free-spans.ts";
import { createTimeWords } from "../time-words.ts";
import { midnight, readMoment } from "../tool-input.ts";
import { readUpcoming } from "../upcoming.ts";
import { hoursOfDay, type WorkingHours } from "../working-hours.ts";
import { databaseZone, dayMs, instantOf, utcZone, wallOf, type Zone } from "../zones.ts";
import type { CalendarToolOptions } from "./list.ts";

const mostSpans = 50;

/** The tool `calendar_free`: when nothing is in any calendar. */
export function freeTool({
  sources,
  timezone,
  addresses,
  workingHours,
}: CalendarToolOptions & { readonly workingHours: WorkingHours | undefined }): AnyTool {
  return defineTool({
    description: "When the owner is free, over all calendars, in the owner's time zone.",
    effect: "read",
    timeout: "45s",
    input: z.strictObject({
      from: z.string().max(40).optional().describe("ISO date or time; default now"),
      days: z.number().int().min(1).max(31).default(5),
      minutes: z.number().int().min(5).max(1_440).default(30),
      anyHour: z.boolean().default(false).describe("also outside working hours"),
    }),
    async run({ from, days, minutes, anyHour }, { signal, now }) {
      const zone = databaseZone(timezone) ?? utcZone;
      const times = createTimeWords(timezone);
      const start = Math.max(
        from === undefined ? now.getTime() : readMoment(from, zone).at,
        now.getTime(),
      );
      const window = { from: start, to: midnight(zone, start, days) };
      const request = { window, owner: zone, addresses, signal, now };
      const { events, failures } = await readUpcoming(sources, request);
      // What cannot be seen cannot be called free.
      if (failures.length > 0) {
        const said = failures.map(({ source, error }) => `${source}: ${error}`).join("; ");
        throw new ToolError("CALENDAR_UNREADABLE", `not all calendars can be seen: ${said}`, {
          hint: "calendar_list shows the others",
        });
      }
      const busy = events
        .map(({ instance }) => instance)
        .filter((one) => one.busy && !one.cancelled && one.people?.answer !== "declined");
      const hours = anyHour ? undefined : (workingHours ?? defaultHours);
      const spans = freeSpans(openSpans(window, zone, hours), busy, minutes * 60_000);
      return {
        timezone,
        from: times.iso(window.from, false),
        to: times.iso(window.to, false),
        free: spans.slice(0, mostSpans).map((span) => ({
          start: times.iso(span.start, false),
          end: times.iso(span.end, false),
          minutes: Math.floor((span.end - span.start) / 60_000),
        })),
        ...(spans.length > mostSpans ? { leftOut: spans.length - mostSpans } : {}),
      };
    },
  });
}

const defaultHours: WorkingHours = { days: new Set([1, 2, 3, 4, 5]), from: 8 * 60, to: 18 * 60 };

/** The parts of a window in which to look: the working hours of each day, or all of it. */
function openSpans(
  window: { from: number; to: number },
  zone: Zone,
  hours: WorkingHours | undefined,
): Span[] {
  if (!hours) return [{ start: window.from, end: window.to }];
  const spans: Span[] = [];
  const first = Math.floor(wallOf(zone, window.from) / dayMs) * dayMs;
  for (let day = first; instantOf(zone, day) < window.to; day += dayMs) {
    const open = hoursOfDay(hours, day);
    if (!open) continue;
    const start = Math.max(window.from, instantOf(zone, open.start));
    const end = Math.min(window.to, instantOf(zone, open.end));
    if (start < end) spans.push({ start, end });
  }
  return spans;
}
