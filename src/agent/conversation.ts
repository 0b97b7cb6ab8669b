import type { AttentionSettings } from "../notify/attention-settings.ts";
import type { Clock } from "../domain/clock.ts";
import type { Finding } from "../domain/finding.ts";
import { longTermMemoryFile, readOwnerFile, standingOrdersFile } from "../memory/owner-file.ts";
import { recallNotes } from "../memory/recall.ts";
import type {
  ContentBlock,
  MessageParam,
  Model,
  ModelReply,
  ToolResultBlockParam,
  ToolUseBlock,
} from "../model/port.ts";
import type { EffectRecord, RunOutcome, Store } from "../store/port.ts";
import { askOwner, type AskDependencies } from "./ask-owner.ts";
import { checkClaims } from "./claimed-effects.ts";
import type { Refusal, RunLedger } from "./ledger.ts";
import { situationMessage, type Prompt } from "./prompt.ts";
import { fittingNotes } from "./recalled-notes.ts";
import { recentAffairs } from "./recent-affairs.ts";
import {
  cachedMessages,
  cachedPrefix,
  cacheLifetime,
  runsLookedBackAt,
  type CacheLifetime,
} from "./prompt-cache.ts";
import { readReport, reportName, type Report } from "./report.ts";
import type { Resumption } from "./resumption.ts";
import {
  countCalls,
  startDeadline,
  type CallCounter,
  type Deadline,
  type LimitReached,
  type RunLimits,
} from "./run-limits.ts";
import { callTools, type ToolCallDependencies } from "./tool-call.ts";
import { replyWithoutSecrets, requestWithoutSecrets } from "./without-secrets.ts";

/** Model call, tool calls, results, and so on until a whole report, a failure or a bound. */

export interface ConversationDependencies
  extends Omit<ToolCallDependencies, "askOwner" | "timezone">, AskDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly model: Model;
  readonly prompt: Prompt;
  readonly limits: RunLimits;
  readonly stateDir: string;
  readonly attention: AttentionSettings;
}

export interface ConversationEnd {
  readonly outcome: RunOutcome;
  readonly error: string | null;
  readonly report: Report | null;
  readonly readUntrusted: boolean;
  /** The limit that ended it. */
  readonly limit?: LimitReached;
  /** The cap that ended it. */
  readonly refusal?: Refusal;
}

const replyTokens = 8_000;

/** What a conversation is over. */
export interface Subject {
  readonly runId: number;
  readonly findings: readonly Finding[];
  /** What earlier runs over the same findings did before they were given up. */
  readonly earlier: readonly EffectRecord[];
}

/** A conversation as far as it has come. */
interface Talk extends Subject {
  readonly messages: MessageParam[];
  /** How many of the messages stand in the journal: as inputs of steps what was asked, as outputs what was replied. */
  journalled: number;
  /** Where the next step stands. */
  index: number;
  readUntrusted: boolean;
  report: Report | null;
  /** Something was wrong and was said once; the second time ends it. */
  sentBack: boolean;
  /** Results of calls that need not be made again. */
  known: ReadonlyMap<string, ToolResultBlockParam>;
  readonly lifetime: CacheLifetime;
  readonly ledger: RunLedger;
  readonly counter: CallCounter;
  readonly deadline: Deadline;
}

type Ending = Omit<ConversationEnd, "report" | "readUntrusted">;
const ending = (outcome: RunOutcome, error: string | null): Ending => ({ outcome, error });
const cut = (limit: LimitReached): Ending => ({
  outcome: "incomplete",
  error: limit.reason,
  limit,
});

