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
  pause: z.object({ since: time, until: time.nullable(), reason: text.nullable() }).nullable(),
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
  mcp: z.array(
    z.object({
      name: text,
      state: z.enum(["connecting", "ready", "failed"]),
      error: text.nullable(),
      since: time,
    }),
  ),
  web: z.object({ url: text.nullable(), off: text.nullable() }).nullable(),
  openFindings: count,
  pendingApprovals: count,
  database: z.object({
    bytes: count,
    freeBytes: count,
    prunedAt: z.nullable(z.iso.datetime()),
    pruneError: z.nullable(z.string()),
    backupAt: z.nullable(z.iso.datetime()),
    backupError: z.nullable(z.string()),
  }),
  spend: z.object({ todayUsd: amount, monthUsd: amount, todayTokens: count }),
});

export const approval = z.object({
  id,
  tool: text,
  arguments: z.record(z.string(), z.json()),
  effect: z.enum(["read", "write", "send", "destroy"]),
  facts: z.record(z.string(), z.string()).nullable(),
  editedFrom: z.json(),
  trust: z.enum(["trusted", "untrusted"]),
  reason: text,
  status: z.enum(["pending", "approved", "denied", "expired"]),
  note: text.nullable(),
  createdAt: time,
  expiresAt: time,
  decidedAt: time.nullable(),
  runId: id.nullable(),
  effectId: id.nullable(),
});

export const approvalWithOutcome = approval.extend({
  outcome: z
    .object({
      state: z.enum(["planned", "sent", "done", "failed", "unknown"]),
      result: z.json(),
      error: text.nullable(),
      sentAt: time.nullable(),
      finishedAt: time.nullable(),
      undoneAt: time.nullable(),
    })
    .nullable(),
});

/** What `undo` without an id lists. */
export const writes = z.array(
  z.object({
    effectId: id,
    tool: text,
    arguments: z.record(z.string(), z.json()),
    check: text.nullable(),
    runId: id.nullable(),
    finishedAt: time.nullable(),
  }),
);

const grant = z.object({
  tool: text,
  when: z.record(z.string(), z.string()),
  maxPerDay: id,
  evenIfUntrusted: z.boolean(),
});

export const grantSuggestions = z.object({
  after: id,
  days: id,
  suggestions: z.array(
    z.object({
      grant,
      config: text,
      allows: text,
      evidence: z.object({
        approvals: z.array(id),
        since: time,
        last: time,
        untrusted: count,
        mostPerDay: id,
      }),
    }),
  ),
  notSuggested: z.array(z.object({ tool: text, approvals: count, why: text })),
});

export const explanation = z.object({
  tool: text,
  arguments: z.json(),
  effect: z.enum(["read", "write", "send", "destroy"]),
  untrusted: z.boolean(),
  decision: z.enum(["allow", "ask", "deny"]),
  reason: text,
  grant: grant.nullable(),
  usedToday: count.nullable(),
  facts: z.record(z.string(), z.string()),
  factsError: text.nullable(),
  suggestedGrant: grant.nullable(),
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

export const beatWithEffects = beat.extend({
  ruleEffects: z.array(
    z.object({
      effectId: id,
      check: text,
      tool: text,
      effect: z.enum(["read", "write", "send", "destroy"]),
      arguments: z.json(),
      state: z.enum(["planned", "sent", "done", "failed", "unknown"]),
      error: text.nullable(),
      undoneAt: time.nullable(),
    }),
  ),
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

const spent = z.object({ costUsd: amount, tokens: count, calls: count, runs: count });

export const cost = z.object({
  days: z.array(spent.extend({ date: z.iso.date() })),
  models: z.array(spent.extend({ model: text })),
  skills: z.array(spent.extend({ skill: text })),
  total: z.object({ costUsd: amount, tokens: count }),
  forecast: z.object({
    monthUsd: amount.nullable(),
    fromDays: count,
    monthUsdAtTodaysPace: amount.nullable(),
  }),
});

/** One of the agent's notes. */
export const note = z.object({
  id,
  text,
  trust: z.enum(["trusted", "untrusted"]),
  runId: id.nullable(),
  createdAt: time,
  expiresAt: time.nullable(),
});

export const skill = z.object({
  name: text,
  origin: text,
  version: text.nullable(),
  description: z.string(),
  status: z.enum(["ok", "off"]),
  error: text.nullable(),
  notes: z.array(text),
  checks: z.array(z.object({ name: text, schedule: text })),
  tools: z.array(z.object({ name: text, effect: text })),
});

export const trial = z.object({
  skill: text,
  origin: text.nullable(),
  version: text.nullable(),
  enabled: z.boolean(),
  ok: z.boolean(),
  error: text.nullable(),
  notes: z.array(text),
  tests: z
    .object({
      files: z.array(text),
      passed: z.int(),
      failed: z.int(),
      ok: z.boolean(),
      output: text,
    })
    .nullable(),
  tools: z.array(z.object({ name: text, effect: text })),
  looks: z.array(
    z.object({
      check: text,
      at: time,
      recorded: z.boolean(),
      outcome: z.enum(["ok", "failed", "timeout"]),
      durationMs: z.number(),
      error: text.nullable(),
      notes: z.array(text),
      observations: z.array(z.looseObject({ key: text, severity: text, title: text, trust: text })),
      cursor: z.unknown(),
      findings: z.array(
        z.object({
          ...{ key: text, state: text, severity: text, title: text, wouldBe: text, why: text },
        }),
      ),
    }),
  ),
  shown: z.object({
    wakes: z.boolean(),
    text: z.string(),
    tokens: z.int(),
    prefixTokens: z.int(),
  }),
  recordedIn: text.nullable(),
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
