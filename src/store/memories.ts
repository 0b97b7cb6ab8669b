import { eq, sql } from "drizzle-orm";
import type { Db } from "./database.ts";
import type { MemoryRecord, Store, StoreReader } from "./port.ts";
import { memories } from "./schema.ts";

/** The agent's notes, each with its label, and the full-text index over them. */

export function memoryReads(db: Db): Pick<StoreReader, "searchMemories" | "recallMemories"> {
  return {
    async recallMemories({ words, withUntrusted, limit, now }) {
      const query = words.flatMap(quoted).join(" OR ");
      if (query === "") return [];
      return db.all<MemoryRecord>(sql`
        select m.id, m.run_id as runId, m.text, m.trust, m.created_at as createdAt, m.expires_at as expiresAt
        from memories_text join memories m on m.id = memories_text.rowid
        where memories_text match ${query} and (m.expires_at is null or m.expires_at > ${now})
          and (m.trust = 'trusted' or ${Number(withUntrusted)})
        order by m.trust = 'trusted' desc, bm25(memories_text), m.id desc limit ${limit}`);
    },

    async searchMemories({ text, limit, now }) {
      const query = ftsQuery(text);
      if (query === "") return [];
      return db.all<MemoryRecord>(sql`
        select m.id, m.run_id as runId, m.text, m.trust, m.created_at as createdAt, m.expires_at as expiresAt
        from memories_text join memories m on m.id = memories_text.rowid
        where memories_text match ${query} and (m.expires_at is null or m.expires_at > ${now})
        order by bm25(memories_text), m.id desc limit ${limit}`);
    },
  };
}

export function memoryWrites(db: Db): Pick<Store, "addMemory" | "removeMemory"> {
  return {
    async addMemory(note) {
      const added = db
        .insert(memories)
        .values(note)
        .onConflictDoUpdate({ target: memories.noteKey, set: { noteKey: note.noteKey } })
        .returning({ id: memories.id })
        .get();
      return added.id;
    },
    async removeMemory(id) {
      return db.delete(memories).where(eq(memories.id, id)).run().changes > 0;
    },
  };
}

/** The index's own query language is not for whoever asks. */
const quoted = (text: string): string[] =>
  (text.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => `"${word}"`);

/** Each word as a quoted prefix. */
const ftsQuery = (text: string): string =>
  quoted(text)
    .slice(0, 16)
    .map((word) => `${word}*`)
    .join(" ");
