import type { CheckDefinition } from "watchkeeper";
import type { Instance } from "./expand.ts";
import { shortHash } from "./snapshot.ts";
import { createTimeWords } from "./time-words.ts";
import { midnight } from "./tool-input.ts";
import type { CalendarToolOptions } from "./tools/list.ts";
import { readUpcoming } from "./upcoming.ts";
import { databaseZone, utcZone } from "./zones.ts";

const mostLines = 60;

/** The check `calendar/agenda`: once a day, at a set time, what the day holds. */
export function agendaCheck(
  { sources, timezone, addresses }: CalendarToolOptions,
  at: string,
): CheckDefinition {
  const [hour = "", minute = ""] = at.split(":");
  return {
    cron: `${Number(minute)} ${Number(hour)} * * *`,
    timeout: "45s",
    async observe({ signal, now: date }) {
      const now = date.getTime();
      const zone = databaseZone(timezone) ?? utcZone;
      const times = createTimeWords(timezone);
      const window = { from: midnight(zone, now), to: midnight(zone, now, 1) };
      const request = { window, owner: zone, addresses, signal, now: date };
      const { events, failures } = await readUpcoming(sources, request);
      const today = events
        .map(({ instance }) => instance)
        .filter((one) => !one.cancelled && one.people?.answer !== "declined");
      const day = times.iso(window.from, true);
      const timed = today.filter(({ allDay }) => !allDay);
      const lines = [...today.filter(({ allDay }) => allDay), ...timed].map(lineOf);
      const [first] = timed;
      return {
        observations: [
          {
            key: `agenda:${day}`,
            severity: today.length > 0 ? "notice" : "info",
            title: titleOf(today.length, first && clockOf(first.start)),
            text: [
              ...lines.slice(0, mostLines),
              ...(lines.length > mostLines ? [`and ${lines.length - mostLines} more`] : []),
              ...failures.map(({ source }) => `Not seen: calendar ${source}`),
            ].join("\n"),
            fingerprint: shortHash(day),
            closesAt: new Date(window.to),
          },
        ],
        notes: failures.map(({ source, error }) => `${source} is missing from it: ${error}`),
      };

      function lineOf(instance: Instance): string {
        const until = instance.end > window.to ? "…" : clockOf(instance.end);
        const from = instance.start < window.from ? "…" : clockOf(instance.start);
        const when = instance.allDay ? "all day" : `${from}-${until}`;
        const where = instance.place ? ` (${instance.place})` : "";
        return `${when} ${instance.title}${where}`;
      }
      function clockOf(instant: number): string {
        return times.iso(instant, false).slice(11, 16);
      }
    },
  };
}

function titleOf(count: number, firstAt: string | undefined): string {
  if (count === 0) return "Today: nothing in the calendar";
  const events = count === 1 ? "1 event" : `${count} events`;
  return `Today: ${events}${firstAt === undefined ? "" : `, the first at ${firstAt}`}`;
}
