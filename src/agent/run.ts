import { floorVerdict, ruleVerdict } from "../domain/attention.ts";
import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { Finding } from "../domain/finding.ts";
import type { Grant } from "../domain/policy.ts";
import type { Scrub } from "../domain/scrub.ts";
import { longTermMemoryFile, readOwnerFile, standingOrdersFile } from "../memory/owner-file.ts";
import type {
  ContentBlock,
  MessageParam,
  Model,
  ModelReply,
  ToolResultBlockParam,
  ToolUseBlock,
} from "../model/port.ts";
import { composeTelling, type AttentionSettings, type JudgedFinding } from "../notify/compose.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { RunOutcome, RunRecord, StepRecord, Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { capFinding, limitFinding, stopFinding } from "./budget-findings.ts";
import { openLedger, type Budget, type Refusal, type RunLedger } from "./ledger.ts";
import { situationMessage, type Prompt } from "./prompt.ts";
import { readReport, reportName, type Report } from "./report.ts";
import { askOwner } from "./ask-owner.ts";
import { countCalls, startDeadline, type LimitReached, type RunLimits } from "./run-limits.ts";
import { callKey, callTools, effectResult } from "./tool-call.ts";
import { rebuildConversation } from "./transcript.ts";
import { replyWithoutSecrets, requestWithoutSecrets } from "./without-secrets.ts";

/** One agent conversation over the findings at hand, from the first request to verdicts in the store. */

export interface RunDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly model: Model;
  readonly prompt: Prompt;
  readonly tools: ReadonlyMap<string, LoadedTool>;
  readonly grants: readonly Grant[];
  readonly budget: Budget;
  readonly limits: RunLimits;
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

const replyTokens = 8_000;

export async function runAgent(
  findings: readonly Finding[],
  beatId: number | null,
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { store, clock, model, prompt } = dependencies;
  const id = await store.beginRun({
    beatId,
    at: clock.now(),
    model: model.name,
    promptVersion: prompt.version,
    readUntrusted: findings.some(({ trust }) => trust === "untrusted"),
    findings: findings.map(({ id: findingId, revision }) => ({ id: findingId, revision })),
  });
  return carryThrough(id, findings, null, dependencies);
}

/**
 * Goes on with a run whose process was killed, from its last complete step.
 * @param findings those of the run, in the revision that it was over
 */
export async function resumeAgent(
  run: RunRecord & { readonly steps: readonly StepRecord[] },
  findings: readonly Finding[],
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { store, tools } = dependencies;
  const foreign = (name: string) => isForeign(tools.get(name));
  const rebuilt = rebuildConversation(run.steps, foreign);
  if (!rebuilt.ok) {
    return giveUp(run.id, `it cannot be gone on with: ${rebuilt.problem}`, dependencies);
  }
  const begun = await effectsBegun(run.id, rebuilt.open, run.steps, store);
  const read = run.steps.some(({ kind, name }) => kind === "tool" && foreign(name));
  return carryThrough(
    run.id,
    findings,
    {
      messages: rebuilt.messages,
      results: [...rebuilt.results, ...begun],
      nextIndex: rebuilt.nextIndex,
      readUntrusted: run.readUntrusted || read,
    },
    dependencies,
  );
}

/** Where a conversation goes on. */
interface Resumption {
  readonly messages: readonly MessageParam[];
  /** Results of calls of the last reply that need not be made again. */
  readonly results: readonly ToolResultBlockParam[];
  readonly nextIndex: number;
  readonly readUntrusted: boolean;
}

/** A call whose effect was begun is not made again: its outcome, settled by now, is its result. */
async function effectsBegun(
  runId: number,
  open: readonly ToolUseBlock[],
  steps: readonly StepRecord[],
  store: Store,
): Promise<ToolResultBlockParam[]> {
  const results = open.map(async ({ id }) => {
    // One step for each process that came to it: a first one may have been killed before it did anything.
    for (const { index } of steps.filter(({ callId }) => callId === id)) {
      const effect = await store.getEffectByKey(callKey(runId, index, id));
      if (effect) return effectResult(id, effect);
    }
    return [];
  });
  return (await Promise.all(results)).flat();
}

