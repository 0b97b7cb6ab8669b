import { sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { trusts, verdicts } from "../../domain/finding.ts";
import { beats } from "./beats.ts";
import { id, json, validJson } from "./columns.ts";
import { findings } from "./findings.ts";

/** Runs of the agent: over what, step by step, and what they cost. */

export const runs = sqliteTable(
  "runs",
  {
    id: id(),
    beatId: integer("beat_id").references(() => beats.id),
    startedAt: integer("started_at").notNull(),
    finishedAt: integer("finished_at"),
    /** Null while the run is going on. */
    outcome: text("outcome", {
      enum: ["ok", "incomplete", "failed", "interrupted", "over-budget"],
    }),
    model: text("model").notNull(),
    promptVersion: text("prompt_version").notNull(),
    inputTokens: integer("input_tokens").notNull().default(0),
    outputTokens: integer("output_tokens").notNull().default(0),
    cachedTokens: integer("cached_tokens").notNull().default(0),
    costUsd: real("cost_usd").notNull().default(0),
    error: text("error"),
    /** Whether anything that a stranger could have written was read. */
    readUntrusted: integer("read_untrusted", { mode: "boolean" }).notNull().default(false),
    /** The model's own words on the run, untrusted. */
    summary: text("summary"),
  },
  (table) => [
    index("runs_started_at").on(table.startedAt),
    index("runs_beat").on(table.beatId),
    index("runs_unfinished")
      .on(table.id)
      .where(sql`${table.finishedAt} is null`),
  ],
);

/** Which findings a run was over, and the verdict on each. */
export const runFindings = sqliteTable(
  "run_findings",
  {
    runId: integer("run_id")
      .notNull()
      .references(() => runs.id),
    findingId: integer("finding_id")
      .notNull()
      .references(() => findings.id),
    revision: integer("revision").notNull(),
    verdict: text("verdict", { enum: verdicts }),
    decidedBy: text("decided_by", { enum: ["model", "rules"] }),
    /** What the model wants to say of it, in its own words. */
    message: text("message"),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.findingId] }),
    index("run_findings_finding").on(table.findingId),
  ],
);

export const steps = sqliteTable(
  "steps",
  {
    id: id(),
    runId: integer("run_id")
      .notNull()
      .references(() => runs.id),
    index: integer("step_index").notNull(),
    kind: text("kind", { enum: ["model", "tool"] }).notNull(),
    /** The model's id, or the tool's name. */
    name: text("name").notNull(),
    /** Of a tool call: the id by which the model called it. */
    callId: text("call_id"),
    startedAt: integer("started_at").notNull(),
    /** Null while the step is going on. */
    durationMs: integer("duration_ms"),
    /** Of a tool call's output: whether a stranger may have written it. */
    trust: text("trust", { enum: trusts }),
    input: json("input"),
    output: json("output"),
    error: text("error"),
    decision: text("decision", { enum: ["allow", "ask", "deny"] }),
    reason: text("reason"),
    inputTokens: integer("input_tokens").notNull().default(0),
    outputTokens: integer("output_tokens").notNull().default(0),
    cachedTokens: integer("cached_tokens").notNull().default(0),
    costUsd: real("cost_usd").notNull().default(0),
  },
  (table) => [
    uniqueIndex("steps_run_index").on(table.runId, table.index),
    validJson("steps_input_json", table.input),
    validJson("steps_output_json", table.output),
  ],
);

/** One row per model call: its worst case before it is made, what it came to after. */
export const spend = sqliteTable(
  "spend",
  {
    id: id(),
    runId: integer("run_id")
      .notNull()
      .references(() => runs.id),
    at: integer("at").notNull(),
    model: text("model").notNull(),
    state: text("state", { enum: ["reserved", "settled"] })
      .notNull()
      .default("settled"),
    /** Null when the price of the model was not known. */
    reservedUsd: real("reserved_usd"),
    reservedTokens: integer("reserved_tokens").notNull().default(0),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    cachedTokens: integer("cached_tokens").notNull(),
    costUsd: real("cost_usd").notNull(),
  },
  (table) => [
    index("spend_at").on(
      table.at,
      table.state,
      table.costUsd,
      table.inputTokens,
      table.outputTokens,
      table.cachedTokens,
    ),
    index("spend_run").on(table.runId),
    index("spend_reserved")
      .on(table.id)
      .where(sql`${table.state} = 'reserved'`),
  ],
);

/** Models that billed more than a call could cost: not asked again until the owner says so. */
export const stoppedModels = sqliteTable("stopped_models", {
  model: text("model").primaryKey(),
  at: integer("at").notNull(),
  reason: text("reason").notNull(),
});
