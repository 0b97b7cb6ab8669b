import type { ApprovalRecord, EffectRecord } from "../store/port.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** An approval as JSON, on the command line and over HTTP. */
export function approvalView(approval: ApprovalRecord) {
  return {
    id: approval.id,
    tool: approval.tool,
    arguments: approval.arguments,
    argumentsHash: approval.argumentsHash,
    effect: approval.effect,
    facts: approval.facts,
    editedFrom: approval.editedFrom,
    trust: approval.trust,
    reason: approval.reason,
    status: approval.status,
    note: approval.note,
    createdAt: isoTime(approval.createdAt),
    expiresAt: isoTime(approval.expiresAt),
    decidedAt: isoTimeOrNull(approval.decidedAt),
    runId: approval.runId,
    effectId: approval.effectId,
  };
}

/** With what came of it; null as long as nothing was begun. */
export const approvalWithOutcome = (
  approval: ApprovalRecord,
  effect: EffectRecord | undefined,
) => ({ ...approvalView(approval), outcome: effect ? outcomeView(effect) : null });

function outcomeView(effect: EffectRecord) {
  return {
    state: effect.state,
    result: effect.result,
    error: effect.error,
    sentAt: isoTimeOrNull(effect.sentAt),
    finishedAt: isoTimeOrNull(effect.finishedAt),
    undoneAt: isoTimeOrNull(effect.undoneAt),
  };
}
