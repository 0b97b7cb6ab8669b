import { createHash } from "node:crypto";
import pLimit from "p-limit";
import type { Clock } from "../domain/clock.ts";
import { formatDuration } from "../domain/duration.ts";
import { describeError } from "../domain/errors.ts";
import { linkedAbort } from "../domain/linked-abort.ts";
import { plainText } from "../domain/plain-text.ts";
import { decideToolCall } from "../domain/policy.ts";
import type { Scrub } from "../domain/scrub.ts";
import type { ToolResultBlockParam, ToolUseBlock } from "../model/port.ts";
import type { ToolEffect } from "../skills/define.ts";
import type { LoadedTool } from "../skills/load.ts";
import type { Store } from "../store/port.ts";
import { escapeXml } from "./prompt.ts";

/** Tool calls, contained: validated, decided by policy, bounded in time and size; every end is a result. */

export interface ToolCallDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly tools: ReadonlyMap<string, LoadedTool>;
  readonly signal: AbortSignal;
  /** Takes secrets out of what a tool returns or throws. */
  readonly scrub: Scrub;
}

const longestResult = 20_000;
const concurrentCalls = 4;

/**
 * Carries out the calls of one reply side by side, each as a step of the journal.
 * @returns the results in the order of the calls
 */
export async function callTools(
  calls: readonly ToolUseBlock[],
  at: { readonly runId: number; readonly firstIndex: number },
  dependencies: ToolCallDependencies,
): Promise<ToolResultBlockParam[]> {
  const limit = pLimit(concurrentCalls);
  return Promise.all(
    calls.map((call, offset) =>
      limit(() => callTool(call, { runId: at.runId, index: at.firstIndex + offset }, dependencies)),
    ),
  );
}

async function callTool(
  call: ToolUseBlock,
  { runId, index }: { readonly runId: number; readonly index: number },
  { store, clock, tools, signal, scrub }: ToolCallDependencies,
): Promise<ToolResultBlockParam> {
  const startedAt = clock.now();
  const tool = tools.get(call.name);
  const ready = prepare(tool, call);
  const decision = ready.ok
    ? decideToolCall(ready.effect)
    : { decision: "deny" as const, reason: ready.problem };
  const stepId = await store.beginStep({
    runId,
    index,
    kind: "tool",
    name: call.name,
    startedAt,
    input: call.input,
    ...decision,
  });
  let end: { output: string | null; error: string | null };
  let show = (text: string): string => text;
  if (!ready.ok || decision.decision !== "allow") end = { output: null, error: decision.reason };
  else {
    const key = createHash("sha256")
      .update(`${runId}/${index}/${call.id}`)
      .digest("hex")
      .slice(0, 32);
    const ended = await execute(ready.tool, ready.input, { clock, signal, idempotencyKey: key });
    end = {
      output: ended.output === null ? null : scrub(ended.output),
      error: ended.error === null ? null : scrub(ended.error),
    };
    if (ready.tool.definition.trust !== "trusted") show = fenceResult;
  }
  await store.finishStep(stepId, { durationMs: Math.max(0, clock.now() - startedAt), ...end });
  return {
    type: "tool_result",
    tool_use_id: call.id,
    content: show(end.error ?? end.output ?? ""),
    ...(end.error === null ? {} : { is_error: true }),
  };
}

/** What came from outside stands in a fence that it cannot close, as in the findings. */
function fenceResult(text: string): string {
  let shown = text;
  // Escaping may make it six times as long.
  while (escapeXml(shown).length > 1.5 * longestResult) shown = shown.slice(0, shown.length / 2);
  const cut = shown.length < text.length ? "\n(cut: ask for less)" : "";
  return `<result trust="untrusted">${escapeXml(shown.toWellFormed())}${cut}</result>`;
}

type Prepared =
  | {
      readonly ok: true;
      readonly tool: LoadedTool;
      readonly input: unknown;
      readonly effect: ToolEffect;
    }
  | { readonly ok: false; readonly problem: string };

function prepare(tool: LoadedTool | undefined, call: ToolUseBlock): Prepared {
  if (!tool) return { ok: false, problem: `there is no tool "${call.name}"` };
  try {
    const parsed = tool.definition.input.safeParse(call.input);
    if (!parsed.success) {
      const issues = parsed.error.issues.slice(0, 5);
      const problems = issues.map(
        (issue) => `${issue.path.join(".") || "input"}: ${issue.message}`,
      );
      return { ok: false, problem: `the input does not fit: ${problems.join("; ")}` };
    }
    const { effect } = tool.definition;
    const input: unknown = parsed.data;
    return { ok: true, tool, input, effect: typeof effect === "function" ? effect(input) : effect };
  } catch (error) {
    return { ok: false, problem: `the input could not be checked: ${describeError(error)}` };
  }
}

async function execute(
  tool: LoadedTool,
  input: unknown,
  { clock, signal, idempotencyKey }: { clock: Clock; signal: AbortSignal; idempotencyKey: string },
): Promise<{ output: string | null; error: string | null }> {
  using running = linkedAbort(signal);
  using timer = linkedAbort(signal);
  const context = {
    signal: running.signal,
    idempotencyKey,
    now: new Date(clock.now()),
    log: tool.log,
  };
  const result = start(tool, input, context)
    .then(resultText)
    .then(
      (output) => ({ output, error: null }),
      (error: unknown) => ({ output: null, error: describeError(error) }),
    );
  const ended = await Promise.race([
    result,
    clock.sleep(tool.timeoutMs, timer.signal).then(() => ({
      output: null,
      error: signal.aborted
        ? "the run was stopped"
        : `took longer than ${formatDuration(tool.timeoutMs)}; nothing is known of it`,
    })),
  ]);
  timer.abort();
  running.abort();
  return ended;
}

async function start(
  tool: LoadedTool,
  input: unknown,
  context: Parameters<LoadedTool["definition"]["run"]>[1],
): Promise<unknown> {
  return tool.definition.run(input, context) as Promise<unknown>;
}

function resultText(result: unknown): string {
  const text = typeof result === "string" ? result : (JSON.stringify(result) ?? "done");
  if (text.length <= longestResult) return plainText(text, longestResult);
  const left = text.length - longestResult;
  return `${plainText(text, longestResult)}\n(cut: ${left} more characters; ask for less)`;
}
