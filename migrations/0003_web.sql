CREATE INDEX `beats_outcome` ON `beats` (`outcome`,`finished_at`);--> statement-breakpoint
CREATE INDEX `finding_events_kind` ON `finding_events` (`state`,`severity`);