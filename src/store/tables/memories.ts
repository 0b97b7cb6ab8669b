import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { trusts } from "../../domain/finding.ts";
import { id } from "./columns.ts";
import { runs } from "./runs.ts";

/** What the agent has noted, with the label of the run that noted it. Searched through `memories_text`. */
export const memories = sqliteTable(
  "memories",
  {
    id: id(),
    runId: integer("run_id").references(() => runs.id),
    text: text("text").notNull(),
    trust: text("trust", { enum: trusts }).notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    /** Of the call that noted it: noting again with the same key changes nothing. */
    noteKey: text("note_key"),
  },
  (table) => [
    uniqueIndex("memories_note_key").on(table.noteKey),
    index("memories_run").on(table.runId),
  ],
);
