import { and, eq, ne, sql } from "drizzle-orm";
import { writing, type Db } from "./database.ts";
import type { OwnFinding, Store } from "./port.ts";
import { findingEvents, findings } from "./schema.ts";

/** Findings about ourselves that no check looks for: they begin and end with what the daemon meets. */

type OwnFindingWrites = Pick<Store, "setOwnFinding" | "resolveOwnFinding">;

export function ownFindingWrites(db: Db): OwnFindingWrites {
  const findOpen = ({ check, key }: Pick<OwnFinding, "check" | "key">) =>
    db
      .select()
      .from(findings)
      .where(and(eq(findings.check, check), eq(findings.key, key), ne(findings.status, "resolved")))
      .get();

  function addEvent({ id, revision, state, severity, title, changedAt }: FindingRow): void {
    db.insert(findingEvents)
      .values({ findingId: id, beatId: null, revision, state, severity, title, at: changedAt })
      .run();
  }

  return {
    async setOwnFinding({ at, ...finding }) {
      return db.transaction(() => {
        const { severity, title, text } = finding;
        const open = findOpen(finding);
        if (open && open.title === title && open.severity === severity) return open.id;
        const row = open
          ? db
              .update(findings)
              .set({
                ...{ severity, title, text },
                state: "changed",
                changedAt: at,
                revision: sql`${findings.revision} + 1`,
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
                trust: "trusted",
                openedAt: at,
                changedAt: at,
              })
              .returning()
              .get();
        addEvent(row);
        return row.id;
      }, writing);
    },

    async resolveOwnFinding({ at, ...finding }) {
      db.transaction(() => {
        const open = findOpen(finding);
        if (!open) return;
        const row = db
          .update(findings)
          .set({
            state: "resolved",
            status: "resolved",
            resolvedAt: at,
            changedAt: at,
            revision: sql`${findings.revision} + 1`,
            // The owner who has acknowledged it need not hear that it is over.
            ...(open.status === "acked" ? { handledRevision: sql`${findings.revision} + 1` } : {}),
          })
          .where(eq(findings.id, open.id))
          .returning()
          .get();
        addEvent(row);
      }, writing);
    },
  };
}

type FindingRow = typeof findings.$inferSelect;