async function giveUp(
  id: number,
  error: string,
  { store, clock }: RunDependencies,
): Promise<RunSummary> {
  // The findings stay pending: the next run, or the next daemon, takes them.
  const outcome = "interrupted";
  const nothing = { summary: null, verdicts: [], notifications: [] };
  await store.finishRun(id, { at: clock.now(), outcome, error, ...nothing });
  return { id, outcome, error, judged: [] };
}

async function carryThrough(
  id: number,
  findings: readonly Finding[],
  from: Resumption | null,
  dependencies: RunDependencies,
): Promise<RunSummary> {
  const { log } = dependencies;
  const ledger = openLedger(id, dependencies);
  let end: ConversationEnd;
  try {
    end = await converse(id, findings, from, ledger, dependencies);
  } catch (error) {
    log.error({ runId: id, error: describeError(error) }, "run failed");
    end = { outcome: "failed", error: describeError(error), report: null, readUntrusted: true };
  }
  if (end.outcome === "interrupted") return giveUp(id, end.error ?? "", dependencies);
  return dependencies.telling(async () => {
    // First: a process that is killed in between has rather told it than not.
    await tellBudget(end, ledger, dependencies);
    return conclude(id, findings, end, dependencies);
  });
}

/** What the owner must know of this run's money and limits, as findings of the watch's own. */
async function tellBudget(
  { limit, refusal }: ConversationEnd,
  ledger: RunLedger,
  { store, clock, budget }: RunDependencies,
): Promise<void> {
  const at = clock.now();
  const findings = [
    ...ledger.stopped.map(stopFinding),
    ...(limit ? [limitFinding(limit, budget, at)] : []),
    ...(refusal ? [capFinding(refusal, budget, at) ?? []] : []),
  ].flat();
  for (const finding of findings) await store.setOwnFinding(finding);
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
  /** The limit that ended it. */
  readonly limit?: LimitReached;
  /** The cap that ended it. */
  readonly refusal?: Refusal;
}

