CREATE TABLE `approvals` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer,
	`tool` text NOT NULL,
	`tool_version` text NOT NULL,
	`arguments` text NOT NULL,
	`arguments_hash` text NOT NULL,
	`effect` text NOT NULL,
	`trust` text NOT NULL,
	`reason` text NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`note` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`decided_at` integer,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "approvals_arguments_json" CHECK("approvals"."arguments" is null or json_valid("approvals"."arguments"))
);
--> statement-breakpoint
CREATE INDEX `approvals_pending` ON `approvals` (`id`) WHERE "approvals"."status" = 'pending';--> statement-breakpoint
CREATE TABLE `beats` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`trigger` text NOT NULL,
	`outcome` text,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`missed_count` integer,
	`checks` text,
	`error` text,
	CONSTRAINT "beats_checks_json" CHECK("beats"."checks" is null or json_valid("beats"."checks"))
);
--> statement-breakpoint
CREATE INDEX `beats_started_at` ON `beats` (`started_at`);--> statement-breakpoint
CREATE INDEX `beats_unfinished` ON `beats` (`id`) WHERE "beats"."finished_at" is null;--> statement-breakpoint
CREATE TABLE `checks` (
	`name` text PRIMARY KEY NOT NULL,
	`skill` text NOT NULL,
	`schedule` text NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`status` text DEFAULT 'ok' NOT NULL,
	`next_due_at` integer,
	`last_run_at` integer,
	`last_ok_at` integer,
	`failing_since` integer,
	`consecutive_failures` integer DEFAULT 0 NOT NULL,
	`last_error` text,
	`cursor` text,
	CONSTRAINT "checks_cursor_json" CHECK("checks"."cursor" is null or json_valid("checks"."cursor"))
);
--> statement-breakpoint
CREATE TABLE `daemon` (
	`id` integer PRIMARY KEY NOT NULL,
	`pid` integer NOT NULL,
	`version` text NOT NULL,
	`started_at` integer NOT NULL,
	`stopped_at` integer,
	`heartbeat_ms` integer NOT NULL,
	`skills_off` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`notification_id` integer NOT NULL,
	`channel` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`last_error` text,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`notification_id`) REFERENCES `notifications`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_once` ON `deliveries` (`notification_id`,`channel`);--> statement-breakpoint
CREATE TABLE `effects` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer,
	`step_id` integer,
	`approval_id` integer,
	`tool` text NOT NULL,
	`effect` text NOT NULL,
	`arguments` text NOT NULL,
	`trust` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`state` text NOT NULL,
	`result` text,
	`error` text,
	`planned_at` integer NOT NULL,
	`sent_at` integer,
	`finished_at` integer,
	`undone_at` integer,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`step_id`) REFERENCES `steps`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`approval_id`) REFERENCES `approvals`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "effects_arguments_json" CHECK("effects"."arguments" is null or json_valid("effects"."arguments")),
	CONSTRAINT "effects_result_json" CHECK("effects"."result" is null or json_valid("effects"."result"))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `effects_idempotency_key` ON `effects` (`idempotency_key`);--> statement-breakpoint
CREATE INDEX `effects_unsettled` ON `effects` (`id`) WHERE "effects"."state" in ('planned', 'sent', 'unknown');--> statement-breakpoint
CREATE TABLE `finding_events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`finding_id` integer NOT NULL,
	`beat_id` integer,
	`revision` integer NOT NULL,
	`state` text NOT NULL,
	`severity` text NOT NULL,
	`title` text NOT NULL,
	`at` integer NOT NULL,
	FOREIGN KEY (`finding_id`) REFERENCES `findings`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`beat_id`) REFERENCES `beats`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `finding_events_finding` ON `finding_events` (`finding_id`);--> statement-breakpoint
