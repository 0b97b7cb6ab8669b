import type Database from "better-sqlite3";
import type { PruneWalk, Retention } from "../domain/retention.ts";
import { writing, type Db } from "./database.ts";
import type { PruneSlice, PrunedCounts, Store } from "./port.ts";
import { createTallies, type Tallies } from "./tallies.ts";

/**
 * Removing what is past its time, in walks over the tables by id. Each slice of a walk is one short transaction;
 * within it each row is looked at afresh, and goes with all that belongs to it or not at all. So whatever is
 * written meanwhile, and wherever the process ends, nothing refers to a row that is not there.
 */

type PruneWrites = Pick<Store, "pruneBounds" | "pruneSlice">;

/** `:c` are the cutoffs by kind. */
type Cutoffs = Retention;

interface Walk {
  /** Whose ids are walked over. */
  readonly table: string;
  /** The highest id that can be old enough; from there on everything is younger. */
  readonly bound: string;
  /** How many rows are looked at in one transaction. */
  readonly rows: number;
  /** Removes or thins what belongs to one row, if it may. */
  readonly visit: (id: number, cutoffs: Cutoffs, counts: Counts) => void;
}

type Counts = Record<keyof PrunedCounts, number>;

const nothing = { rows: 0, beats: 0, findings: 0, notifications: 0, runs: 0, steps: 0 };
const noCounts = (): Counts => ({ ...nothing, effects: 0, approvals: 0, thinned: 0 });

export function pruneWrites(db: Db): PruneWrites {
  let prepared: ReadonlyMap<PruneWalk, PreparedWalk> | undefined;
  const walks = () => (prepared ??= prepareWalks(db.$client));

  return {
    async pruneBounds(cutoffs) {
      const bounds = [...walks()].map(([name, { bound }]) => [name, bound.get(cutoffs) ?? 0]);
      return Object.fromEntries(bounds) as Record<PruneWalk, number>;
    },

    async pruneSlice({ walk: name, after, upTo, cutoffs }): Promise<PruneSlice> {
      const walk = walks().get(name);
      if (!walk) return { next: null, removed: noCounts() };
      walk.tallies.clear();
      return db.transaction((): PruneSlice => {
        const ids = walk.ids.all({ after, upTo, rows: walk.rows });
        const removed = noCounts();
        for (const id of ids) walk.visit(id, cutoffs, removed);
        walk.tallies.save();
        const last = ids.at(-1);
        return { next: ids.length < walk.rows || last === undefined ? null : last, removed };
      }, writing);
    },
  };
}

interface PreparedWalk extends Pick<Walk, "rows" | "visit"> {
  readonly bound: Database.Statement<[Cutoffs], number>;
  readonly ids: Database.Statement<[{ after: number; upTo: number; rows: number }], number>;
  readonly tallies: Tallies;
}

function prepareWalks(client: Database.Database): ReadonlyMap<PruneWalk, PreparedWalk> {
  const tallies = createTallies(client);
  const walks = walksOf(client, tallies);
  return new Map(
    Object.entries(walks).map(
      ([name, { table, bound, rows, visit }]): [PruneWalk, PreparedWalk] => [
        name as PruneWalk,
        {
          ...{ rows, visit, tallies },
          bound: client
            .prepare<[Cutoffs], number>(`select max(id) from ${table} where ${bound}`)
            .pluck(),
          ids: client
            .prepare<[{ after: number; upTo: number; rows: number }], number>(
              `select id from ${table} where id > :after and id <= :upTo order by id limit :rows`,
            )
            .pluck(),
        },
      ],
    ),
  );
}

