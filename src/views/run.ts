import type { RunRecord, StepRecord } from "../store/port.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** A run as JSON, on the command line and over HTTP. */
export function runView(run: RunRecord) {
  return {
    id: run.id,
    beatId: run.beatId,
    startedAt: isoTime(run.startedAt),
    finishedAt: isoTimeOrNull(run.finishedAt),
    outcome: run.outcome,
    model: run.model,
    promptVersion: run.promptVersion,
    inputTokens: run.inputTokens,
    outputTokens: run.outputTokens,
    cachedTokens: run.cachedTokens,
    costUsd: run.costUsd,
    error: run.error,
    summary: run.summary,
    findings: run.findings,
  };
}

/** One step of a run's journal as JSON. */
export function stepView(step: StepRecord) {
  return {
    index: step.index,
    kind: step.kind,
    name: step.name,
    startedAt: isoTime(step.startedAt),
    durationMs: step.durationMs,
    input: step.input,
    output: step.output,
    error: step.error,
    decision: step.decision,
    reason: step.reason,
    tokens: step.inputTokens + step.outputTokens + step.cachedTokens,
    inputTokens: step.inputTokens,
    outputTokens: step.outputTokens,
    cachedTokens: step.cachedTokens,
    costUsd: step.costUsd,
  };
}
