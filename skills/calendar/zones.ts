import { windowsZones } from "./windows-zones.ts";

/**
 * Wall times are numbers: the milliseconds that a clock on the wall would show if it stood in UTC.
 * With a zone they become instants. Nothing here depends on the zone of the host.
 */
export interface Zone {
  readonly name: string;
  /** Milliseconds that clocks of the zone are ahead of UTC at an instant. */
  offsetAt(instant: number): number;
}

export const dayMs = 86_400_000;

export const utcZone: Zone = { name: "UTC", offsetAt: () => 0 };

/** What a clock of the zone shows at an instant. */
export const wallOf = (zone: Zone, instant: number): number => instant + zone.offsetAt(instant);

/**
 * The instant at which a clock of the zone shows a wall time. A time that occurs twice is the
 * earlier one; a time that is skipped is read with the offset before the gap, as RFC 5545 asks.
 */
export function instantOf(zone: Zone, wall: number): number {
  const before = zone.offsetAt(wall - dayMs);
  if (zone.offsetAt(wall - before) === before) return wall - before;
  const after = zone.offsetAt(wall + dayMs);
  if (zone.offsetAt(wall - after) === after) return wall - after;
  return wall - before;
}

const cachedDays = 20_000;

/** A zone of the time zone database that Node carries, or undefined when it has none of that name. */
export function databaseZone(name: string): Zone | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  } catch {
    return undefined;
  }
  const exact = (instant: number): number => readOffset(format.format(instant));
  // Formatting is slow, and all but two days of a year have one offset from end to end.
  const offsetOfDay = new Map<number, number | null>();
  return {
    name,
    offsetAt(instant) {
      const day = Math.floor(instant / dayMs);
      let offset = offsetOfDay.get(day);
      if (offset === undefined) {
        const first = exact(day * dayMs);
        offset = first === exact((day + 1) * dayMs - 1_000) ? first : null;
        if (offsetOfDay.size >= cachedDays) offsetOfDay.clear();
        offsetOfDay.set(day, offset);
      }
      return offset ?? exact(instant);
    },
  };
}

const offsetPattern = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

function readOffset(formatted: string): number {
  const match = offsetPattern.exec(formatted);
  if (!match?.[1]) return 0;
  const seconds = Number(match[2]) * 3_600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === "-" ? -seconds : seconds) * 1_000;
}

export interface ZoneFinder {
  readonly owner: Zone;
  /** @returns the zone that a TZID means, or undefined when nothing known has that name. */
  find(tzid: string): Zone | undefined;
}

/**
 * Finds zones by the names that calendars write. Names of the time zone database and of Windows
 * come first: programs cut the VTIMEZONE they send along to the rule of the day, the database knows
 * all years. Any other name is looked up among the calendar's own VTIMEZONEs.
 */
export function createZoneFinder(options: {
  readonly owner: Zone;
  /** Zones that the calendar itself defines. */
  readonly own: (tzid: string) => Zone | undefined;
  /** Default: {@link databaseZone}; one that remembers where many calendars are read. */
  readonly database?: (name: string) => Zone | undefined;
}): ZoneFinder {
  const database = options.database ?? databaseZone;
  const found = new Map<string, Zone | undefined>();
  const look = (tzid: string): Zone | undefined => {
    const name = tzid.trim().replace(/^"|"$/g, "");
    const path = /[A-Za-z_]+\/[\w+/-]+$/.exec(name)?.[0] ?? "";
    for (const candidate of [windowsZones.get(name.toLowerCase()), ...endings(path)]) {
      const zone = candidate ? database(candidate) : undefined;
      if (zone) return zone;
    }
    // A bare abbreviation such as EST says less than a definition that comes with it.
    return options.own(tzid) ?? database(name);
  };
  return {
    owner: options.owner,
    find(tzid) {
      if (!found.has(tzid)) {
        if (found.size >= 1_000) found.clear();
        found.set(tzid, look(tzid));
      }
      return found.get(tzid);
    },
  };
}

/** Making a zone is slow: this makes each of them once. */
export function rememberedZones(): (name: string) => Zone | undefined {
  const made = new Map<string, Zone | undefined>();
  return (name) => {
    if (!made.has(name)) {
      if (made.size >= 1_000) made.clear();
      made.set(name, databaseZone(name));
    }
    return made.get(name);
  };
}

/** `/example.org/2024/Europe/Berlin` names Europe/Berlin: tries the longest ending first. */
function endings(path: string): string[] {
  const parts = path.split("/");
  const counts = [3, 2].filter((count) => parts.length >= count);
  return counts.map((count) => parts.slice(-count).join("/"));
}
