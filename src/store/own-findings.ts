import { and, eq, inArray, lt, lte, ne, sql, type SQL } from "drizzle-orm";
import { writing, type Db } from "./database.ts";
import { changeIsNews, endIsNews } from "../domain/diff.ts";
import type { OwnFinding, Store } from "./port.ts";
import { handled, resolved } from "./resolved.ts";
import { findingEvents, findings } from "./schema.ts";

/** Findings about ourselves that no check looks for: they begin and end with what the daemon meets. */

type OwnFindingWrites = Pick<Store, "setOwnFinding" | "resolveOwnFinding" | "closeOldNews">;

export function ownFindingWrites(db: Db): OwnFindingWrites {
  return {
    async setOwnFinding(finding) {
      return db.transaction(() => putOwnFinding(db, finding), writing);
    },

    async resolveOwnFinding({ at, ...finding }) {
      db.transaction(() => {
        const open = findOpen(db, finding);
        if (!open) return;
        const row = db
          .update(findings)
          .set(resolved(at, { isNews: endIsNews(open, "gone") }))
          .where(eq(findings.id, open.id))
          .returning()
          .get();
        addEvent(db, row);
      }, writing);
    },

    async closeOldNews({ checks, before, at }) {
      return db.transaction(() => {
        const isOld = and(
          eq(findings.skill, "watchkeeper"),
          inArray(findings.check, [...checks]),
          eq(findings.status, "open"),
          lt(findings.changedAt, before),
          lte(findings.revision, findings.handledRevision),
        );
        return closeQuietly(db, isOld, at);
      }, writing);
    },
  };
}

/** Within a transaction of the caller's. @returns the finding's id */
export function putOwnFinding(db: Db, { at, ...finding }: OwnFinding): number {
  const { severity, title, text } = finding;
  const open = findOpen(db, finding);
  if (open && open.title === title && open.severity === severity) return open.id;
  const row = open
    ? db
        .update(findings)
        .set({
          ...{ severity, title, text },
          state: "changed",
          changedAt: at,
          revision: sql`${findings.revision} + 1`,
          ...(changeIsNews(open, severity)
            ? { status: "open", ackedAt: null, snoozedUntil: null }
            : handled),
        })
        .where(eq(findings.id, open.id))
        .returning()
        .get()
    : db
        .insert(findings)
        .values({
          ...finding,
          skill: "watchkeeper",
          state: "opened",
          trust: finding.trust ?? "trusted",
          openedAt: at,
          changedAt: at,
        })
        .returning()
        .get();
  addEvent(db, row);
  return row.id;
}

/**
 * Within a transaction of the caller's: those are over, and nobody needs to hear of it.
 * @returns how many
 */
export function closeQuietly(db: Db, those: SQL | undefined, at: number): number {
  const closed = db
    .update(findings)
    .set(resolved(at, { isNews: false }))
    .where(and(those, ne(findings.status, "resolved")))
    .returning()
    .all();
  for (const row of closed) addEvent(db, row);
  return closed.length;
}

type FindingRow = typeof findings.$inferSelect;

const findOpen = (db: Db, { check, key }: Pick<OwnFinding, "check" | "key">) =>
  db
    .select()
    .from(findings)
    .where(and(eq(findings.check, check), eq(findings.key, key), ne(findings.status, "resolved")))
    .get();

function addEvent(db: Db, { id, revision, state, severity, title, changedAt }: FindingRow): void {
  db.insert(findingEvents)
    .values({ findingId: id, beatId: null, revision, state, severity, title, at: changedAt })
    .run();
}
