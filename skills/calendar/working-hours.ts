import { dayMs } from "./zones.ts";

/** When the owner works. Minutes are since midnight; days count from Sunday, 0. */
export interface WorkingHours {
  readonly days: ReadonlySet<number>;
  readonly from: number;
  readonly to: number;
}

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Reads `09:00-17:30`, `Mon-Fri 09:00-17:30` or `Mon,Wed,Fri 9:00-13:00`; undefined when it is none. */
export function parseWorkingHours(text: string): WorkingHours | undefined {
  const match = /^(?:([a-z,\s-]+?)\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)$/i.exec(text.trim());
  if (!match) return undefined;
  const days = parseDays(match[1] ?? "mon-fri");
  const minutes = (hour: string, minute: string): number | undefined => {
    const value = Number(hour) * 60 + Number(minute);
    return Number(minute) < 60 && value <= 24 * 60 ? value : undefined;
  };
  const from = minutes(match[2] ?? "", match[3] ?? "");
  const to = minutes(match[4] ?? "", match[5] ?? "");
  if (!days || from === undefined || to === undefined || from >= to) return undefined;
  return { days, from, to };
}

function parseDays(text: string): Set<number> | undefined {
  const days = new Set<number>();
  for (const part of text.toLowerCase().split(",")) {
    const [first, last] = part.split("-").map((name) => dayNames.indexOf(name.trim().slice(0, 3)));
    if (first === undefined || first < 0 || (last !== undefined && last < 0)) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return days;
}

/** @param start on the owner's wall, as are all times here */
export function isWithinHours(
  { days, from, to }: WorkingHours,
  start: number,
  end: number,
): boolean {
  const midnight = Math.floor(start / dayMs) * dayMs;
  const [startMinute, endMinute] = [start, end].map((at) => (at - midnight) / 60_000) as [
    number,
    number,
  ];
  return days.has(new Date(midnight).getUTCDay()) && startMinute >= from && endMinute <= to;
}

/** The working hours of a day, on the owner's wall; undefined on days off. */
export function hoursOfDay(
  { days, from, to }: WorkingHours,
  midnight: number,
): { start: number; end: number } | undefined {
  if (!days.has(new Date(midnight).getUTCDay())) return undefined;
  return { start: midnight + from * 60_000, end: midnight + to * 60_000 };
}