/** @param from where the conversation of a killed process goes on; null for a new one */
export async function converse(
  subject: Subject,
  from: Resumption | null,
  ledger: RunLedger,
  dependencies: ConversationDependencies,
): Promise<ConversationEnd> {
  const { limits } = dependencies;
  const recent = await dependencies.store.listRuns({ limit: runsLookedBackAt });
  using deadline = startDeadline(limits, dependencies);
  const talk: Talk = {
    ...subject,
    messages: from ? [...from.messages] : [],
    journalled: from?.messages.length ?? 0,
    index: from?.nextIndex ?? 0,
    // Also when it is gone on with: a finding may be another one by now than when the run began.
    readUntrusted:
      from?.readUntrusted === true || subject.findings.some(({ trust }) => trust === "untrusted"),
    report: null,
    sentBack: false,
    known: new Map(from?.results.map((result) => [result.tool_use_id, result])),
    lifetime: cacheLifetime(recent.map(({ startedAt }) => startedAt)),
    ledger,
    counter: countCalls(limits),
    deadline,
  };
  if (talk.messages.length === 0) await begin(talk, dependencies);
  // A run that goes on after a restart has made some of its calls already; the last reply is read below.
  for (const message of talk.messages.slice(0, -1)) talk.counter.take(toolCallsOf(message));

  let replied = from ? lastReply(talk.messages) : null;
  let end: Ending | null = null;
  while (!end) {
    end = (await whyStop(talk, replied === null, dependencies)) ?? null;
    if (end) break;
    const reply = replied ?? (await askModel(talk, dependencies));
    end = reply.ok
      ? await answer(talk, reply, replied !== null, dependencies)
      : failed(talk, reply, dependencies);
    replied = null;
  }
  return { ...end, report: talk.report, readUntrusted: talk.readUntrusted };
}

/** Puts the situation at hand before the model, as one message that the journal keeps. */
async function begin(talk: Talk, dependencies: ConversationDependencies): Promise<void> {
  const { store, clock, attention, stateDir, log } = dependencies;
  const { findings, earlier } = talk;
  const now = clock.now();
  const warn = (message: string) => log.warn({}, message);
  const isUntrusted = talk.readUntrusted;
  const notes = fittingNotes(await recallNotes(findings, { store, now, isUntrusted }));
  await noteTrust(
    talk,
    notes.every(({ trust }) => trust === "trusted"),
    store,
  );
  const situation = {
    now,
    timezone: attention.timezone,
    standingOrders: await readOwnerFile(stateDir, standingOrdersFile, warn),
    memory: await readOwnerFile(stateDir, longTermMemoryFile, warn),
    notes,
    ...(await recentAffairs(findings, store)),
    earlier,
    findings,
  };
  talk.messages.push(situationMessage(situation));
}

/** What a run has read, it has read: the label is saved before anything that follows from it. */
async function noteTrust(talk: Talk, isTrusted: boolean, store: Store): Promise<void> {
  if (talk.readUntrusted || isTrusted) return;
  talk.readUntrusted = true;
  await store.noteUntrusted(talk.runId);
}

/** What keeps a run from another step, whatever the model wants. */
async function whyStop(
  { index, deadline }: Talk,
  isStep: boolean,
  { store, clock, limits, signal }: ConversationDependencies,
): Promise<Ending | undefined> {
  if (signal.aborted) return ending("interrupted", "the daemon was stopped");
  if (await store.pausedAt(clock.now())) return ending("interrupted", "watchkeeper is paused");
  const late = deadline.reached();
  if (late) return cut(late);
  // The reply that a killed process has paid for is heard, as it would have been there.
  if (!isStep || index < limits.stepsPerRun) return undefined;
  const reason = `the run did not end within ${limits.stepsPerRun} steps`;
  return cut({ limit: "stepsPerRun", reason });
}

function failed(
  { deadline, ledger }: Talk,
  { failure }: ModelReply & { ok: false },
  { signal }: ConversationDependencies,
): Ending {
  if (failure.kind === "over-budget") {
    const { refusal } = ledger;
    const end = ending("over-budget", refusal?.reason ?? failure.message);
    return refusal ? { ...end, refusal } : end;
  }
  if (failure.kind === "aborted") {
    const late = deadline.reached();
    if (late) return cut(late);
    if (signal.aborted) return ending("interrupted", "the daemon was stopped");
  }
  return ending("failed", `${failure.kind}: ${failure.message}`);
}

type Reply = Pick<ModelReply & { ok: true }, "content" | "stopReason">;

/** Takes a reply in and answers it. @returns the end of the conversation, or null when it goes on */
async function answer(
  talk: Talk,
  { content, stopReason }: Reply,
  isKnown: boolean,
  dependencies: ConversationDependencies,
): Promise<Ending | null> {
  if (content.length === 0) return sendBack(talk, null, "the model said nothing");
  if (!isKnown) talk.messages.push({ role: "assistant", content });
  talk.journalled = talk.messages.length;
  if (stopReason === "max_tokens") {
    return ending("failed", "the model's reply was longer than it may be");
  }
  if (stopReason === "pause_turn") {
    talk.messages.push(said("Go on."));
    return null;
  }
  const calls = content.filter((block) => block.type === "tool_use");
  const reports = calls.filter(({ name }) => name === reportName);
  const others = calls.filter(({ name }) => name !== reportName);
  const [only] = reports;
  if (only && reports.length === 1 && others.length === 0)
    return takeReport(talk, only, dependencies);
  if (calls.length === 0) {
    const text = "End with one call of `report`, with a verdict for every finding.";
    return sendBack(talk, said(text), "the model ended without a report");
  }
  const past = talk.counter.take(others);
  if (past) return cut(past);
  await carryOutCalls(talk, { calls, reports, others }, dependencies);
  return null;
}

