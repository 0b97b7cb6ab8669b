import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { trusts } from "../../domain/finding.ts";
import { id, json, validJson } from "./columns.ts";
import { runs, steps } from "./runs.ts";

/** What is done to the world, and the owner's word on it. */

export const approvals = sqliteTable(
  "approvals",
  {
    id: id(),
    runId: integer("run_id").references(() => runs.id),
    tool: text("tool").notNull(),
    toolVersion: text("tool_version").notNull(),
    arguments: json("arguments").notNull(),
    /** SHA-256 over the canonical tool, version and arguments that were shown. */
    argumentsHash: text("arguments_hash").notNull(),
    effect: text("effect", { enum: ["read", "write", "send", "destroy"] }).notNull(),
    /** What the tool's own code looked up for the call when it was asked; null when it is not known. */
    facts: json("facts").$type<Readonly<Record<string, string>>>(),
    /** The arguments as they were asked, when the owner has approved others; null when they are the same. */
    editedFrom: json("edited_from"),
    trust: text("trust", { enum: trusts }).notNull(),
    reason: text("reason").notNull(),
    status: text("status", { enum: ["pending", "approved", "denied", "expired"] })
      .notNull()
      .default("pending"),
    note: text("note"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    decidedAt: integer("decided_at"),
  },
  (table) => [
    validJson("approvals_arguments_json", table.arguments),
    index("approvals_decided_at").on(table.decidedAt),
    index("approvals_run").on(table.runId),
    index("approvals_pending")
      .on(table.id)
      .where(sql`${table.status} = 'pending'`),
  ],
);

export const effects = sqliteTable(
  "effects",
  {
    id: id(),
    runId: integer("run_id").references(() => runs.id),
    stepId: integer("step_id").references(() => steps.id),
    approvalId: integer("approval_id").references(() => approvals.id),
    /** The check whose rule asked for it, without a model. */
    check: text("check_name"),
    tool: text("tool").notNull(),
    toolVersion: text("tool_version").notNull().default(""),
    /** The grant that allowed it, by a hash of its words. */
    grantKey: text("grant_key"),
    effect: text("effect", { enum: ["read", "write", "send", "destroy"] }).notNull(),
    arguments: json("arguments").notNull(),
    trust: text("trust", { enum: trusts }).notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    state: text("state", { enum: ["planned", "sent", "done", "failed", "unknown"] }).notNull(),
    result: json("result"),
    error: text("error"),
    plannedAt: integer("planned_at").notNull(),
    sentAt: integer("sent_at"),
    finishedAt: integer("finished_at"),
    undoBegunAt: integer("undo_begun_at"),
    undoneAt: integer("undone_at"),
  },
  (table) => [
    uniqueIndex("effects_idempotency_key").on(table.idempotencyKey),
    uniqueIndex("effects_approval").on(table.approvalId),
    index("effects_grant").on(table.grantKey, table.plannedAt),
    index("effects_planned_at").on(table.plannedAt),
    index("effects_run").on(table.runId),
    index("effects_step").on(table.stepId),
    validJson("effects_arguments_json", table.arguments),
    validJson("effects_result_json", table.result),
    index("effects_unsettled")
      .on(table.id)
      .where(sql`${table.state} in ('planned', 'sent', 'unknown')`),
  ],
);
