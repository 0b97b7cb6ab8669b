import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { upkeepTasks } from "../../domain/upkeep.ts";
import { json } from "./columns.ts";

/** The daemon itself: that it runs, its stop button, the care of the file, and counters. */

/** One row: the daemon that runs now, or ran last. */
export const daemon = sqliteTable("daemon", {
  id: integer("id").primaryKey(),
  pid: integer("pid").notNull(),
  version: text("version").notNull(),
  startedAt: integer("started_at").notNull(),
  stoppedAt: integer("stopped_at"),
  /** The longest gap between beats, in milliseconds. */
  heartbeatMs: integer("heartbeat_ms").notNull(),
  /** Skills that are switched off because they cannot be used: `[{name, error}]`. */
  skillsOff: json("skills_off").notNull(),
  /** Where the page is offered, or why it is not; both null before that is known. */
  webUrl: text("web_url"),
  webOff: text("web_off"),
  /** The owner's zone, as configured: an IANA name. Null when an older version wrote the row. */
  timezone: text("timezone"),
});

/** One row: the stop button, while it is pressed. */
export const stopButton = sqliteTable("stop_button", {
  id: integer("id").primaryKey(),
  pausedAt: integer("paused_at").notNull(),
  /** When it is lifted by itself; null when only the owner lifts it. */
  until: integer("until"),
  reason: text("reason"),
});

/** What is done to the file now and then: one row per kind of work. */
export const upkeep = sqliteTable("upkeep", {
  name: text("name", { enum: upkeepTasks }).primaryKey(),
  /** Since when it is to be done. */
  since: integer("since").notNull(),
  lastTriedAt: integer("last_tried_at"),
  lastOkAt: integer("last_ok_at"),
  /** Why the last try failed; null when it did not. */
  lastError: text("last_error"),
  /** What came of the last one that went well. */
  outcome: json("outcome"),
});

/** What was counted of rows that are gone, so that no counter ever goes back. */
export const tallies = sqliteTable(
  "tallies",
  {
    name: text("name").notNull(),
    /** JSON, `["quiet"]`. */
    labels: text("labels").notNull(),
    amount: real("amount").notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.labels] })],
);
