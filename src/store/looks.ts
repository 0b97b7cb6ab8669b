import { and, eq, gt, isNull, lte, ne, sql } from "drizzle-orm";
import {
  changeIsNews,
  diffLook,
  endIsNews,
  type Change,
  type KnownObservation,
} from "../domain/diff.ts";
import { describeError } from "../domain/errors.ts";
import type { Observation } from "../domain/finding.ts";
import { writing, type Db } from "./database.ts";
import type { FindingEvent, Look, LookOutcome, Store, StoreReader } from "./port.ts";
import { handled, resolved } from "./resolved.ts";
import { checks, effects, findingEvents, findings, observations } from "./schema.ts";
import { isStoreFault } from "./store-errors.ts";

/**
 * Saving looks: the comparison with what was known, the findings that follow from it, the cursor and
 * the check's row, in one transaction.
 */

type LookReads = Pick<StoreReader, "knownObservations" | "checkCursor">;
type LookWrites = Pick<Store, "commitLooks" | "closeOver">;

/** Under this name stand the findings that say which checks cannot see; their key is the check. */
export const blindCheck = "watchkeeper/blind";

export function lookWrites(db: Db): LookWrites {
  const sqlOf = statements(db);

  function commitOne(look: Look): FindingEvent[] {
    const { result, health, at } = look;
    const events: FindingEvent[] = [];
    if (result.kind === "seen") {
      const known = loadKnown(look, result);
      const changes = diffLook(known, result, at);
      for (const change of changes) {
        const event = applyChange(look, change);
        if (event) events.push(event);
      }
    }
    const row = {
      name: look.check,
      status: health.status,
      nextDueAt: health.nextDueAt,
      at,
      lastOkAt: health.lastOkAt,
      failingSince: health.failingSince,
      consecutiveFailures: health.consecutiveFailures,
      lastError: result.kind === "failed" ? result.error : null,
    };
    sqlOf.saveCheck.run(row);
    if (result.kind === "seen" && result.cursor !== undefined) {
      sqlOf.saveCursor.run({ name: look.check, cursor: JSON.stringify(result.cursor) });
    }
    const blindness = applyBlindness(look);
    if (blindness) events.push(blindness);
    return events;
  }

  /** @returns how many actions were above their bound per hour */
  function planActions({ check, at, actions = [] }: Look): number {
    let refused = 0;
    for (const { maxPerHour, idempotencyKey, ...action } of actions) {
      const known = sqlOf.effectByKey.get({ key: idempotencyKey });
      if (known) continue;
      if (maxPerHour !== undefined) {
        const since = at - 60 * 60_000;
        const used = sqlOf.recentActions.get({ check, tool: action.tool, since, at });
        if ((used?.count ?? 0) >= maxPerHour) {
          refused += 1;
          continue;
        }
      }
      db.insert(effects)
        .values({
          ...action,
          check,
          idempotencyKey,
          trust: "untrusted",
          state: "planned",
          plannedAt: at,
        })
        .run();
    }
    return refused;
  }

  const commitWhole = (look: Look) => ({
    check: look.check,
    events: commitOne(look),
    actionsRefused: planActions(look),
  });

  function loadKnown(look: Look, result: Look["result"] & { kind: "seen" }) {
    const known = new Map<string, KnownObservation>();
    const keep = (row: KnownObservation | undefined) => row && known.set(row.key, row);
    if (result.complete) {
      for (const row of sqlOf.presentObservations.all({ check: look.check })) keep(row);
    }
    for (const key of new Set([...result.observations.map((seen) => seen.key), ...result.gone])) {
      if (!known.has(key)) keep(sqlOf.observation.get({ check: look.check, key }));
    }
    return known;
  }

  function applyChange(look: Look, change: Change): FindingEvent | undefined {
    switch (change.kind) {
      case "opened":
        return openFinding(look, change.observation);
      case "changed":
        return changeFinding(look, change.known, change.observation);
      case "resolved":
        return resolveFinding(look.beatId, change.known.findingId, look.at, change.because);
      case "rescheduled":
        db.update(observations)
          .set({ closesAt: change.closesAt })
          .where(and(eq(observations.check, look.check), eq(observations.key, change.known.key)))
          .run();
        return undefined;
    }
  }

  function openFinding(look: Look, seen: Observation): FindingEvent {
    const { skill, check, at } = look;
    const { key, severity, trust, title, text, since, fingerprint, closesAt } = seen;
    const data = seen.data === null ? null : JSON.stringify(seen.data);
    const row = { skill, check, key, severity, trust, title, text, data, since, at };
    const { id } = sqlOf.openFinding.get(row);
    sqlOf.remember.run({ check, key, fingerprint, findingId: id, at, closesAt });
    return addEvent(look.beatId, id, look.at, true);
  }

  function changeFinding(look: Look, known: KnownObservation, seen: Observation): FindingEvent {
    const before = sqlOf.finding.get({ id: known.findingId });
    const quiet = before !== undefined && !changeIsNews(before, seen.severity);
    db.update(findings)
      .set({
        state: "changed",
        status: quiet ? before.status : "open",
        severity: seen.severity,
        trust: seen.trust,
        title: seen.title,
        text: seen.text,
        data: seen.data,
        since: seen.since,
        revision: sql`${findings.revision} + 1`,
        changedAt: look.at,
        ...(quiet ? handled : { ackedAt: null, snoozedUntil: null }),
      })
      .where(eq(findings.id, known.findingId))
      .run();
    db.update(observations)
      .set({ fingerprint: seen.fingerprint, changedAt: look.at, closesAt: seen.closesAt })
      .where(and(eq(observations.check, look.check), eq(observations.key, known.key)))
      .run();
    return addEvent(look.beatId, known.findingId, look.at, !quiet);
  }

  function resolveFinding(
    beatId: number | null,
    findingId: number,
    at: number,
    because: "gone" | "missing" | "closed",
  ): FindingEvent {
    const before = sqlOf.finding.get({ id: findingId });
    const isNews = before === undefined || endIsNews(before, because);
    db.update(findings).set(resolved(at, { isNews })).where(eq(findings.id, findingId)).run();
    db.update(observations).set({ goneAt: at }).where(eq(observations.findingId, findingId)).run();
    return addEvent(beatId, findingId, at, isNews);
  }

  function addEvent(
    beatId: number | null,
    findingId: number,
    at: number,
    news: boolean,
  ): FindingEvent {
    const row = sqlOf.finding.get({ id: findingId });
    if (!row) throw new Error(`finding ${findingId} is not there`);
    const { revision, state, severity, title, check } = row;
    sqlOf.addEvent.run({ findingId, beatId, revision, state, severity, title, at });
    return { findingId, state, severity, title, check, news };
  }

  function applyBlindness(look: Look): FindingEvent | undefined {
    if (look.blind === null && look.result.kind === "failed") return undefined;
    const open = sqlOf.openBlindness.get({ key: look.check });
    if (look.blind && !open) {
      const { id } = db
        .insert(findings)
        .values({
          skill: "watchkeeper",
          check: blindCheck,
          key: look.check,
          state: "opened",
          severity: "warning",
          trust: "trusted",
          title: look.blind.title,
          text: look.blind.text,
          openedAt: look.at,
          changedAt: look.at,
          since: look.health.failingSince,
        })
        .returning({ id: findings.id })
        .get();
      return addEvent(look.beatId, id, look.at, true);
    }
    if (!look.blind && open) return resolveFinding(look.beatId, open.id, look.at, "gone");
    return undefined;
  }

  return {
    async commitLooks(looks) {
      if (looks.length === 0) return [];
      try {
        return db.transaction(() => looks.map((look) => commitWhole(look)), writing);
      } catch (error) {
        if (isStoreFault(error)) throw error;
        return looks.map(commitAlone);
      }
    },

    async closeOver(at) {
      db.transaction(() => {
        const over = db
          .select({ findingId: observations.findingId })
          .from(observations)
          .where(and(isNull(observations.goneAt), lte(observations.closesAt, at)))
          .all();
        for (const { findingId } of over) resolveFinding(null, findingId, at, "closed");
      }, writing);
    },
  };

  /** One look that cannot be saved must not take the others of its beat with it. */
  function commitAlone(look: Look): LookOutcome {
    try {
      return db.transaction(() => commitWhole(look), writing);
    } catch (error) {
      return { check: look.check, error: describeError(error) };
    }
  }
}

