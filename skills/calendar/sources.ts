import type { CalendarSource } from "./calendar-source.ts";
import { caldavSource } from "./caldav/source.ts";
import type { CalendarConfig, CalendarSourceConfig } from "./config.ts";
import { googleSource } from "./google/source.ts";
import { icsSource } from "./ics-source.ts";

export interface SourcePlace {
  readonly timezone: string;
  readonly baseDir: string;
  /** The skill's folder in the state directory; undefined keeps nothing. */
  readonly stateDir: string | undefined;
}

/** A source of the config with what reads and writes it. */
export interface OpenSource {
  readonly source: CalendarSource;
  readonly config: CalendarSourceConfig;
}

/** Opens the calendars of the config; nothing is loaded or asked before the first look. */
export function openSources(config: CalendarConfig, place: SourcePlace): OpenSource[] {
  return config.sources.map((one) => ({ source: openSource(one, config, place), config: one }));
}

function openSource(
  { name, ics, caldav, google }: CalendarSourceConfig,
  { addresses }: CalendarConfig,
  { timezone, baseDir, stateDir }: SourcePlace,
): CalendarSource {
  if (google) return googleSource({ name, login: google, stateDir, timezone });
  if (caldav) {
    const { calendar, ...login } = caldav;
    // The name of the user is often an address of theirs.
    const own = [...addresses, ...(login.user.includes("@") ? [login.user.toLowerCase()] : [])];
    return caldavSource({ name, login, calendar, addresses: own, stateDir, timezone });
  }
  return icsSource({ name, ics: ics ?? "", baseDir });
}
