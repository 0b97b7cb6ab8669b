import { sql } from "drizzle-orm";
import {
  index,
  integer,
  sqliteTable,
  text,
  uniqueIndex,
  type AnySQLiteColumn,
} from "drizzle-orm/sqlite-core";
import { heldReasons } from "../../domain/attention.ts";
import { channelUses, deliveryStates } from "../../domain/delivery.ts";
import { findingStates, severities } from "../../domain/finding.ts";
import { tellingKinds } from "../../domain/telling.ts";
import { id, json, validJson } from "./columns.ts";
import { approvals } from "./effects.ts";
import { findings } from "./findings.ts";
import { runs } from "./runs.ts";

/** What the owner is told: the messages, what each told of, and how they arrive. */

export const notifications = sqliteTable(
  "notifications",
  {
    id: id(),
    runId: integer("run_id").references(() => runs.id),
    kind: text("kind", {
      enum: ["finding", "recovery", "digest", "notice", "reminder"],
    }).notNull(),
    /**
     * held: waits for the digest; ready: no channel has it yet; untold: none has it for certain, and none
     * tries any more; folded: told as part of a digest.
     */
    state: text("state", { enum: ["held", "ready", "delivered", "untold", "folded"] }).notNull(),
    foldedInto: integer("folded_into").references((): AnySQLiteColumn => notifications.id),
    /** The approval that it asks for. */
    approvalId: integer("approval_id").references(() => approvals.id),
    /** Ids of the findings it is about, `[1, 2]`. */
    findings: json("findings").notNull(),
    severity: text("severity", { enum: severities }).notNull(),
    title: text("title").notNull(),
    body: text("body").notNull(),
    /** Why it was told now or held, for a person. */
    why: text("why").notNull(),
    createdAt: integer("created_at").notNull(),
    /** Of a held one: when its digest is due. */
    dueAt: integer("due_at").notNull(),
    /** Of what was held: what made it wait. */
    heldBecause: text("held_because", { enum: heldReasons }),
  },
  (table) => [
    validJson("notifications_findings_json", table.findings),
    uniqueIndex("notifications_approval").on(table.approvalId),
    index("notifications_created_at").on(table.createdAt),
    index("notifications_run").on(table.runId),
    index("notifications_folded_into").on(table.foldedInto),
    index("notifications_waiting").on(table.state, table.dueAt),
  ],
);

/** Each time that the owner was told of a finding. */
export const tellings = sqliteTable(
  "tellings",
  {
    id: id(),
    findingId: integer("finding_id")
      .notNull()
      .references(() => findings.id),
    notificationId: integer("notification_id")
      .notNull()
      .references(() => notifications.id),
    kind: text("kind", { enum: tellingKinds }).notNull(),
    /** State and severity of the finding as it was told. */
    state: text("state", { enum: findingStates }).notNull(),
    severity: text("severity", { enum: severities }).notNull(),
    at: integer("at").notNull(),
  },
  (table) => [
    index("tellings_finding").on(table.findingId),
    uniqueIndex("tellings_once").on(table.notificationId, table.findingId),
  ],
);

export const deliveries = sqliteTable(
  "deliveries",
  {
    id: id(),
    notificationId: integer("notification_id")
      .notNull()
      .references(() => notifications.id),
    channel: text("channel").notNull(),
    /** The same for every attempt, and of no other delivery anywhere; null only until the first start. */
    key: text("key"),
    state: text("state", { enum: deliveryStates }).notNull(),
    attempts: integer("attempts").notNull().default(0),
    lastError: text("last_error"),
    plannedAt: integer("planned_at").notNull().default(0),
    /** Of one that failed: not tried again before then; null for at once. */
    nextAt: integer("next_at"),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    uniqueIndex("deliveries_once").on(table.notificationId, table.channel),
    uniqueIndex("deliveries_key").on(table.key),
    index("deliveries_open")
      .on(table.notificationId)
      .where(sql`${table.state} in ('waiting', 'sending', 'failed')`),
  ],
);

/** How each channel of the configuration stands. */
export const channels = sqliteTable("channels", {
  name: text("name").primaryKey(),
  use: text("use", { enum: channelUses }).notNull(),
  severity: text("severity", { enum: severities }).notNull(),
  /** In the owner's order, from 0. */
  position: integer("position").notNull(),
  consecutiveFailures: integer("consecutive_failures").notNull().default(0),
  failingSince: integer("failing_since"),
  lastError: text("last_error"),
  lastSentAt: integer("last_sent_at"),
});
