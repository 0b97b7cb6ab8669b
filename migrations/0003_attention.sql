CREATE TABLE `channels` (
	`name` text PRIMARY KEY NOT NULL,
	`use` text NOT NULL,
	`severity` text NOT NULL,
	`position` integer NOT NULL,
	`consecutive_failures` integer DEFAULT 0 NOT NULL,
	`failing_since` integer,
	`last_error` text,
	`last_sent_at` integer
);
--> statement-breakpoint
CREATE TABLE `tellings` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`finding_id` integer NOT NULL,
	`notification_id` integer NOT NULL,
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`severity` text NOT NULL,
	`at` integer NOT NULL,
	FOREIGN KEY (`finding_id`) REFERENCES `findings`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`notification_id`) REFERENCES `notifications`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `tellings_finding` ON `tellings` (`finding_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `tellings_once` ON `tellings` (`notification_id`,`finding_id`);--> statement-breakpoint
ALTER TABLE `approvals` ADD `facts` text;--> statement-breakpoint
ALTER TABLE `approvals` ADD `edited_from` text;--> statement-breakpoint
CREATE INDEX `approvals_decided_at` ON `approvals` (`decided_at`);--> statement-breakpoint
ALTER TABLE `daemon` ADD `web_url` text;--> statement-breakpoint
ALTER TABLE `daemon` ADD `web_off` text;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `key` text;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `planned_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `next_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_key` ON `deliveries` (`key`);--> statement-breakpoint
CREATE INDEX `deliveries_open` ON `deliveries` (`notification_id`) WHERE "deliveries"."state" in ('waiting', 'sending', 'failed');--> statement-breakpoint
ALTER TABLE `notifications` ADD `held_because` text;--> statement-breakpoint
CREATE INDEX `effects_planned_at` ON `effects` (`planned_at`);--> statement-breakpoint
CREATE INDEX `finding_events_at` ON `finding_events` (`at`);--> statement-breakpoint
CREATE INDEX `findings_open_severity` ON `findings` (`severity`,`id`) WHERE "findings"."status" = 'open';