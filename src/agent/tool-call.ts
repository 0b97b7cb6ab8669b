import { createHash } from "node:crypto";
import pLimit from "p-limit";
import { callHash, canonicalJson } from "../domain/canonical.ts";
import type { Clock } from "../domain/clock.ts";
import { describeError } from "../domain/errors.ts";
import type { Trust } from "../domain/finding.ts";
import { plainText } from "../domain/plain-text.ts";
import { decideToolCall, type Decision, type Grant } from "../domain/policy.ts";
import type { Scrub } from "../domain/scrub.ts";
import { startOf } from "../domain/zoned-time.ts";
import { approvalLifeMs } from "../effects/approve.ts";
import { contain, type CallOrigin } from "../effects/contained.ts";
import { factsToKeep, grantUsesToday, lookUpFacts, type Facts } from "../effects/facts.ts";
import { effectOf, refit } from "../effects/fit.ts";
import { performEffect } from "../effects/perform.ts";
import type { ToolResultBlockParam, ToolUseBlock } from "../model/port.ts";
import type { ToolEffect } from "../skills/define.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { EffectRecord, Store } from "../store/port.ts";
import type { Log } from "../telemetry/log.ts";
import { escapeXml } from "./escape-xml.ts";
import { whyWithheld } from "./without-secrets.ts";

/** Tool calls, contained: validated, decided by policy, bounded in time and size; every end is a result. */

export interface ToolCallDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly tools: ReadonlyMap<string, LoadedTool>;
  readonly grants: readonly Grant[];
  readonly timezone: string;
  readonly signal: AbortSignal;
  /** Takes secrets out of what a tool returns or throws. */
  readonly scrub: Scrub;
  /** Tells the owner, once, that an approval waits for their word. */
  readonly askOwner: (approvalId: number) => Promise<void>;
}

/** Where in a run the calls of one reply stand. */
export interface CallPlace {
  readonly runId: number;
  readonly firstIndex: number;
  /** Whether the run had read what a stranger could have written when the reply was made. */
  readonly readUntrusted: boolean;
  /** What earlier runs over the same findings did before they were given up. */
  readonly earlier: readonly EffectRecord[];
}

const longestResult = 20_000;
const concurrentCalls = 4;

export interface CalledTools {
  /** In the order of the calls. */
  readonly results: readonly ToolResultBlockParam[];
  /** Of all results together. */
  readonly trust: Trust;
}

/** Carries out the calls of one reply side by side, each as a step of the journal. */
export async function callTools(
  calls: readonly ToolUseBlock[],
  { firstIndex, ...place }: CallPlace,
  dependencies: ToolCallDependencies,
): Promise<CalledTools> {
  const limit = pLimit(concurrentCalls);
  const ends = await Promise.all(
    calls.map((call, offset) =>
      limit(() => callTool(call, { ...place, index: firstIndex + offset }, dependencies)),
    ),
  );
  return {
    results: ends.map(({ result }) => result),
    trust: ends.some(({ trust }) => trust === "untrusted") ? "untrusted" : "trusted",
  };
}

interface StepPlace extends Omit<CallPlace, "firstIndex"> {
  readonly index: number;
}

/** What a call came to: text for the model and the journal. */
interface CallEnd {
  readonly output: string | null;
  readonly error: string | null;
  /** Of the text. */
  readonly trust: Trust;
}

const refusal = (error: string): CallEnd => ({ output: null, error, trust: "trusted" });

async function callTool(
  call: ToolUseBlock,
  place: StepPlace,
  dependencies: ToolCallDependencies,
): Promise<{ readonly result: ToolResultBlockParam; readonly trust: Trust }> {
  const { store, clock, tools } = dependencies;
  const startedAt = clock.now();
  const ready = prepare(tools.get(call.name), call);
  const key = callKey(place.runId, place.index, call.id);
  const done = ready.ok ? alreadyDone(ready, place) : undefined;
  const decided: Decided = !ready.ok
    ? { decision: "deny", reason: ready.problem, grant: null }
    : (done ?? (await decide(ready, key, place, dependencies)));
  const { decision, reason, grant } = decided;
  const stepId = await store.beginStep({
    runId: place.runId,
    index: place.index,
    kind: "tool",
    name: call.name,
    callId: call.id,
    startedAt,
    input: call.input,
    decision,
    reason,
  });
  let end: CallEnd;
  if (!ready.ok || decision === "deny") end = refusal(reason);
  else if (decision === "ask") end = await ask(ready, decided, { ...place, key }, dependencies);
  else if (ready.effect === "read") end = await read(ready, originOf(place, key), dependencies);
  else end = await act(ready, { ...place, stepId, key, grant }, dependencies);
  const { output, error, trust } = end;
  await store.finishStep(stepId, {
    durationMs: Math.max(0, clock.now() - startedAt),
    output,
    error,
    trust,
  });
  const text = error ?? output ?? "";
  return { result: toolResult(call.id, { text, isError: error !== null, trust }), trust };
}

