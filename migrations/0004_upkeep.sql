CREATE TABLE `tallies` (
	`name` text NOT NULL,
	`labels` text NOT NULL,
	`amount` real NOT NULL,
	PRIMARY KEY(`name`, `labels`)
);
--> statement-breakpoint
CREATE TABLE `upkeep` (
	`name` text PRIMARY KEY NOT NULL,
	`since` integer NOT NULL,
	`last_tried_at` integer,
	`last_ok_at` integer,
	`last_error` text,
	`outcome` text
);
--> statement-breakpoint
ALTER TABLE `daemon` ADD `timezone` text;--> statement-breakpoint
CREATE INDEX `approvals_run` ON `approvals` (`run_id`);--> statement-breakpoint
CREATE INDEX `effects_run` ON `effects` (`run_id`);--> statement-breakpoint
CREATE INDEX `effects_step` ON `effects` (`step_id`);--> statement-breakpoint
CREATE INDEX `memories_run` ON `memories` (`run_id`);--> statement-breakpoint
CREATE INDEX `notifications_run` ON `notifications` (`run_id`);--> statement-breakpoint
CREATE INDEX `notifications_folded_into` ON `notifications` (`folded_into`);