ALTER TABLE `approvals` ADD `facts` text;--> statement-breakpoint
ALTER TABLE `approvals` ADD `edited_from` text;--> statement-breakpoint
CREATE INDEX `approvals_decided_at` ON `approvals` (`decided_at`);--> statement-breakpoint
ALTER TABLE `daemon` ADD `web_url` text;--> statement-breakpoint
ALTER TABLE `daemon` ADD `web_off` text;--> statement-breakpoint
CREATE INDEX `effects_planned_at` ON `effects` (`planned_at`);--> statement-breakpoint
CREATE INDEX `finding_events_at` ON `finding_events` (`at`);