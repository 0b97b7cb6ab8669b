import { isTimezone } from "../domain/zoned-time.ts";

/** The zone of this machine. A `TZ` that is empty, or names a file, names none: then it is UTC, as Node has it. */
export const hostTimezone = (): string => named() ?? "UTC";

/** Whether the machine, or `TZ`, names a zone at all. */
export const hostNamesTimezone = (): boolean => named() !== undefined;

function named(): string | undefined {
  // Its type knows nothing of a TZ that cannot be read.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  return zone !== undefined && isTimezone(zone) ? zone : undefined;
}
