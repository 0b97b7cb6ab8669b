import { join } from "node:path";
import Database from "better-sqlite3";
import { packageInfo } from "../src/config/package.ts";
import { openStore } from "../src/store/index.ts";

/** Fills a store with a year's work: beats, runs, steps, findings and spend. */
export async function fillLargeStore(
  stateDir: string,
  { beats, steps }: { beats: number; steps: number },
): Promise<void> {
  await openStore({ stateDir, migrationsDir: packageInfo().migrationsDir })[Symbol.asyncDispose]();
  const db = new Database(join(stateDir, "watchkeeper.db"));
  const now = Date.now();
  const gapMs = 5 * 60_000;
  const stepsPerRun = 10;
  const runs = steps / stepsPerRun;
  db.pragma("synchronous = OFF");
  db.transaction(() => {
    const check = db.prepare(
      "insert into checks (name, skill, schedule, next_due_at, last_run_at, last_ok_at) values (?, ?, 'every 5m', ?, ?, ?)",
    );
    for (let index = 0; index < 20; index += 1) {
      check.run(`bench/check-${index}`, "bench", now, now, now);
    }
    const beat = db.prepare(
      "insert into beats (trigger, outcome, started_at, finished_at, checks) values ('schedule', 'quiet', ?, ?, ?)",
    );
    const lines = JSON.stringify(
      Array.from({ length: 5 }, (_, index) => ({
        name: `bench/check-${index}`,
        outcome: "ok",
        durationMs: 12,
        error: null,
      })),
    );
    for (let index = 0; index < beats; index += 1) {
      const at = now - (beats - index) * gapMs;
      beat.run(at, at + 40, lines);
    }
    const finding = db.prepare(
      "insert into findings (skill, check_name, key, state, status, severity, trust, title, opened_at, changed_at, handled_revision) values ('bench', 'bench/check-1', ?, 'opened', ?, 'notice', 'untrusted', 'A finding', ?, ?, 1)",
    );
    for (let index = 0; index < 50_000; index += 1) {
      const at = now - (50_000 - index) * gapMs * 2;
      finding.run(`key-${index}`, index > 49_900 ? "open" : "resolved", at, at);
    }
    const run = db.prepare(
      "insert into runs (beat_id, started_at, finished_at, outcome, model, prompt_version, cost_usd) values (?, ?, ?, 'ok', 'claude-sonnet-5-5', 'bench', 0.01)",
    );
    const step = db.prepare(
      "insert into steps (run_id, step_index, kind, name, started_at, duration_ms, input, output, input_tokens, cost_usd) values (?, ?, 'model', 'claude-sonnet-5-5', ?, 900, ?, ?, 3000, 0.001)",
    );
    const spend = db.prepare(
      "insert into spend (run_id, at, model, input_tokens, output_tokens, cached_tokens, cost_usd) values (?, ?, 'claude-sonnet-5-5', 3000, 200, 2500, 0.005)",
    );
    const text = JSON.stringify({ text: "x".repeat(200) });
    for (let index = 1; index <= runs; index += 1) {
      const at = now - (runs - index) * gapMs;
      run.run(Math.min(index, beats), at, at + 9_000);
      for (let number = 0; number < stepsPerRun; number += 1)
        step.run(index, number, at, text, text);
      for (let number = 0; number < stepsPerRun / 2; number += 1) spend.run(index, at);
    }
  })();
  db.close();
}
