import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { toolServerStates } from "../../domain/tool-server.ts";
import { json, validJson } from "./columns.ts";

/** MCP servers and what their tools say of themselves. */

/** How each MCP server of the configuration stands. */
export const toolServers = sqliteTable("tool_servers", {
  name: text("name").primaryKey(),
  state: text("state", { enum: toolServerStates }).notNull(),
  /** Why it cannot be used; its own words may be in it. */
  error: text("error"),
  changedAt: integer("changed_at").notNull(),
});

/** What each tool of an MCP server said of itself when it was accepted, and what it says now. */
export const toolPins = sqliteTable(
  "tool_pins",
  {
    /** As the agent calls it: `server_tool`. */
    name: text("name").primaryKey(),
    server: text("server").notNull(),
    /** Hash of name, description and schema, and these themselves. */
    hash: text("hash").notNull(),
    definition: json("definition").notNull(),
    seenAt: integer("seen_at").notNull(),
    acceptedAt: integer("accepted_at").notNull(),
    /** What it says now, when that is something else: it is withheld until the owner accepts it. */
    offeredHash: text("offered_hash"),
    offered: json("offered"),
    offeredAt: integer("offered_at"),
  },
  (table) => [
    validJson("tool_pins_definition_json", table.definition),
    validJson("tool_pins_offered_json", table.offered),
  ],
);