/** What a tool says of the trust of its result; what cannot be told is untrusted. */
function trustOf({ definition }: LoadedTool, result: unknown): Trust {
  const { trust } = definition;
  if (typeof trust !== "function") return trust ?? "untrusted";
  try {
    return trust(result) === "trusted" ? "trusted" : "untrusted";
  } catch {
    return "untrusted";
  }
}

/** Of what a tool threw: nobody can tell it from a result. */
const trustOfError = ({ definition }: LoadedTool): Trust =>
  definition.trust === "trusted" ? "trusted" : "untrusted";

/** The result of a call as the model is shown it. */
export function toolResult(
  callId: string,
  { text, isError, trust }: { text: string; isError: boolean; trust: Trust },
): ToolResultBlockParam {
  return {
    type: "tool_result",
    tool_use_id: callId,
    content: trust === "untrusted" ? fenceResult(text) : text,
    ...(isError ? { is_error: true } : {}),
  };
}

/** The idempotency key of a call: the same for every attempt at it. */
export const callKey = (runId: number, index: number, callId: string): string =>
  createHash("sha256").update(`${runId}/${index}/${callId}`).digest("hex").slice(0, 32);

/** The outcome of an effect as the result of the call that caused it. */
export function effectResult(
  callId: string,
  effect: EffectRecord,
  tool: LoadedTool | undefined,
): { readonly result: ToolResultBlockParam; readonly trust: Trust } {
  const { id, state, error, result } = effect;
  const isDone = state === "done" && error === null;
  const text = isDone
    ? `effect ${id} done: ${resultText(result)}`
    : `effect ${id} ${state}: ${error ?? "nothing is known of it"}`;
  const trust = !tool ? "untrusted" : isDone ? trustOf(tool, result) : trustOfError(tool);
  return { result: toolResult(callId, { text, isError: !isDone, trust }), trust };
}

interface Decided extends Decision {
  /** Absent when the decision did not hang on them. */
  readonly known?: Facts | undefined;
}

async function decide(
  { tool, input, effect }: Ready,
  key: string,
  place: StepPlace,
  { store, clock, grants, timezone, scrub, signal, log }: ToolCallDependencies,
): Promise<Decided> {
  const { definition } = tool;
  const mine = grants.filter((grant) => grant.tool === tool.name);
  const known =
    mine.length > 0
      ? await lookUpFacts(tool, input, originOf(place, key), { clock, scrub, signal })
      : undefined;
  if (known && known.error !== null) {
    log.warn({ tool: tool.name, error: known.error }, "the facts of a call are not known");
  }
  const decision = decideToolCall({
    tool: tool.name,
    effect,
    harmless: definition.harmless === true,
    alwaysAsked: tool.asked !== undefined,
    arguments: input,
    facts: known ? known.facts : {},
    runReadUntrusted: place.readUntrusted,
    grants: mine,
    usedToday: await grantUsesToday(mine, { store, now: clock.now(), timezone }),
  });
  return { ...decision, known };
}

/**
 * A run that was given up may have done this very thing about these very findings: the one that took them over
 * does not know, and must not do it twice.
 */
function alreadyDone({ tool, input, effect }: Ready, { earlier }: StepPlace): Decision | undefined {
  if (effect === "read") return undefined;
  const wanted = canonicalJson(input);
  const done = earlier.find(
    (each) => each.tool === tool.name && canonicalJson(each.arguments) === wanted,
  );
  if (!done) return undefined;
  const { id, runId, state } = done;
  const how =
    state === "done" ? "has done this already" : "has begun this, and its outcome is not known";
  const reason = `not done again: run ${runId ?? "?"} ${how} (effect ${id}), then it was given up`;
  return { decision: "deny", reason, grant: null };
}

const originOf = ({ runId, readUntrusted }: StepPlace, idempotencyKey: string): CallOrigin => ({
  idempotencyKey,
  trust: readUntrusted ? "untrusted" : "trusted",
  runId,
});

async function read(
  { tool, input }: Ready,
  origin: CallOrigin,
  { store, clock, signal, scrub }: ToolCallDependencies,
): Promise<CallEnd> {
  const end = await contain(tool, origin, { store, clock, scrub, signal }, async (context) => {
    const result: unknown = await tool.definition.run(input, context);
    return { text: resultText(result, scrub), trust: trustOf(tool, result) };
  });
  if (end.kind !== "returned") {
    return { output: null, error: end.error, trust: trustOfError(tool) };
  }
  const { text, trust } = end.result as { text: string; trust: Trust };
  return { output: text, error: null, trust };
}

