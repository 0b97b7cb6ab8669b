import { describeError } from "../domain/errors.ts";
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
  within: (fields, work) => log.within(scrubData(fields, scrub), work),
});

/** What only we say of a line. */
const ownNames = new Set(["level", "time", "msg", "skill", "beatId", "check", "runId"]);

/**
 * The log as a skill is given it. A field that has a name of ours is set apart by a `_`; a skill in plain
 * JavaScript may hand over anything, such as an error in the place of the message.
 */
export function skillLog(log: Log, skill: string) {
  const child = log.child({ skill });
  return {
    debug: (message: unknown, fields?: unknown) => child.debug(setApart(fields), words(message)),
    info: (message: unknown, fields?: unknown) => child.info(setApart(fields), words(message)),
    warn: (message: unknown, fields?: unknown) => child.warn(setApart(fields), words(message)),
  };
}

const words = (message: unknown): string =>
  typeof message === "string" ? message : describeError(message);

function setApart(fields: unknown): object {
  if (fields === undefined) return {};
  if (typeof fields !== "object" || fields === null) return { value: fields };
  if (!Object.keys(fields).some((name) => ownNames.has(name))) return fields;
  const apart = (name: string): string => (ownNames.has(name) ? `${name}_` : name);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [apart(name), value]));
}
