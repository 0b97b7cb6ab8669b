import { floorVerdict, ruleVerdict } from "../domain/attention.ts";
import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { Finding } from "../domain/finding.ts";
import type { Scrub } from "../domain/scrub.ts";
import { longTermMemoryFile, readOwnerFile, standingOrdersFile } from "../memory/owner-file.ts";
import type {
  MessageParam,
  Model,
  ModelReply,
  ModelUsage,
  ToolResultBlockParam,
  ToolUseBlock,
} from "../model/port.ts";
import { costUsd } from "../model/pricing.ts";
import { composeTelling, type AttentionSettings, type JudgedFinding } from "../notify/compose.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { RunOutcome, Store, Usage } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { situationMessage, type Prompt } from "./prompt.ts";
import { readReport, reportName, type Report } from "./report.ts";
import { callTools } from "./tool-call.ts";

/** One agent conversation over the findings at hand, from the first request to verdicts in the store. */

export interface RunDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly model: Model;
  readonly prompt: Prompt;
  readonly tools: ReadonlyMap<string, LoadedTool>;
  readonly stateDir: string;
  readonly attention: AttentionSettings;
  readonly interruptionsToday: () => Promise<number>;
  /** Holds whoever else tells the owner something until the work is done. */
  readonly telling: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Takes secrets out of what tools return. */
  readonly scrub: Scrub;
  /** Aborted when the daemon stops and the run has not ended in time. */
  readonly signal: AbortSignal;
}

/** The account of a run. */
export interface RunSummary {
  readonly id: number;
  readonly outcome: RunOutcome;
  readonly error: string | null;
  readonly judged: readonly JudgedFinding[];
}

const mostSteps = 25;
const longestRunMs = 10 * 60_000;
const replyTokens = 8_000;

export async function runAgent(
  findings: readonly Finding[],
  beatId: number | null,
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { store, clock, log, model, prompt } = dependencies;
  const id = await store.beginRun({
    beatId,
    at: clock.now(),
    model: model.name,
    promptVersion: prompt.version,
    findings: findings.map(({ id: findingId, revision }) => ({ id: findingId, revision })),
  });
  let end: ConversationEnd;
  try {
    end = await converse(id, findings, dependencies);
  } catch (error) {
    log.error({ runId: id, error: describeError(error) }, "run failed");
    end = { outcome: "failed", error: describeError(error), report: null, readUntrusted: true };
  }
  if (end.outcome === "interrupted") {
    // The findings stay pending: the next run, or the next daemon, takes them.
    const at = clock.now();
    const { outcome, error } = end;
    await store.finishRun(id, {
      at,
      outcome,
      error,
      summary: null,
      verdicts: [],
      notifications: [],
    });
    return { id, outcome, error, judged: [] };
  }
  return dependencies.telling(() => conclude(id, findings, end, dependencies));
}

/** Saves the verdicts, and tells what the rules have not told while the run went on. */
async function conclude(
  id: number,
  findings: readonly Finding[],
  end: ConversationEnd,
  { store, clock, attention, interruptionsToday }: RunDependencies,
): Promise<RunSummary> {
  const latest = await store.getFindings(findings.map((finding) => finding.id));
  const now = new Map(latest.map((finding) => [finding.id, finding]));
  const judged = judge(
    findings.flatMap((finding) => {
      const { handledRevision, toldRevision } = now.get(finding.id) ?? finding;
      // The owner has acknowledged or snoozed it meanwhile: that word stands.
      return handledRevision >= finding.revision ? [] : { ...finding, toldRevision };
    }),
    end,
  );
  const telling = composeTelling(judged, {
    now: clock.now(),
    settings: attention,
    interruptionsToday: await interruptionsToday(),
    caveat: caveatOf(end),
  });
  const { outcome, error } = end;
  const summary = end.report?.summary ?? null;
  await store.finishRun(id, { at: clock.now(), outcome, error, summary, ...telling });
  return { id, outcome, error, judged };
}

interface ConversationEnd {
  readonly outcome: RunOutcome;
  readonly error: string | null;
  readonly report: Report | null;
  readonly readUntrusted: boolean;
}

