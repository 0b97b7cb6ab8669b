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
CREATE INDEX `effects_planned_at` ON `effects` (`planned_at`);--> statement-breakpoint
CREATE INDEX `finding_events_at` ON `finding_events` (`at`);