import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import {
  findingStates,
  findingStatuses,
  severities,
  trusts,
  verdicts,
} from "../../domain/finding.ts";
import { beats, checks } from "./beats.ts";
import { id, json, validJson } from "./columns.ts";

/** What was found: as it stands, what each check knows, and its story. */

export const findings = sqliteTable(
  "findings",
  {
    id: id(),
    skill: text("skill").notNull(),
    check: text("check_name").notNull(),
    key: text("key").notNull(),
    state: text("state", { enum: findingStates }).notNull(),
    status: text("status", { enum: findingStatuses }).notNull().default("open"),
    severity: text("severity", { enum: severities }).notNull(),
    trust: text("trust", { enum: trusts }).notNull(),
    title: text("title").notNull(),
    text: text("text"),
    data: json("data"),
    revision: integer("revision").notNull().default(1),
    handledRevision: integer("handled_revision").notNull().default(0),
    toldRevision: integer("told_revision").notNull().default(0),
    openedAt: integer("opened_at").notNull(),
    changedAt: integer("changed_at").notNull(),
    resolvedAt: integer("resolved_at"),
    /** When the thing began, if that was before it was seen. */
    since: integer("since"),
    ackedAt: integer("acked_at"),
    snoozedUntil: integer("snoozed_until"),
    verdict: text("verdict", { enum: verdicts }),
    decidedBy: text("decided_by", { enum: ["model", "rules"] }),
  },
  (table) => [
    validJson("findings_data_json", table.data),
    index("findings_pending")
      .on(table.id)
      .where(sql`${table.revision} > ${table.handledRevision}`),
    index("findings_unresolved")
      .on(table.id)
      .where(sql`${table.status} <> 'resolved'`),
    index("findings_opened_at").on(table.openedAt),
    index("findings_key").on(table.check, table.key),
    index("findings_open_severity")
      .on(table.severity, table.id)
      .where(sql`${table.status} = 'open'`),
    index("findings_snoozed")
      .on(table.snoozedUntil)
      .where(sql`${table.status} = 'snoozed'`),
  ],
);

/** What each check knows: one row per key, and the finding that it belongs to. */
export const observations = sqliteTable(
  "observations",
  {
    check: text("check_name")
      .notNull()
      .references(() => checks.name),
    key: text("key").notNull(),
    fingerprint: text("fingerprint").notNull(),
    findingId: integer("finding_id")
      .notNull()
      .references(() => findings.id),
    firstSeenAt: integer("first_seen_at").notNull(),
    changedAt: integer("changed_at").notNull(),
    closesAt: integer("closes_at"),
    /** When it was resolved; null while it holds. */
    goneAt: integer("gone_at"),
  },
  (table) => [
    primaryKey({ columns: [table.check, table.key] }),
    index("observations_finding").on(table.findingId),
    index("observations_present")
      .on(table.check)
      .where(sql`${table.goneAt} is null`),
    index("observations_closing")
      .on(table.closesAt)
      .where(sql`${table.goneAt} is null and ${table.closesAt} is not null`),
  ],
);

/** What happened to each finding in which beat. */
export const findingEvents = sqliteTable(
  "finding_events",
  {
    id: id(),
    findingId: integer("finding_id")
      .notNull()
      .references(() => findings.id),
    beatId: integer("beat_id").references(() => beats.id),
    revision: integer("revision").notNull(),
    state: text("state", { enum: findingStates }).notNull(),
    severity: text("severity", { enum: severities }).notNull(),
    title: text("title").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [
    index("finding_events_finding").on(table.findingId),
    index("finding_events_beat").on(table.beatId),
    index("finding_events_kind").on(table.state, table.severity),
    index("finding_events_at").on(table.at),
  ],
);