function walksOf(client: Database.Database, tallies: Tallies): Record<PruneWalk, Walk> {
  const mayGo = (sql: string) =>
    client.prepare<[Cutoffs & { id: number }], number>(`select exists (${sql})`).pluck();
  const remove = (sql: string) => {
    const statement = client.prepare<[number]>(sql);
    return (id: number): number => statement.run(id).changes;
  };
  const counted = (name: string, sql: string) => {
    const statement = client.prepare<[number], string[]>(sql).raw();
    return (id: number): number => {
      const gone = statement.all(id);
      for (const labels of gone) tallies.add(name, labels);
      return gone.length;
    };
  };

  return {
    notifications: notificationsWalk(mayGo, remove, counted),
    findings: findingsWalk(mayGo, remove, counted),
    texts: textsWalk(client),
    stepTexts: stepTextsWalk(client),
    steps: stepsWalk(client),
    effects: effectsWalk(client, mayGo, counted),
    approvals: approvalsWalk(mayGo, counted),
    runs: runsWalk(client, tallies, mayGo, remove, counted),
    beats: beatsWalk(mayGo, counted),
  };
}

type MayGo = (sql: string) => Database.Statement<[Cutoffs & { id: number }], number>;
type Remove = (sql: string) => (id: number) => number;
type Counted = (name: string, sql: string) => (id: number) => number;

/** A digest goes after what it has taken in: that has lower ids. */
function notificationsWalk(mayGo: MayGo, remove: Remove, counted: Counted): Walk {
  const isOver = mayGo(`
    select 1 from notifications n where n.id = :id and n.created_at < :notifications
      and n.state in ('delivered', 'untold', 'folded')
      and not exists (select 1 from deliveries d
        where d.notification_id = n.id and d.state in ('waiting', 'sending', 'failed'))
      and not exists (select 1 from notifications held where held.folded_into = n.id)
      and not exists (select 1 from tellings t join findings f on f.id = t.finding_id
        where t.notification_id = n.id
          and (f.status <> 'resolved' or f.revision > f.handled_revision))
      and not exists (select 1 from approvals a where a.id = n.approval_id and a.status = 'pending')`);
  const deliveries = counted(
    "deliveries",
    "delete from deliveries where notification_id = ? returning channel, state",
  );
  const tellings = remove("delete from tellings where notification_id = ?");
  const notification = remove("delete from notifications where id = ?");
  return {
    table: "notifications",
    bound: "created_at < :notifications",
    rows: 100,
    visit(id, cutoffs, counts) {
      if (!isOver.get({ ...cutoffs, id })) return;
      counts.rows += deliveries(id) + tellings(id) + notification(id);
      counts.notifications += 1;
    },
  };
}

/**
 * What a check still compares with is an observation that holds: its finding stays. What was told of one goes with
 * it, since the digest that it was told in may be of something open, too.
 */
function findingsWalk(mayGo: MayGo, remove: Remove, counted: Counted): Walk {
  const isOver = mayGo(`
    select 1 from findings f where f.id = :id and f.status = 'resolved'
      and f.resolved_at < :findings and f.changed_at < :findings
      and f.revision <= f.handled_revision
      and not exists (select 1 from observations o where o.finding_id = f.id and o.gone_at is null)
      and not exists (select 1 from tellings t
        where t.finding_id = f.id and t.at >= :notifications)
      and not exists (select 1 from run_findings rf join runs r on r.id = rf.run_id
        where rf.finding_id = f.id and r.finished_at is null)`);
  const events = counted(
    "finding_events",
    "delete from finding_events where finding_id = ? returning state, severity",
  );
  const verdicts = remove("delete from run_findings where finding_id = ?");
  const tellings = remove("delete from tellings where finding_id = ?");
  const observations = remove("delete from observations where finding_id = ?");
  const finding = remove("delete from findings where id = ?");
  return {
    table: "findings",
    bound: "opened_at < :findings",
    rows: 50,
    visit(id, cutoffs, counts) {
      if (!isOver.get({ ...cutoffs, id })) return;
      counts.rows += events(id) + verdicts(id) + tellings(id) + observations(id) + finding(id);
      counts.findings += 1;
    },
  };
}