/** Model call, tool calls, results, and so on until a whole report, a failure or a bound. */
async function converse(
  runId: number,
  findings: readonly Finding[],
  from: Resumption | null,
  ledger: RunLedger,
  dependencies: RunDependencies,
): Promise<ConversationEnd> {
  const { store, clock, log, stateDir, attention, tools, limits, signal } = dependencies;
  const now = clock.now();
  const warn = (message: string) => log.warn({ runId }, message);
  const messages: MessageParam[] = from ? [...from.messages] : [];
  // In the journal: what was asked stands in the steps' inputs, what was replied in their outputs.
  let journalled = messages.length;
  if (messages.length === 0) {
    const situation = situationMessage({
      now,
      timezone: attention.timezone,
      standingOrders: await readOwnerFile(stateDir, standingOrdersFile, warn),
      memory: await readOwnerFile(stateDir, longTermMemoryFile, warn),
      findings,
    });
    messages.push(situation);
  }
  const findingIds = findings.map(({ id }) => id);
  let readUntrusted = from?.readUntrusted ?? findings.some(({ trust }) => trust === "untrusted");
  let known = new Map(from?.results.map((result) => [result.tool_use_id, result]));
  let report: Report | null = null;
  let sentBack = false;
  let isResumed = from !== null;
  const end = (outcome: RunOutcome, error: string | null): ConversationEnd => ({
    outcome,
    error,
    report,
    readUntrusted,
  });

  const cut = (limit: LimitReached): ConversationEnd => ({
    ...end("incomplete", limit.reason),
    limit,
  });
  const counter = countCalls(limits);
  // A run that goes on after a restart has made some of its calls already; the last reply is read below.
  for (const message of messages.slice(0, -1)) counter.take(toolCallsOf(message));
  using deadline = startDeadline(limits, { clock, signal });

  for (let index = from?.nextIndex ?? 0; index < limits.stepsPerRun;) {
    if (signal.aborted) return end("interrupted", "the daemon was stopped");
    if (await store.pausedAt(clock.now())) return end("interrupted", "watchkeeper is paused");
    const late = deadline.reached();
    if (late) return cut(late);
    const replied = isResumed ? lastReply(messages) : null;
    isResumed = false;
    const reply =
      replied ??
      (await callModel({ runId, index, messages, added: messages.slice(journalled) }, ledger, {
        ...dependencies,
        signal: deadline.signal,
      }));
    if (!replied) index += 1;
    if (!reply.ok) {
      const over = reply.failure.kind === "aborted" ? deadline.reached() : null;
      if (over) return cut(over);
      if (reply.failure.kind === "over-budget") {
        const refusal = ledger.refusal;
        const reason = refusal?.reason ?? reply.failure.message;
        return { ...end("over-budget", reason), ...(refusal ? { refusal } : {}) };
      }
      return reply.failure.kind === "aborted" && signal.aborted
        ? end("interrupted", "the daemon was stopped")
        : end("failed", `${reply.failure.kind}: ${reply.failure.message}`);
    }
    if (reply.content.length === 0) {
      if (sentBack) return end("incomplete", "the model said nothing");
      sentBack = true;
      continue;
    }
    if (!replied) messages.push({ role: "assistant", content: reply.content });
    journalled = messages.length;
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

    const past = counter.take(others);
    if (past) return cut(past);
    const fresh = others.filter(({ id }) => !known.has(id));
    const results = await callTools(
      fresh,
      { runId, firstIndex: index, readUntrusted },
      {
        ...dependencies,
        signal: deadline.signal,
        timezone: attention.timezone,
        askOwner: (id) => askOwner(id, dependencies),
      },
    );
    index += fresh.length;
    if (!readUntrusted && others.some((call) => isForeign(tools.get(call.name)))) {
      readUntrusted = true;
      await store.noteUntrusted(runId);
    }
    const refused =
      reports.length > 0
        ? refuse(reports, "Not accepted: call report alone, after you have seen the other results.")
        : null;
    const byId = new Map(
      [...known.values(), ...results, ...contentOf(refused)].map((result) => [
        result.tool_use_id,
        result,
      ]),
    );
    const inOrder = calls.flatMap((call) => byId.get(call.id) ?? []);
    messages.push({ role: "user", content: inOrder });
    known = new Map();
  }
  const reason = `the run did not end within ${limits.stepsPerRun} steps`;
  return cut({ limit: "stepsPerRun", reason });
}

/** The reply that a resumed conversation ends with, whose calls were not all made. */
function lastReply(messages: readonly MessageParam[]) {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || typeof last.content === "string") return null;
  return { ok: true, content: last.content as ContentBlock[], stopReason: "tool_use" } as const;
}

const toolCallsOf = ({ content }: MessageParam) =>
  typeof content === "string"
    ? []
    : content.flatMap((block) =>
        block.type === "tool_use" && block.name !== reportName ? [block] : [],
      );

const isForeign = (tool: LoadedTool | undefined): boolean => tool?.definition.trust !== "trusted";

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

interface ModelCall {
  readonly runId: number;
  readonly index: number;
  readonly messages: readonly MessageParam[];
  /** Those of the messages that are not in the journal yet. */
  readonly added: readonly MessageParam[];
}

async function callModel(
  { runId, index, messages, added }: ModelCall,
  ledger: RunLedger,
  { store, clock, model, prompt, scrub, signal }: RunDependencies,
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
  const request = { system, tools, messages: [...messages], maxTokens: replyTokens };
  const replied = await model.complete(requestWithoutSecrets(request, scrub), { signal, ledger });
  const reply = replied.ok
    ? { ...replied, content: replyWithoutSecrets(replied.content, scrub) }
    : { ...replied, failure: { ...replied.failure, message: scrub(replied.failure.message) } };
  await store.finishStep(stepId, {
    durationMs: reply.durationMs,
    output: reply.ok ? { content: reply.content, stopReason: reply.stopReason } : null,
    error: reply.ok ? null : `${reply.failure.kind}: ${reply.failure.message}`,
    usage: ledger.takeSettled(),
  });
  return reply;
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
