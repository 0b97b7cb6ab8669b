import type { CheckDefinition, ObserveResult } from "watchkeeper";
import { compare } from "./compare.ts";
import type { CalendarSourceConfig } from "./config.ts";
import { createPacer } from "./pacer.ts";
import { readCalendar } from "./reading.ts";
import { readSnapshot, shortHash } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";
import { calendarAddress, readSource } from "./source.ts";
import type { SourceLimits } from "./source.ts";
import { createTimeWords } from "./time-words.ts";
import { databaseZone, dayMs, utcZone } from "./zones.ts";

export interface CalendarCheckOptions {
  readonly source: CalendarSourceConfig;
  readonly every: string;
  readonly everyMs: number;
  readonly timezone: string;
  readonly baseDir: string;
  readonly limits?: SourceLimits;
}

const daysBack = 1;
const daysAhead = 14;
// An unchanged calendar is read anew before the days that the snapshot covers run out.
const daysNeeded = 8;

/** The check of one calendar source: `calendar/NAME`. */
export function calendarCheck(options: CalendarCheckOptions): CheckDefinition {
  const { source, every, everyMs, timezone, baseDir, limits } = options;
  // A look may come late by a quarter of the interval: nothing may begin in between untold.
  const leadMs = Math.max(source.remindBeforeMs, everyMs * 1.25);
  return {
    every,
    timeout: "30s",
    async observe({ cursor, signal, now: date }): Promise<ObserveResult> {
      const now = date.getTime();
      const zone = databaseZone(timezone) ?? utcZone;
      const times = createTimeWords(timezone);
      const address = calendarAddress(source.ics, baseDir);
      const sourceHash = shortHash(address.kind === "url" ? address.url : address.path);
      const stored = readSnapshot(cursor);
      const isSame = stored?.source === sourceHash && stored.timezone === timezone;
      const previous: Snapshot | null = isSame ? stored : null;
      const isFresh = previous !== null && previous.until >= now + daysNeeded * dayMs;

      const found = await readSource(address, {
        validators: isFresh ? previous.validators : undefined,
        signal,
        now: date,
        ...(limits ? { limits } : {}),
      });
      const reading =
        found.kind === "changed"
          ? await readCalendar(found.text, {
              window: { from: now - daysBack * dayMs, to: now + daysAhead * dayMs },
              owner: zone,
              pacer: createPacer(signal),
            })
          : null;
      const { observations, gone, notes, next } = compare({
        previous,
        reading,
        now,
        leadMs,
        zone,
        times,
      });
      const validators = found.kind === "changed" ? found.validators : previous?.validators;
      const snapshot: Snapshot = {
        ...next,
        version: 1,
        source: sourceHash,
        timezone,
        validators: validators ?? { bodyHash: "" },
      };
      return { observations, gone, notes, cursor: snapshot };
    },
  };
}
