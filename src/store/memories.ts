import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  isNotNull,
  isNull,
  lte,
  or,
  sql,
} from "drizzle-orm";
import { mergeNotes } from "../domain/merge-notes.ts";
import { isOneOf, writing, type Db } from "./database.ts";
import type { MemoryRecord, Store, StoreReader } from "./port.ts";
import { memories } from "./schema.ts";

/** The agent's notes, each with its label, and the full-text index over them. */

type MemoryReads = Pick<
  StoreReader,
  "searchMemories" | "recallMemories" | "listMemories" | "getMemory" | "memoriesAfter"
>;
type MemoryWrites = Pick<Store, "addMemory" | "removeMemory" | "tidyMemories">;

const { noteKey: _, ...columns } = getTableColumns(memories);
const isLive = (now: number) => or(isNull(memories.expiresAt), gt(memories.expiresAt, now));

export function memoryReads(db: Db): MemoryReads {
  return {
    async listMemories({ all, limit, now }): Promise<MemoryRecord[]> {
      return db
        .select(columns)
        .from(memories)
        .where(all ? undefined : isLive(now))
        .orderBy(desc(memories.createdAt), desc(memories.id))
        .limit(limit ?? -1)
        .all();
    },
    async getMemory(id) {
      return db.select(columns).from(memories).where(eq(memories.id, id)).get();
    },
    async memoriesAfter({ id, limit, now }): Promise<MemoryRecord[]> {
      return db
        .select(columns)
        .from(memories)
        .where(and(gt(memories.id, id), isLive(now)))
        .orderBy(asc(memories.id))
        .limit(limit)
        .all();
    },

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

export function memoryWrites(db: Db): MemoryWrites {
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
    async tidyMemories(now) {
      return db.transaction(() => {
        const over = and(isNotNull(memories.expiresAt), lte(memories.expiresAt, now));
        const expired = db.delete(memories).where(over).run().changes;
        const merged = mergeNotes(db.select(columns).from(memories).all());
        const dropped = merged.flatMap((each) => each.dropped);
        db.delete(memories).where(isOneOf(memories.id, dropped)).run();
        for (const { kept } of merged) {
          const { runId, trust, createdAt, expiresAt } = kept;
          db.update(memories)
            .set({ runId, trust, createdAt, expiresAt })
            .where(eq(memories.id, kept.id))
            .run();
        }
        return { expired, merged: dropped.length };
      }, writing);
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
