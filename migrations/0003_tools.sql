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
