import { z } from "zod";

/** The JSON that users' scripts rely on; more keys may stand beside these. */

const time = z.iso.datetime({ offset: false });
const id = z.int().positive();
const text = z.string().min(1);
const amount = z.number().nonnegative();
const count = z.int().nonnegative();
const severity = z.enum(["info", "notice", "warning", "critical"]);

export const status = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+/),
  pid: id.nullable(),
  startedAt: time.nullable(),
  healthy: z.boolean(),
  paused: z.boolean(),
  beat: z.object({ last: time.nullable(), next: time.nullable() }),
  checks: z.array(
    z.object({
      name: z.string().regex(/^[^/]+\/[^/]+$/),
      skill: text,
      lastRunAt: time.nullable(),
      nextDueAt: time.nullable(),
      status: z.enum(["ok", "failing", "blind", "off"]),
      consecutiveFailures: count,
      lastError: text.nullable(),
    }),
  ),
  openFindings: count,
  pendingApprovals: count,
  spend: z.object({ todayUsd: amount, monthUsd: amount, todayTokens: count }),
});

export const beat = z.object({
  id,
  startedAt: time,
  finishedAt: time.nullable(),
  trigger: z.enum(["schedule", "manual", "catch-up"]),
  outcome: z.enum(["quiet", "found", "missed", "failed"]).nullable(),
  checks: z.array(
    z.object({
      name: text,
      outcome: z.enum(["ok", "failed", "timeout", "skipped"]),
      durationMs: amount,
      error: text.nullable(),
    }),
  ),
  findings: z.array(id),
  runId: id.nullable(),
  costUsd: amount,
});

export const finding = z.object({
  id,
  skill: text,
  check: text,
  key: text,
  state: z.enum(["opened", "changed", "resolved"]),
  status: z.enum(["open", "acked", "snoozed", "resolved"]),
  severity,
  trust: z.enum(["trusted", "untrusted"]),
  title: text,
  text: text.nullable(),
  openedAt: time,
  changedAt: time,
  resolvedAt: time.nullable(),
  verdict: z.enum(["ignore", "digest", "notify"]).nullable(),
  decidedBy: z.enum(["model", "rules"]).nullable(),
});

export const run = z.object({
  id,
  beatId: id.nullable(),
  startedAt: time,
  finishedAt: time.nullable(),
  outcome: z.enum(["ok", "incomplete", "failed", "interrupted", "over-budget"]).nullable(),
  model: text,
  inputTokens: count,
  outputTokens: count,
  cachedTokens: count,
  costUsd: amount,
  error: text.nullable(),
  findings: z.array(id),
});

export const runWithSteps = run.extend({
  steps: z.array(
    z.object({
      index: count,
      kind: z.enum(["model", "tool"]),
      name: text,
      startedAt: time,
      durationMs: amount.nullable(),
      input: z.json(),
      output: z.json(),
      error: text.nullable(),
      decision: z.enum(["allow", "ask", "deny"]).nullable(),
      reason: text.nullable(),
      tokens: count,
      costUsd: amount,
    }),
  ),
});

export const skill = z.object({
  name: text,
  origin: text,
  description: z.string(),
  status: z.enum(["ok", "off"]),
  error: text.nullable(),
  checks: z.array(z.object({ name: text, schedule: text })),
  tools: z.array(z.object({ name: text, effect: text })),
});

export const configCheck = z.object({
  ok: z.boolean(),
  file: text,
  skills: z.array(text),
  checks: z.array(text),
  broken: z.array(z.object({ name: text, origin: text, error: text })),
  problems: z.array(text),
  warnings: z.array(text),
});

export const diagnosis = z.object({
  name: text,
  level: z.enum(["ok", "warn", "fail"]),
  message: text,
});

export const dryRun = z.object({
  dryRun: z.literal(true),
  checks: z.array(
    z.object({
      name: text,
      outcome: z.enum(["ok", "failed", "timeout"]),
      durationMs: amount,
      error: text.nullable(),
      notes: z.array(text),
    }),
  ),
  findings: z.array(
    z.object({
      check: text,
      key: text,
      state: z.enum(["opened", "changed", "resolved"]),
      severity,
      title: text,
      wouldBe: z.enum(["told at once", "in the digest", "kept in the log"]),
      why: text,
    }),
  ),
});
