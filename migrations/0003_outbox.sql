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
ALTER TABLE `deliveries` ADD `key` text;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `planned_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `next_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_key` ON `deliveries` (`key`);--> statement-breakpoint
CREATE INDEX `deliveries_open` ON `deliveries` (`notification_id`) WHERE "deliveries"."state" in ('waiting', 'sending', 'failed');