function textsWalk(client: Database.Database): Walk {
  const thin = client.prepare<[Cutoffs & { id: number }]>(`
    update findings set text = null where id = :id and text is not null and status = 'resolved'
      and resolved_at < :texts and changed_at < :texts and revision <= handled_revision`);
  return {
    table: "findings",
    bound: "opened_at < :texts",
    rows: 200,
    visit: (id, cutoffs, counts) => (counts.thinned += thin.run({ ...cutoffs, id }).changes),
  };
}

function stepTextsWalk(client: Database.Database): Walk {
  const thin = client.prepare<[Cutoffs & { id: number }]>(`
    update steps set input = null, output = null
    where run_id = (select id from runs where id = :id and finished_at < :texts)
      and (input is not null or output is not null)`);
  return {
    table: "runs",
    bound: "started_at < :texts",
    rows: 20,
    visit: (id, cutoffs, counts) => (counts.thinned += thin.run({ ...cutoffs, id }).changes),
  };
}

/** The journal of a run that ended; the steps that effects came of stay with these. */
function stepsWalk(client: Database.Database): Walk {
  const go = client.prepare<[Cutoffs & { id: number }]>(`
    delete from steps where run_id = (select id from runs where id = :id and finished_at < :steps)
      and not exists (select 1 from effects e where e.step_id = steps.id)`);
  return {
    table: "runs",
    bound: "started_at < :steps",
    rows: 10,
    visit(id, cutoffs, counts) {
      const { changes } = go.run({ ...cutoffs, id });
      counts.rows += changes;
      counts.steps += changes;
    },
  };
}

/**
 * The key of a run's call can never come again: ids are not given twice. What a rule's key is made of can, so
 * those stay. An approval that was given goes together with its effect, or it would be carried out anew.
 */
function effectsWalk(client: Database.Database, mayGo: MayGo, counted: Counted): Walk {
  const isOver = mayGo(`
    select 1 from effects e where e.id = :id and e.check_name is null
      and e.state in ('done', 'failed') and coalesce(e.finished_at, e.planned_at) < :effects
      and (e.undo_begun_at is null or e.undone_at < :effects)
      and not exists (select 1 from runs r where r.id = e.run_id and r.finished_at is null)
      and not exists (select 1 from run_findings rf join findings f on f.id = rf.finding_id
        where rf.run_id = e.run_id and (f.status <> 'resolved' or f.revision > f.handled_revision))
      and (e.approval_id is null or exists (select 1 from approvals a where a.id = e.approval_id
        and a.status <> 'pending' and a.decided_at < :effects and a.expires_at < :effects
        and not exists (select 1 from notifications n where n.approval_id = a.id)))`);
  const approvalOf = client
    .prepare<[number], number | null>("select approval_id from effects where id = ?")
    .pluck();
  const effect = counted("effects", "delete from effects where id = ? returning effect, state");
  const approval = counted("approvals", "delete from approvals where id = ? returning status");
  return {
    table: "effects",
    bound: "planned_at < :effects",
    rows: 100,
    visit(id, cutoffs, counts) {
      if (!isOver.get({ ...cutoffs, id })) return;
      const approvalId = approvalOf.get(id) ?? null;
      counts.effects += effect(id);
      const answered = approvalId === null ? 0 : approval(approvalId);
      counts.approvals += answered;
      counts.rows += 1 + answered;
    },
  };
}

/** Those that nothing came of. One that is approved waits to be carried out. */
function approvalsWalk(mayGo: MayGo, counted: Counted): Walk {
  const isOver = mayGo(`
    select 1 from approvals a where a.id = :id and a.status in ('denied', 'expired')
      and a.decided_at < :effects and a.expires_at < :effects
      and not exists (select 1 from effects e where e.approval_id = a.id)
      and not exists (select 1 from notifications n where n.approval_id = a.id)
      and not exists (select 1 from runs r where r.id = a.run_id and r.finished_at is null)`);
  const approval = counted("approvals", "delete from approvals where id = ? returning status");
  return {
    table: "approvals",
    bound: "decided_at < :effects",
    rows: 100,
    visit(id, cutoffs, counts) {
      if (!isOver.get({ ...cutoffs, id })) return;
      counts.approvals += approval(id);
      counts.rows += 1;
    },
  };
}

