import { and, asc, between, count, eq, gte, ne, or, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Telling } from "../domain/telling.ts";
import { isOneOf, type Db } from "./database.ts";
import type { Store } from "./port.ts";
import { findingEvents, findings, tellings } from "./schema.ts";

/** What the owner was told of findings, when, and their word on them. */

type TellingReads = Pick<Store, "tellingHistories" | "openFindingsTold">;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const tellingColumns = {
  findingId: tellings.findingId,
  kind: tellings.kind,
  state: tellings.state,
  severity: tellings.severity,
  at: tellings.at,
};

export function tellingReads(db: Db): TellingReads {
  const same = alias(findings, "same");
  const sameKey = and(eq(same.check, findings.check), eq(same.key, findings.key));

  const open = db
    .select()
    .from(findings)
    // A literal: with a bound value the partial index is not used.
    .where(
      and(sql`${findings.status} = 'open'`, eq(findings.severity, sql.placeholder("severity"))),
    )
    .orderBy(asc(findings.id))
    .prepare();

  return {
    async tellingHistories(findingIds, now) {
      const wanted = isOneOf(findings.id, findingIds);
      const words = db
        .select({
          id: findings.id,
          ackedAt: findings.ackedAt,
          snoozedUntil: findings.snoozedUntil,
          latestFindingId: sql<number>`max(${same.id})`,
        })
        .from(findings)
        .innerJoin(same, sameKey)
        .where(wanted)
        .groupBy(findings.id)
        .all();
      const told = Map.groupBy(
        db
          .select({ ...tellingColumns, of: findings.id })
          .from(findings)
          .innerJoin(same, sameKey)
          .innerJoin(tellings, eq(tellings.findingId, same.id))
          .where(
            and(
              wanted,
              or(eq(same.id, findings.id), between(tellings.at, now - dayMs, now + dayMs)),
            ),
          )
          .orderBy(asc(tellings.id))
          .all(),
        (row) => row.of,
      );
      const times = new Map(
        db
          .select({ of: findings.id, times: count() })
          .from(findings)
          .innerJoin(same, sameKey)
          .innerJoin(findingEvents, eq(findingEvents.findingId, same.id))
          .where(
            and(
              wanted,
              gte(same.changedAt, now - hourMs),
              between(findingEvents.at, now - hourMs, now + hourMs),
              ne(findingEvents.state, "resolved"),
            ),
          )
          .groupBy(findings.id)
          .all()
          .map((row) => [row.of, row.times]),
      );
      return new Map(
        words.map(({ id, ...word }) => [
          id,
          {
            ...word,
            tellings: (told.get(id) ?? []).map(({ of: _, ...telling }): Telling => telling),
            timesWithinHour: times.get(id) ?? 1,
          },
        ]),
      );
    },

    async openFindingsTold(severity) {
      const rows = open.all({ severity });
      if (rows.length === 0) return [];
      const told = Map.groupBy(
        db
          .select(tellingColumns)
          .from(tellings)
          .where(
            isOneOf(
              tellings.findingId,
              rows.map(({ id }) => id),
            ),
          )
          .orderBy(asc(tellings.id))
          .all(),
        ({ findingId }) => findingId,
      );
      return rows.map((finding) => ({ finding, tellings: told.get(finding.id) ?? [] }));
    },
  };
}
