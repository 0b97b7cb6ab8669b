import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { id, json, validJson } from "./columns.ts";

/** What is looked at, when it was, and what was pushed in between. */

export const checks = sqliteTable(
  "checks",
  {
    name: text("name").primaryKey(),
    skill: text("skill").notNull(),
    schedule: text("schedule").notNull(),
    enabled: integer("enabled", { mode: "boolean" }).notNull().default(true),
    status: text("status", { enum: ["ok", "failing", "blind"] })
      .notNull()
      .default("ok"),
    nextDueAt: integer("next_due_at"),
    lastRunAt: integer("last_run_at"),
    lastOkAt: integer("last_ok_at"),
    failingSince: integer("failing_since"),
    consecutiveFailures: integer("consecutive_failures").notNull().default(0),
    lastError: text("last_error"),
    cursor: json("cursor"),
  },
  (table) => [validJson("checks_cursor_json", table.cursor)],
);

export const beats = sqliteTable(
  "beats",
  {
    id: id(),
    trigger: text("trigger", { enum: ["schedule", "manual", "catch-up"] }).notNull(),
    /** Null while the beat is going on. */
    outcome: text("outcome", { enum: ["quiet", "found", "missed", "failed"] }),
    startedAt: integer("started_at").notNull(),
    finishedAt: integer("finished_at"),
    /** Of a `missed` row: how many beats fell out between started_at and finished_at. */
    missedCount: integer("missed_count"),
    /** The receipt's lines: `[{name, outcome, durationMs, error, notes}]`. */
    checks: json("checks"),
    error: text("error"),
  },
  (table) => [
    validJson("beats_checks_json", table.checks),
    index("beats_started_at").on(table.startedAt),
    index("beats_outcome").on(table.outcome, table.finishedAt),
    index("beats_unfinished")
      .on(table.id)
      .where(sql`${table.finishedAt} is null`),
  ],
);

/** The last push received under each name. */
export const pushes = sqliteTable(
  "pushes",
  {
    skill: text("skill").notNull(),
    name: text("name").notNull(),
    at: integer("at").notNull(),
    /** False when the sender said that it failed. */
    ok: integer("ok", { mode: "boolean" }).notNull(),
    /** The sender's own words, untrusted. */
    text: text("text").notNull(),
  },
  (table) => [primaryKey({ columns: [table.skill, table.name] })],
);
