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

/** Whether nothing more comes of it. */
export const hasEnded = (effect: EffectRecord | undefined): effect is EffectRecord =>
  effect !== undefined && effect.state !== "planned" && effect.state !== "sent";

/** What came of an approved call, in words that follow the tool's name. */
export function outcomeWords({ state, error }: Pick<EffectRecord, "state" | "error">): string {
  switch (state) {
    case "planned":
    case "sent":
      return "is being carried out";
    case "done":
      return error === null ? "was done" : "was done, but not as it should; look for yourself";
    case "failed":
      return "failed; nothing was done. It is asked again when it still matters";
    case "unknown":
      return "was begun, and nobody knows whether it was done. Look for yourself; it is not repeated";
  }
}

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
