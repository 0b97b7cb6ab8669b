CREATE TABLE `pushes` (
	`skill` text NOT NULL,
	`name` text NOT NULL,
	`at` integer NOT NULL,
	`ok` integer NOT NULL,
	`text` text NOT NULL,
	PRIMARY KEY(`skill`, `name`)
);
--> statement-breakpoint
CREATE TABLE `tool_pins` (
	`name` text PRIMARY KEY NOT NULL,
	`server` text NOT NULL,
	`hash` text NOT NULL,
	`definition` text NOT NULL,
	`seen_at` integer NOT NULL,
	`accepted_at` integer NOT NULL,
	`offered_hash` text,
	`offered` text,
	`offered_at` integer,
	CONSTRAINT "tool_pins_definition_json" CHECK("tool_pins"."definition" is null or json_valid("tool_pins"."definition")),
	CONSTRAINT "tool_pins_offered_json" CHECK("tool_pins"."offered" is null or json_valid("tool_pins"."offered"))
);
--> statement-breakpoint
CREATE TABLE `tool_servers` (
	`name` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`error` text,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `effects` ADD `check_name` text;--> statement-breakpoint
ALTER TABLE `effects` ADD `undo_begun_at` integer;--> statement-breakpoint
ALTER TABLE `memories` ADD `note_key` text;--> statement-breakpoint
CREATE UNIQUE INDEX `memories_note_key` ON `memories` (`note_key`);--> statement-breakpoint
ALTER TABLE `notifications` ADD `approval_id` integer REFERENCES approvals(id);--> statement-breakpoint
CREATE UNIQUE INDEX `notifications_approval` ON `notifications` (`approval_id`);--> statement-breakpoint
ALTER TABLE `steps` ADD `trust` text;--> statement-breakpoint
CREATE INDEX `beats_outcome` ON `beats` (`outcome`,`finished_at`);--> statement-breakpoint
CREATE INDEX `finding_events_kind` ON `finding_events` (`state`,`severity`);
--> statement-breakpoint
CREATE VIRTUAL TABLE `memories_text` USING fts5(text, content='memories', content_rowid='id', tokenize='unicode61 remove_diacritics 2');
--> statement-breakpoint
INSERT INTO `memories_text`(`memories_text`) VALUES ('rebuild');
--> statement-breakpoint
CREATE TRIGGER `memories_added` AFTER INSERT ON `memories` BEGIN INSERT INTO `memories_text`(rowid, text) VALUES (new.id, new.text); END;
--> statement-breakpoint
CREATE TRIGGER `memories_removed` AFTER DELETE ON `memories` BEGIN INSERT INTO `memories_text`(`memories_text`, rowid, text) VALUES ('delete', old.id, old.text); END;
--> statement-breakpoint
CREATE TRIGGER `memories_changed` AFTER UPDATE OF `text` ON `memories` BEGIN INSERT INTO `memories_text`(`memories_text`, rowid, text) VALUES ('delete', old.id, old.text); INSERT INTO `memories_text`(rowid, text) VALUES (new.id, new.text); END;
