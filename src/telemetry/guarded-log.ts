import { scrubData } from "../domain/scrub-data.ts";
import type { Scrub } from "../domain/scrub.ts";
import type { Log } from "./log.ts";

/** Whatever is said to the log, by us or by a skill. */
export const guardLog = (log: Log, scrub: Scrub): Log => ({
  debug: (fields, message) => log.debug(scrubData(fields, scrub), scrub(message)),
  info: (fields, message) => log.info(scrubData(fields, scrub), scrub(message)),
  warn: (fields, message) => log.warn(scrubData(fields, scrub), scrub(message)),
  error: (fields, message) => log.error(scrubData(fields, scrub), scrub(message)),
  child: (fields) => guardLog(log.child(scrubData(fields, scrub)), scrub),
});

/** The log as a skill is given it. */
export function skillLog(log: Log, skill: string) {
  const child = log.child({ skill });
  return {
    debug: (message: string, fields = {}) => child.debug(fields, message),
    info: (message: string, fields = {}) => child.info(fields, message),
    warn: (message: string, fields = {}) => child.warn(fields, message),
  };
}