async function act(
  { tool, input, effect }: Ready,
  {
    runId,
    stepId,
    key,
    grant,
    readUntrusted,
  }: StepPlace & { stepId: number; key: string; grant: Grant | null },
  dependencies: ToolCallDependencies,
): Promise<CallEnd> {
  const { clock, timezone } = dependencies;
  const end = await performEffect(
    {
      tool,
      input,
      effect,
      trust: readUntrusted ? "untrusted" : "trusted",
      runId,
      stepId,
      approvalId: null,
      idempotencyKey: key,
      grant: grant && { grant, since: startOf("day", clock.now(), timezone) },
    },
    dependencies,
  );
  if (end.state === "refused") return refusal(end.reason);
  if (end.state !== "done" || end.error !== null) {
    const error = `effect ${end.id} ${end.state}: ${end.error ?? ""}`;
    return { output: null, error, trust: trustOfError(tool) };
  }
  return {
    output: `effect ${end.id} done: ${resultText(end.result)}`,
    error: null,
    trust: trustOf(tool, end.result),
  };
}

/** The owner is asked; the call is carried out, as it is now, only after their word. */
async function ask(
  { tool, input: given, effect }: Ready,
  { reason, known }: Decided,
  { key, ...place }: StepPlace & { key: string },
  dependencies: ToolCallDependencies,
): Promise<CallEnd> {
  const { store, clock, grants, askOwner, scrub, signal } = dependencies;
  const { runId, readUntrusted } = place;
  const unfit = (problem: string) =>
    refusal(`Not done, and the owner cannot be asked: ${problem}.`);
  let input = given;
  const { asked } = tool;
  if (asked) {
    const shown = await contain(tool, originOf(place, key), dependencies, () => asked.shown(given));
    if (shown.kind !== "returned") return unfit(shown.error);
    input = shown.result;
  }
  const fitted = refit(tool, input);
  if (!fitted.ok) return unfit(fitted.problem);
  const facts = await factsToKeep({ tool, input, known }, originOf(place, key), {
    ...{ clock, scrub, signal },
  });
  const call = { tool: tool.name, version: tool.version, arguments: input };
  const at = clock.now();
  const { id, status } = await store.addApproval({
    runId,
    tool: tool.name,
    toolVersion: tool.version,
    arguments: input,
    argumentsHash: callHash(call),
    effect,
    facts,
    trust: readUntrusted ? "untrusted" : "trusted",
    reason,
    createdAt: at,
    expiresAt: at + approvalLifeMs,
  });
  if (status !== "pending") {
    return refusal(
      `It was asked for in this run already, as approval ${id}, which is ${status}. Go on without it.`,
    );
  }
  await askOwner(id);
  // Why a grant does not fit quotes what was looked up, which a stranger may have written.
  const because = grants.some((grant) => grant.tool === tool.name) ? "no grant fits it" : reason;
  return refusal(
    `Not done. It waits for the owner's word as approval ${id}: ${because}. Go on without it.`,
  );
}

/** What came from outside stands in a fence that it cannot close, as in the findings. */
function fenceResult(text: string): string {
  let shown = text;
  // Escaping may make it six times as long.
  while (escapeXml(shown).length > 1.5 * longestResult) shown = shown.slice(0, shown.length / 2);
  const cut = shown.length < text.length ? "\n(cut: ask for less)" : "";
  return `<result trust="untrusted">${escapeXml(shown.toWellFormed())}${cut}</result>`;
}

interface Ready {
  readonly ok: true;
  readonly tool: LoadedTool;
  readonly input: unknown;
  readonly effect: ToolEffect;
}

type Prepared = Ready | { readonly ok: false; readonly problem: string };

function prepare(tool: LoadedTool | undefined, call: ToolUseBlock): Prepared {
  const withheld = whyWithheld(call.input);
  if (withheld !== undefined) return { ok: false, problem: withheld };
  if (!tool) return { ok: false, problem: `there is no tool "${call.name}"` };
  try {
    const parsed = (tool.asked?.input ?? tool.definition.input).safeParse(call.input);
    if (!parsed.success) {
      const issues = parsed.error.issues.slice(0, 5);
      const problems = issues.map(
        (issue) => `${issue.path.join(".") || "input"}: ${issue.message}`,
      );
      return { ok: false, problem: `the input does not fit: ${problems.join("; ")}` };
    }
    const input: unknown = parsed.data;
    const effect = effectOf(tool, input);
    // What cannot be written down can be neither shown nor put on record.
    if (effect !== "read") canonicalJson(input);
    return { ok: true, tool, input, effect };
  } catch (error) {
    return { ok: false, problem: `the input could not be checked: ${describeError(error)}` };
  }
}

function resultText(result: unknown, scrub: Scrub = (text) => text): string {
  // Before it is cut: half a secret would not be known for one.
  const text = scrub(typeof result === "string" ? result : (JSON.stringify(result) ?? "done"));
  if (text.length <= longestResult) return plainText(text, longestResult);
  const left = text.length - longestResult;
  return `${plainText(text, longestResult)}\n(cut: ${left} more characters; ask for less)`;
}
