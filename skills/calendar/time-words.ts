import { dayMs } from "./zones.ts";

/** Says times in the owner's zone. */
export interface TimeWords {
  readonly timezone: string;
  /** `Tue 24 Nov 14:00`, with the year when it is not the present one. */
  moment(instant: number, now: number): string;
  /** `Tue 24 Nov 14:00 to 15:00`, `Tue 24 Nov (all day)`. */
  span(times: { start: number; end: number; allDay: boolean }, now: number): string;
  /** The start as `Tue 24 Nov 14:00`, or `Tue 24 Nov (all day)`. */
  start(times: { start: number; end: number; allDay: boolean }, now: number): string;
  /** `2026-11-24T14:00+01:00`, or `2026-11-24` for a day. */
  iso(instant: number, isDate: boolean): string;
}

/** @throws RangeError when the zone is unknown. */
export function createTimeWords(timezone: string): TimeWords {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    calendar: "gregory",
    numberingSystem: "latn",
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const isoFormat = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    calendar: "gregory",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  const partsOf = (used: Intl.DateTimeFormat, instant: number) =>
    Object.fromEntries(used.formatToParts(instant).map((part) => [part.type, part.value]));
  const day = (instant: number, now: number): string => {
    const { weekday, day: date, month, year } = partsOf(format, instant);
    const otherYear = year === partsOf(format, now)["year"] ? "" : ` ${year}`;
    return `${weekday} ${date} ${month}${otherYear}`;
  };
  const clock = (instant: number): string => {
    const { hour, minute } = partsOf(format, instant);
    return `${hour}:${minute}`;
  };
  const moment = (instant: number, now: number): string => `${day(instant, now)} ${clock(instant)}`;
  const span: TimeWords["span"] = ({ start, end, allDay }, now) => {
    if (allDay) {
      const first = day(start, now);
      const last = day(Math.max(start, end - dayMs / 2), now);
      return first === last ? `${first} (all day)` : `${first} to ${last} (all day)`;
    }
    if (end <= start) return moment(start, now);
    const sameDay = day(start, now) === day(end, now);
    return `${moment(start, now)} to ${sameDay ? clock(end) : moment(end, now)}`;
  };
  return {
    timezone,
    moment,
    span,
    start: (times, now) => (times.allDay ? span(times, now) : moment(times.start, now)),
    iso(instant, isDate) {
      const { year, month, day: date, hour, minute, timeZoneName } = partsOf(isoFormat, instant);
      if (isDate) return `${year}-${month}-${date}`;
      const offset = (timeZoneName ?? "GMT").slice(3) || "+00:00";
      return `${year}-${month}-${date}T${hour}:${minute}${offset}`;
    },
  };
}
