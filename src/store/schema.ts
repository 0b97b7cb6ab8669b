import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
  type AnySQLiteColumn,
} from "drizzle-orm/sqlite-core";
import { channelUses, deliveryStates } from "../domain/delivery.ts";
import { toolServerStates } from "../domain/tool-server.ts";
import { heldReasons } from "../domain/attention.ts";
import { findingStates, findingStatuses, severities, trusts, verdicts } from "../domain/finding.ts";
import { tellingKinds } from "../domain/telling.ts";

/**
 * The tables. They are a public interface: docs/database.md describes each one. Times are integer
 * milliseconds since the epoch (UTC), JSON is text that `json_valid` accepts.
 */

const id = () => integer("id").primaryKey({ autoIncrement: true });
const json = (name: string) => text(name, { mode: "json" });
const validJson = (name: string, column: AnySQLiteColumn) =>
  check(name, sql`${column} is null or json_valid(${column})`);

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
    validJson("effects_arguments_json", table.arguments),
    validJson("effects_result_json", table.result),
    index("effects_unsettled")
      .on(table.id)
      .where(sql`${table.state} in ('planned', 'sent', 'unknown')`),
  ],
);

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

/** One row: the stop button, while it is pressed. */
export const stopButton = sqliteTable("stop_button", {
  id: integer("id").primaryKey(),
  pausedAt: integer("paused_at").notNull(),
  /** When it is lifted by itself; null when only the owner lifts it. */
  until: integer("until"),
  reason: text("reason"),
});

/** What the agent has noted, with the label of the run that noted it. Searched through `memories_text`. */
export const memories = sqliteTable(
  "memories",
  {
    id: id(),
    runId: integer("run_id").references(() => runs.id),
    text: text("text").notNull(),
    trust: text("trust", { enum: trusts }).notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    /** Of the call that noted it: noting again with the same key changes nothing. */
    noteKey: text("note_key"),
  },
  (table) => [uniqueIndex("memories_note_key").on(table.noteKey)],
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

/** How each MCP server of the configuration stands. */
export const toolServers = sqliteTable("tool_servers", {
  name: text("name").primaryKey(),
  state: text("state", { enum: toolServerStates }).notNull(),
  /** Why it cannot be used; its own words may be in it. */
  error: text("error"),
  changedAt: integer("changed_at").notNull(),
});

/** What each tool of an MCP server said of itself when it was accepted, and what it says now. */
export const toolPins = sqliteTable(
  "tool_pins",
  {
    /** As the agent calls it: `server_tool`. */
    name: text("name").primaryKey(),
    server: text("server").notNull(),
    /** Hash of name, description and schema, and these themselves. */
    hash: text("hash").notNull(),
    definition: json("definition").notNull(),
    seenAt: integer("seen_at").notNull(),
    acceptedAt: integer("accepted_at").notNull(),
    /** What it says now, when that is something else: it is withheld until the owner accepts it. */
    offeredHash: text("offered_hash"),
    offered: json("offered"),
    offeredAt: integer("offered_at"),
  },
  (table) => [
    validJson("tool_pins_definition_json", table.definition),
    validJson("tool_pins_offered_json", table.offered),
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
