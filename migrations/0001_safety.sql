CREATE TABLE `stop_button` (
	`id` integer PRIMARY KEY NOT NULL,
	`paused_at` integer NOT NULL,
	`until` integer,
	`reason` text
);
--> statement-breakpoint
CREATE TABLE `stopped_models` (
	`model` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`reason` text NOT NULL
);
--> statement-breakpoint
DROP INDEX `spend_at`;--> statement-breakpoint
ALTER TABLE `spend` ADD `state` text DEFAULT 'settled' NOT NULL;--> statement-breakpoint
ALTER TABLE `spend` ADD `reserved_usd` real;--> statement-breakpoint
ALTER TABLE `spend` ADD `reserved_tokens` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `spend_reserved` ON `spend` (`id`) WHERE "spend"."state" = 'reserved';--> statement-breakpoint
CREATE INDEX `spend_at` ON `spend` (`at`,`state`,`cost_usd`,`input_tokens`,`output_tokens`,`cached_tokens`);--> statement-breakpoint
ALTER TABLE `effects` ADD `tool_version` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `effects` ADD `grant_key` text;--> statement-breakpoint
CREATE UNIQUE INDEX `effects_approval` ON `effects` (`approval_id`);--> statement-breakpoint
CREATE INDEX `effects_grant` ON `effects` (`grant_key`,`planned_at`);--> statement-breakpoint
ALTER TABLE `runs` ADD `read_untrusted` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `steps` ADD `call_id` text;