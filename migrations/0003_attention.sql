CREATE INDEX `effects_planned_at` ON `effects` (`planned_at`);--> statement-breakpoint
CREATE INDEX `finding_events_at` ON `finding_events` (`at`);