/** A run is also what its spend, and what is open of its findings, is known by. */
function runsWalk(
  client: Database.Database,
  tallies: Tallies,
  mayGo: MayGo,
  remove: Remove,
  counted: Counted,
): Walk {
  const isOver = mayGo(`
    select 1 from runs r where r.id = :id and r.outcome is not null and r.finished_at < :runs
      and not exists (select 1 from spend s
        where s.run_id = r.id and (s.state <> 'settled' or s.at >= :runs))
      and not exists (select 1 from effects e where e.run_id = r.id)
      and not exists (select 1 from approvals a where a.run_id = r.id)
      and not exists (select 1 from notifications n where n.run_id = r.id)
      and not exists (select 1 from memories m where m.run_id = r.id)
      and not exists (select 1 from run_findings rf join findings f on f.id = rf.finding_id
        where rf.run_id = r.id and (f.status <> 'resolved' or f.revision > f.handled_revision))
      and r.id not in (select id from runs order by id desc limit 20)`);
  const calls = client.prepare<[number], SpendRow>(
    "delete from spend where run_id = ? returning model, input_tokens, output_tokens, cached_tokens, cost_usd",
  );
  const verdicts = remove("delete from run_findings where run_id = ?");
  const steps = remove("delete from steps where run_id = ?");
  const run = counted("runs", "delete from runs where id = ? returning outcome");
  return {
    table: "runs",
    bound: "started_at < :runs",
    rows: 20,
    visit(id, cutoffs, counts) {
      if (!isOver.get({ ...cutoffs, id })) return;
      const spent = calls.all(id);
      for (const call of spent) {
        tallies.add("spend_calls", [call.model]);
        tallies.add("spend_input_tokens", [call.model], call.input_tokens);
        tallies.add("spend_output_tokens", [call.model], call.output_tokens);
        tallies.add("spend_cached_tokens", [call.model], call.cached_tokens);
        tallies.add("spend_cost_usd", [call.model], call.cost_usd);
      }
      const journal = steps(id);
      counts.steps += journal;
      counts.rows += spent.length + verdicts(id) + journal + run(id);
      counts.runs += 1;
    },
  };
}

interface SpendRow {
  readonly model: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cost_usd: number;
}

/**
 * One that found something, or woke a run, stays as long as these. The first says since when there is a watch,
 * the last ones how it stands.
 */
function beatsWalk(mayGo: MayGo, counted: Counted): Walk {
  const saysSomething = `b.error is not null or exists (
    select 1 from json_each(b.checks) look where look.value ->> 'outcome' <> 'ok'
      or look.value ->> 'error' is not null or json_array_length(look.value, '$.notes') > 0)`;
  const isOver = mayGo(`
    select 1 from beats b where b.id = :id and b.outcome is not null
      and b.finished_at < case
        when b.outcome in ('failed', 'missed') then :failures
        when b.outcome = 'found' then :beats
        when b.finished_at < :quietBeats and b.finished_at < :beats then :quietBeats
        when ${saysSomething} then :beats
        else :quietBeats end
      and not exists (select 1 from finding_events e where e.beat_id = b.id)
      and not exists (select 1 from runs r where r.beat_id = b.id)
      and b.id > (select min(id) from beats)
      and b.id < (select max(id) from beats) - 20
      and b.id is not (select id from beats where outcome = 'quiet' order by finished_at desc limit 1)
      and b.id is not (select id from beats where outcome = 'found' order by finished_at desc limit 1)`);
  const beat = counted("beats", "delete from beats where id = ? returning outcome");
  return {
    table: "beats",
    bound: "started_at < max(:quietBeats, :beats, :failures)",
    rows: 200,
    visit(id, cutoffs, counts) {
      if (!isOver.get({ ...cutoffs, id })) return;
      counts.beats += beat(id);
      counts.rows += 1;
    },
  };
}