CREATE INDEX `finding_events_beat` ON `finding_events` (`beat_id`);--> statement-breakpoint
CREATE TABLE `findings` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`skill` text NOT NULL,
	`check_name` text NOT NULL,
	`key` text NOT NULL,
	`state` text NOT NULL,
	`status` text DEFAULT 'open' NOT NULL,
	`severity` text NOT NULL,
	`trust` text NOT NULL,
	`title` text NOT NULL,
	`text` text,
	`data` text,
	`revision` integer DEFAULT 1 NOT NULL,
	`handled_revision` integer DEFAULT 0 NOT NULL,
	`told_revision` integer DEFAULT 0 NOT NULL,
	`opened_at` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`resolved_at` integer,
	`since` integer,
	`acked_at` integer,
	`snoozed_until` integer,
	`verdict` text,
	`decided_by` text,
	CONSTRAINT "findings_data_json" CHECK("findings"."data" is null or json_valid("findings"."data"))
);
--> statement-breakpoint
CREATE INDEX `findings_pending` ON `findings` (`id`) WHERE "findings"."revision" > "findings"."handled_revision";--> statement-breakpoint
CREATE INDEX `findings_unresolved` ON `findings` (`id`) WHERE "findings"."status" <> 'resolved';--> statement-breakpoint
CREATE INDEX `findings_opened_at` ON `findings` (`opened_at`);--> statement-breakpoint
CREATE INDEX `findings_key` ON `findings` (`check_name`,`key`);--> statement-breakpoint
CREATE INDEX `findings_snoozed` ON `findings` (`snoozed_until`) WHERE "findings"."status" = 'snoozed';--> statement-breakpoint
CREATE TABLE `memories` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer,
	`text` text NOT NULL,
	`trust` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `notifications` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer,
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`folded_into` integer,
	`findings` text NOT NULL,
	`severity` text NOT NULL,
	`title` text NOT NULL,
	`body` text NOT NULL,
	`why` text NOT NULL,
	`created_at` integer NOT NULL,
	`due_at` integer NOT NULL,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`folded_into`) REFERENCES `notifications`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "notifications_findings_json" CHECK("notifications"."findings" is null or json_valid("notifications"."findings"))
);
--> statement-breakpoint
CREATE INDEX `notifications_created_at` ON `notifications` (`created_at`);--> statement-breakpoint
CREATE INDEX `notifications_waiting` ON `notifications` (`state`,`due_at`);--> statement-breakpoint
CREATE TABLE `observations` (
	`check_name` text NOT NULL,
	`key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`finding_id` integer NOT NULL,
	`first_seen_at` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`closes_at` integer,
	`gone_at` integer,
	PRIMARY KEY(`check_name`, `key`),
	FOREIGN KEY (`check_name`) REFERENCES `checks`(`name`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`finding_id`) REFERENCES `findings`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `observations_finding` ON `observations` (`finding_id`);--> statement-breakpoint
CREATE INDEX `observations_present` ON `observations` (`check_name`) WHERE "observations"."gone_at" is null;--> statement-breakpoint
CREATE INDEX `observations_closing` ON `observations` (`closes_at`) WHERE "observations"."gone_at" is null and "observations"."closes_at" is not null;--> statement-breakpoint
CREATE TABLE `run_findings` (
	`run_id` integer NOT NULL,
	`finding_id` integer NOT NULL,
	`revision` integer NOT NULL,
	`verdict` text,
	`decided_by` text,
	`message` text,
	PRIMARY KEY(`run_id`, `finding_id`),
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`finding_id`) REFERENCES `findings`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `run_findings_finding` ON `run_findings` (`finding_id`);--> statement-breakpoint
CREATE TABLE `runs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`beat_id` integer,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`outcome` text,
	`model` text NOT NULL,
	`prompt_version` text NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`cached_tokens` integer DEFAULT 0 NOT NULL,
	`cost_usd` real DEFAULT 0 NOT NULL,
	`error` text,
	`summary` text,
	FOREIGN KEY (`beat_id`) REFERENCES `beats`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `runs_started_at` ON `runs` (`started_at`);--> statement-breakpoint
CREATE INDEX `runs_beat` ON `runs` (`beat_id`);--> statement-breakpoint
CREATE INDEX `runs_unfinished` ON `runs` (`id`) WHERE "runs"."finished_at" is null;--> statement-breakpoint
CREATE TABLE `spend` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer NOT NULL,
	`at` integer NOT NULL,
	`model` text NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`cost_usd` real NOT NULL,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `spend_at` ON `spend` (`at`,`cost_usd`,`input_tokens`,`output_tokens`,`cached_tokens`);--> statement-breakpoint
CREATE INDEX `spend_run` ON `spend` (`run_id`);--> statement-breakpoint
CREATE TABLE `steps` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer NOT NULL,
	`step_index` integer NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`started_at` integer NOT NULL,
	`duration_ms` integer,
	`input` text,
	`output` text,
	`error` text,
	`decision` text,
	`reason` text,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`cached_tokens` integer DEFAULT 0 NOT NULL,
	`cost_usd` real DEFAULT 0 NOT NULL,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "steps_input_json" CHECK("steps"."input" is null or json_valid("steps"."input")),
	CONSTRAINT "steps_output_json" CHECK("steps"."output" is null or json_valid("steps"."output"))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `steps_run_index` ON `steps` (`run_id`,`step_index`);