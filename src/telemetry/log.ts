import { AsyncLocalStorage } from "node:async_hooks";
import { pino, type Logger } from "pino";
import { boundedLine } from "./bounded-line.ts";

/** The log as the rest of the daemon sees it; fields are JSON. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
  /**
   * Does the work. What this log, its parents and its children are told meanwhile, by whomever the work calls,
   * has these fields too: a skill's line says which look it belongs to without the skill's doing.
   */
  within<Result>(fields: object, work: () => Result): Result;
}

/** The least severe first. */
export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Where lines go, one at a time. */
export interface LogDestination {
  readonly write: (line: string) => void;
}

/** A pino log that writes one JSON object per line, each of a bounded length. */
export function createLog(level: LogLevel, destination: LogDestination): Log {
  const belonging = new AsyncLocalStorage<object>();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => belonging.getStore() ?? {},
      // What a line belongs to is never for whoever writes it to say.
      mixinMergeStrategy: (fields: object, belongsTo: object) => ({ ...fields, ...belongsTo }),
    },
    { write: (line) => destination.write(boundedLine(line)) },
  );
  const asLog = (each: Logger): Log => ({
    debug: (fields, message) => each.debug(fields, message),
    info: (fields, message) => each.info(fields, message),
    warn: (fields, message) => each.warn(fields, message),
    error: (fields, message) => each.error(fields, message),
    child: (fields) => asLog(each.child(fields)),
    within: (fields, work) => belonging.run({ ...belonging.getStore(), ...fields }, work),
  });
  return asLog(logger);
}

/** A log that keeps nothing: for commands that print their own result. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
  within: (_fields, work) => work(),
};