export function lookReads(db: Db): LookReads {
  const cursor = db
    .select({ cursor: checks.cursor })
    .from(checks)
    .where(eq(checks.name, sql.placeholder("name")))
    .prepare();
  return {
    async knownObservations(check) {
      return db.select(knownColumns).from(observations).where(eq(observations.check, check)).all();
    },
    async checkCursor(name) {
      return cursor.get({ name })?.cursor ?? null;
    },
  };
}

const knownColumns = {
  key: observations.key,
  fingerprint: observations.fingerprint,
  findingId: observations.findingId,
  closesAt: observations.closesAt,
  goneAt: observations.goneAt,
};

function statements(db: Db) {
  const check = eq(observations.check, sql.placeholder("check"));
  return {
    observation: db
      .select(knownColumns)
      .from(observations)
      .where(and(check, eq(observations.key, sql.placeholder("key"))))
      .prepare(),
    presentObservations: db
      .select(knownColumns)
      .from(observations)
      .where(and(check, isNull(observations.goneAt)))
      .prepare(),
    finding: db
      .select()
      .from(findings)
      .where(eq(findings.id, sql.placeholder("id")))
      .prepare(),
    openFinding: db
      .insert(findings)
      .values({
        skill: sql.placeholder("skill"),
        check: sql.placeholder("check"),
        key: sql.placeholder("key"),
        state: "opened",
        severity: sql.placeholder("severity"),
        trust: sql.placeholder("trust"),
        title: sql.placeholder("title"),
        text: sql.placeholder("text"),
        data: sql`${sql.placeholder("data")}`,
        openedAt: sql.placeholder("at"),
        changedAt: sql.placeholder("at"),
        since: sql.placeholder("since"),
      })
      .returning({ id: findings.id })
      .prepare(),
    remember: db
      .insert(observations)
      .values({
        check: sql.placeholder("check"),
        key: sql.placeholder("key"),
        fingerprint: sql.placeholder("fingerprint"),
        findingId: sql.placeholder("findingId"),
        firstSeenAt: sql.placeholder("at"),
        changedAt: sql.placeholder("at"),
        closesAt: sql.placeholder("closesAt"),
      })
      .onConflictDoUpdate({
        target: [observations.check, observations.key],
        set: {
          fingerprint: sql`excluded.fingerprint`,
          findingId: sql`excluded.finding_id`,
          changedAt: sql`excluded.changed_at`,
          closesAt: sql`excluded.closes_at`,
          goneAt: null,
        },
      })
      .prepare(),
    addEvent: db
      .insert(findingEvents)
      .values({
        findingId: sql.placeholder("findingId"),
        beatId: sql.placeholder("beatId"),
        revision: sql.placeholder("revision"),
        state: sql.placeholder("state"),
        severity: sql.placeholder("severity"),
        title: sql.placeholder("title"),
        at: sql.placeholder("at"),
      })
      .prepare(),
    saveCheck: db
      .update(checks)
      .set({
        status: sql`${sql.placeholder("status")}`,
        nextDueAt: sql`${sql.placeholder("nextDueAt")}`,
        lastRunAt: sql`${sql.placeholder("at")}`,
        lastOkAt: sql`${sql.placeholder("lastOkAt")}`,
        failingSince: sql`${sql.placeholder("failingSince")}`,
        consecutiveFailures: sql`${sql.placeholder("consecutiveFailures")}`,
        lastError: sql`${sql.placeholder("lastError")}`,
      })
      .where(eq(checks.name, sql.placeholder("name")))
      .prepare(),
    saveCursor: db
      .update(checks)
      .set({ cursor: sql`${sql.placeholder("cursor")}` })
      .where(eq(checks.name, sql.placeholder("name")))
      .prepare(),
    effectByKey: db
      .select({ id: effects.id })
      .from(effects)
      .where(eq(effects.idempotencyKey, sql.placeholder("key")))
      .prepare(),
    recentActions: db
      .select({ count: sql<number>`count(*)` })
      .from(effects)
      .where(
        and(
          eq(effects.check, sql.placeholder("check")),
          eq(effects.tool, sql.placeholder("tool")),
          gt(effects.plannedAt, sql.placeholder("since")),
          lte(effects.plannedAt, sql.placeholder("at")),
        ),
      )
      .prepare(),
    openBlindness: db
      .select({ id: findings.id })
      .from(findings)
      .where(
        and(
          eq(findings.check, blindCheck),
          eq(findings.key, sql.placeholder("key")),
          ne(findings.status, "resolved"),
        ),
      )
      .prepare(),
  };
}
