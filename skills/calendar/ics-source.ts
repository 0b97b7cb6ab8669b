import type { CalendarSource } from "./calendar-source.ts";
import { shortHash } from "./snapshot.ts";
import { calendarAddress, readSource, type SourceLimits } from "./source.ts";

export interface IcsSourceOptions {
  readonly name: string;
  /** As in the config. */
  readonly ics: string;
  readonly baseDir: string;
  readonly limits?: SourceLimits;
}

/** An iCalendar file or address: it can be read, not written. */
export function icsSource({ name, ics, baseDir, limits }: IcsSourceOptions): CalendarSource {
  const address = calendarAddress(ics, baseDir);
  return {
    name,
    identity: shortHash(address.kind === "url" ? address.url : address.path),
    async read(request) {
      const found = await readSource(address, { ...request, ...(limits ? { limits } : {}) });
      return found.kind === "unchanged"
        ? found
        : { kind: "changed", texts: [found.text], validators: found.validators };
    },
  };
}
