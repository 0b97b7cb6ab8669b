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
ALTER TABLE `notifications` ADD `held_because` text;--> statement-breakpoint
CREATE INDEX `findings_open_severity` ON `findings` (`severity`,`id`) WHERE "findings"."status" = 'open';