/** Model call, tool calls, results, and so on until a whole report, a failure or a bound. */
async function converse(
  runId: number,
  findings: readonly Finding[],
  dependencies: RunDependencies,
): Promise<ConversationEnd> {
  const { clock, log, stateDir, attention, tools, signal } = dependencies;
  const now = clock.now();
  const warn = (message: string) => log.warn({ runId }, message);
  const messages: MessageParam[] = [
    situationMessage({
      now,
      timezone: attention.timezone,
      standingOrders: await readOwnerFile(stateDir, standingOrdersFile, warn),
      memory: await readOwnerFile(stateDir, longTermMemoryFile, warn),
      findings,
    }),
  ];
  const findingIds = findings.map(({ id }) => id);
  let readUntrusted = findings.some(({ trust }) => trust === "untrusted");
  let report: Report | null = null;
  let sentBack = false;
  let journalled = 0;
  const end = (outcome: RunOutcome, error: string | null): ConversationEnd => ({
    outcome,
    error,
    report,
    readUntrusted,
  });

  for (let index = 0; index < mostSteps;) {
    if (signal.aborted) return end("interrupted", "the daemon was stopped");
    if (clock.now() - now > longestRunMs)
      return end("failed", "the run took longer than 10 minutes");
    const reply = await callModel(runId, index, messages, messages.slice(journalled), dependencies);
    index += 1;
    journalled = messages.length;
    if (!reply.ok) {
      return reply.failure.kind === "aborted" && signal.aborted
        ? end("interrupted", "the daemon was stopped")
        : end("failed", `${reply.failure.kind}: ${reply.failure.message}`);
    }
    if (reply.content.length === 0) {
      if (sentBack) return end("incomplete", "the model said nothing");
      sentBack = true;
      continue;
    }
    messages.push({ role: "assistant", content: reply.content });
    if (reply.stopReason === "pause_turn") continue;
    if (reply.stopReason === "max_tokens") {
      return end("failed", "the model's reply was longer than it may be");
    }

    const calls = reply.content.filter((block) => block.type === "tool_use");
    const reports = calls.filter((call) => call.name === reportName);
    const others = calls.filter((call) => call.name !== reportName);
    const [only] = reports;
    if (only && reports.length === 1 && others.length === 0) {
      report = readReport(only.input, findingIds);
      if (report.problems.length === 0) return end("ok", null);
      if (sentBack)
        return end("incomplete", `the report was not whole: ${report.problems.join("; ")}`);
      sentBack = true;
      const problems = report.problems.join("; ");
      messages.push(
        refuse([only], `Not accepted: ${problems}. Call report again, with every finding.`),
      );
      continue;
    }
    if (calls.length === 0) {
      if (sentBack) return end("incomplete", "the model ended without a report");
      sentBack = true;
      const text = "End with one call of `report`, with a verdict for every finding.";
      messages.push({ role: "user", content: [{ type: "text", text }] });
      continue;
    }

    const results = await callTools(others, { runId, firstIndex: index }, dependencies);
    index += others.length;
    readUntrusted ||= others.some((call) => tools.get(call.name)?.definition.trust !== "trusted");
    const refused =
      reports.length > 0
        ? refuse(reports, "Not accepted: call report alone, after you have seen the other results.")
        : null;
    const byId = new Map(
      [...results, ...contentOf(refused)].map((result) => [result.tool_use_id, result]),
    );
    const inOrder = calls.flatMap((call) => byId.get(call.id) ?? []);
    messages.push({ role: "user", content: inOrder });
  }
  return end("incomplete", `the run did not end within ${mostSteps} steps`);
}

function refuse(
  calls: readonly ToolUseBlock[],
  reason: string,
): MessageParam & { content: ToolResultBlockParam[] } {
  return {
    role: "user",
    content: calls.map(({ id }) => ({
      type: "tool_result",
      tool_use_id: id,
      content: reason,
      is_error: true,
    })),
  };
}

const contentOf = (message: ReturnType<typeof refuse> | null) => message?.content ?? [];

async function callModel(
  runId: number,
  index: number,
  messages: readonly MessageParam[],
  added: readonly MessageParam[],
  { store, clock, model, prompt, signal }: RunDependencies,
): Promise<ModelReply> {
  const stepId = await store.beginStep({
    runId,
    index,
    kind: "model",
    name: model.name,
    startedAt: clock.now(),
    input: { messages: added },
  });
  const { system, tools } = prompt;
  const reply = await model.complete(
    { system, tools, messages: [...messages], maxTokens: replyTokens },
    { signal },
  );
  const usage = reply.usage && costOf(model.name, reply.usage);
  await store.finishStep(stepId, {
    durationMs: reply.durationMs,
    output: reply.ok ? { content: reply.content, stopReason: reply.stopReason } : null,
    error: reply.ok ? null : `${reply.failure.kind}: ${reply.failure.message}`,
    ...(usage ? { usage } : {}),
  });
  return reply;
}

/** Prompt tokens count as input whether they were written to the cache or not; read ones apart. */
function costOf(model: string, usage: ModelUsage): Usage {
  return {
    inputTokens: usage.inputTokens + usage.cacheWriteTokens,
    outputTokens: usage.outputTokens,
    cachedTokens: usage.cacheReadTokens,
    costUsd: costUsd(model, usage) ?? 0,
  };
}

/** The model's verdicts within the floor; the rules for what it did not judge. */
function judge(findings: readonly Finding[], end: ConversationEnd): JudgedFinding[] {
  return findings.map((finding) => {
    const reported = end.report?.verdicts.get(finding.id);
    if (!reported) {
      const rule = ruleVerdict(finding);
      return { finding, verdict: rule.verdict, decidedBy: "rules", why: rule.why, message: null };
    }
    const floored = floorVerdict(reported.verdict, {
      ...finding,
      runReadUntrusted: end.readUntrusted,
    });
    const why = floored.raised ? floored.why : `the model's verdict was ${reported.verdict}`;
    const decidedBy = floored.raised ? "rules" : "model";
    return { finding, verdict: floored.verdict, decidedBy, why, message: reported.message };
  });
}

function caveatOf(end: ConversationEnd): string | null {
  if (end.outcome === "ok") return null;
  return end.report
    ? "The model's report was not whole; the rules decided the rest."
    : `No model looked at this: ${end.error ?? "it failed"}. The rules decided.`;
}