/** Once is a slip; the second time ends the run. */
function sendBack(talk: Talk, message: MessageParam | null, problem: string): Ending | null {
  if (talk.sentBack) return ending("incomplete", problem);
  talk.sentBack = true;
  if (message) talk.messages.push(message);
  return null;
}

async function takeReport(
  talk: Talk,
  call: ToolUseBlock,
  { store }: ConversationDependencies,
): Promise<Ending | null> {
  const findingIds = talk.findings.map(({ id }) => id);
  const report = await checkClaims(readReport(call.input, findingIds), talk.runId, store);
  talk.report = report;
  if (report.problems.length === 0) return ending("ok", null);
  const problems = report.problems.join("; ");
  const text = `Not accepted: ${problems}. Call report again, with every finding.`;
  return sendBack(talk, refuse([call], text), `the report was not whole: ${problems}`);
}

async function carryOutCalls(
  talk: Talk,
  { calls, reports, others }: Record<"calls" | "reports" | "others", readonly ToolUseBlock[]>,
  dependencies: ConversationDependencies,
): Promise<void> {
  const { store, attention } = dependencies;
  const { runId, index: firstIndex, readUntrusted, earlier, known } = talk;
  const fresh = others.filter(({ id }) => !known.has(id));
  const { results, trust } = await callTools(
    fresh,
    { runId, firstIndex, readUntrusted, earlier },
    {
      ...dependencies,
      signal: talk.deadline.signal,
      timezone: attention.timezone,
      askOwner: (id) => askOwner(id, dependencies),
    },
  );
  talk.index += fresh.length;
  await noteTrust(talk, trust === "trusted", store);
  const tooEarly = "Not accepted: call report alone, after you have seen the other results.";
  const refused = reports.length > 0 ? contentOf(refuse(reports, tooEarly)) : [];
  const byId = new Map(
    [...known.values(), ...results, ...refused].map((result) => [result.tool_use_id, result]),
  );
  talk.messages.push({ role: "user", content: calls.flatMap(({ id }) => byId.get(id) ?? []) });
  talk.known = new Map();
}

async function askModel(
  talk: Talk,
  { store, clock, model, prompt, scrub }: ConversationDependencies,
): Promise<ModelReply> {
  const { runId, index, messages, journalled, ledger, deadline } = talk;
  const stepId = await store.beginStep({
    runId,
    index,
    kind: "model",
    name: model.name,
    startedAt: clock.now(),
    input: { messages: messages.slice(journalled) },
  });
  const request = {
    ...cachedPrefix(prompt, talk.lifetime),
    messages: cachedMessages(messages),
    maxTokens: replyTokens,
  };
  const replied = await model.complete(requestWithoutSecrets(request, scrub), {
    signal: deadline.signal,
    ledger,
  });
  const reply = replied.ok
    ? { ...replied, content: replyWithoutSecrets(replied.content, scrub) }
    : { ...replied, failure: { ...replied.failure, message: scrub(replied.failure.message) } };
  await store.finishStep(stepId, {
    durationMs: reply.durationMs,
    output: reply.ok ? { content: reply.content, stopReason: reply.stopReason } : null,
    error: reply.ok ? null : `${reply.failure.kind}: ${reply.failure.message}`,
    usage: ledger.takeSettled(),
  });
  talk.index += 1;
  return reply;
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

const said = (text: string): MessageParam => ({ role: "user", content: [{ type: "text", text }] });

const refuse = (calls: readonly ToolUseBlock[], reason: string) => ({
  role: "user" as const,
  content: calls.map(({ id }): ToolResultBlockParam => ({
    type: "tool_result",
    tool_use_id: id,
    content: reason,
    is_error: true,
  })),
});

const contentOf = ({ content }: ReturnType<typeof refuse>) => content;
