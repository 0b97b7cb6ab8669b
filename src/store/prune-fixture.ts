import type Database from "better-sqlite3";
import { prune, type PruneSummary } from "./prune.ts";
import { retentionKinds, retentionRules, type Retention } from "../domain/retention.ts";
import type { Store } from "./port.ts";

export const dayMs = 86_400_000;
/** When tests of pruning are. */
export const today = Date.UTC(2026, 10, 27);
export const daysAgo = (days: number): number => today - days * dayMs;

export const usualRetention = Object.fromEntries(
  retentionKinds.map((kind) => [kind, retentionRules[kind].keep * dayMs]),
) as Retention;

export const pruneAll = (store: Store, retention = usualRetention): Promise<PruneSummary> =>
  prune(store, { retention, now: today, pause: async () => undefined });

type Row = Readonly<Record<string, string | number | null>>;

/** Rows as the store writes them, each part of which a test may say. @returns the new id */
export function planter(sql: Database.Database) {
  function plant(table: string, row: Row): number {
    const names = Object.keys(row);
    const values = names.map((name) => `:${name}`);
    const statement = sql.prepare<[Row]>(
      `insert into ${table} (${names.join(", ")}) values (${values.join(", ")})`,
    );
    return Number(statement.run(row).lastInsertRowid);
  }
  return {
    plant,
    beat: (at: number, row: Row = {}) =>
      plant("beats", {
        ...{ trigger: "schedule", outcome: "quiet", started_at: at, finished_at: at, checks: "[]" },
        ...row,
      }),
    finding: (at: number, row: Row = {}) =>
      plant("findings", {
        ...{ skill: "mail", check_name: "mail/work", key: `k${at}`, state: "resolved" },
        ...{ status: "resolved", severity: "warning", trust: "untrusted", title: "A mail" },
        ...{ text: "Its text", revision: 2, handled_revision: 2 },
        ...{ opened_at: at, changed_at: at, resolved_at: at },
        ...row,
      }),
    run: (at: number, row: Row = {}) =>
      plant("runs", {
        ...{ started_at: at, finished_at: at, outcome: "ok", model: "m", prompt_version: "p" },
        ...row,
      }),
    step: (runId: number, index: number, at: number) =>
      plant("steps", {
        ...{ run_id: runId, step_index: index, kind: "model", name: "m", started_at: at },
        ...{ duration_ms: 1, input: '{"messages":[]}', output: '{"content":[]}' },
      }),
    spend: (runId: number, at: number, row: Row = {}) =>
      plant("spend", {
        ...{ run_id: runId, at, model: "m", state: "settled", input_tokens: 10 },
        ...{ output_tokens: 2, cached_tokens: 3, cost_usd: 0.25 },
        ...row,
      }),
    notification: (at: number, row: Row = {}) =>
      plant("notifications", {
        ...{ kind: "finding", state: "delivered", findings: "[]", severity: "notice" },
        ...{ title: "A mail", body: "Its text", why: "notice", created_at: at, due_at: at },
        ...row,
      }),
    delivery: (notificationId: number, at: number, state = "sent") =>
      plant("deliveries", {
        ...{ notification_id: notificationId, channel: "ntfy", state, attempts: 1 },
        ...{ key: `d${notificationId}`, planned_at: at, updated_at: at },
      }),
    telling: (findingId: number, notificationId: number, at: number) =>
      plant("tellings", {
        ...{ finding_id: findingId, notification_id: notificationId, kind: "told" },
        ...{ state: "opened", severity: "notice", at },
      }),
    approval: (at: number, row: Row = {}) =>
      plant("approvals", {
        ...{ tool: "inbox_send", tool_version: "1", arguments: "{}", arguments_hash: "h" },
        ...{ effect: "send", trust: "untrusted", reason: "send is asked", status: "denied" },
        ...{ created_at: at, expires_at: at + dayMs, decided_at: at },
        ...row,
      }),
    effect: (at: number, key: string, row: Row = {}) =>
      plant("effects", {
        ...{ tool: "inbox_send", effect: "send", arguments: "{}", trust: "untrusted" },
        ...{ idempotency_key: key, state: "done", planned_at: at, sent_at: at, finished_at: at },
        ...row,
      }),
    event: (findingId: number, beatId: number | null, at: number) =>
      plant("finding_events", {
        ...{ finding_id: findingId, beat_id: beatId, revision: 1, state: "opened" },
        ...{ severity: "notice", title: "A mail", at },
      }),
    observation: (findingId: number, key: string, at: number, goneAt: number | null) =>
      plant("observations", {
        ...{ check_name: "mail/work", key, fingerprint: "f", finding_id: findingId },
        ...{ first_seen_at: at, changed_at: at, closes_at: null, gone_at: goneAt },
      }),
    verdict: (runId: number, findingId: number) =>
      plant("run_findings", { run_id: runId, finding_id: findingId, revision: 1 }),
    note: (runId: number, at: number) =>
      plant("memories", { run_id: runId, text: "A note", trust: "trusted", created_at: at }),
  };
}

export type Planter = ReturnType<typeof planter>;
