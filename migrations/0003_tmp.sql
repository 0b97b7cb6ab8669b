ALTER TABLE `notifications` ADD `approval_id` integer REFERENCES approvals(id);--> statement-breakpoint
CREATE UNIQUE INDEX `notifications_approval` ON `notifications` (`approval_id`);