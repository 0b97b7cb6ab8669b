import type { EffectRecord, OwnFinding } from "../store/port.ts";

/** What the owner is told of the outcome of an effect, by who wanted it. */

/** Under these names stand the findings about outcomes that nobody knows, approvals, and rules that fail. */
export const effectsCheck = "watchkeeper/effects";
export const approvalsCheck = "watchkeeper/approvals";
/** About replies by e-mail that did not count. */
export const repliesCheck = "watchkeeper/replies";
export const rulesCheck = "watchkeeper/rules";

export interface Outcome {
  readonly state: "done" | "failed" | "unknown";
  readonly error: string | null;
}

/**
 * Only the tool's name and the state are ours to say in it; the arguments and the error stand in the journal.
 * @param why in our own words
 * @returns null when nobody needs to be told: a run reads its results itself
 */
export function outcomeFinding(
  effect: Pick<EffectRecord, "id" | "tool" | "approvalId" | "check">,
  { state, error }: Outcome,
  at: number,
  why = "see the journal",
): OwnFinding | null {
  const { id, tool, approvalId, check } = effect;
  if (state === "unknown") {
    return {
      check: effectsCheck,
      key: `effect-${id}`,
      severity: "warning",
      title: `Nobody knows whether ${tool} was done (effect ${id})`,
      text: "It was begun, and its outcome is not known. It will not be repeated. Look for yourself, then acknowledge this finding.",
      at,
    };
  }
  const well = state === "done" && error === null;
  if (approvalId !== null) {
    const how = well ? "was done" : state === "done" ? "was done, but not as it should" : "failed";
    return {
      check: approvalsCheck,
      key: `approval-${approvalId}`,
      severity: well ? "info" : "warning",
      title: `Approval ${approvalId}: ${tool} ${how}`,
      text: `Effect ${id}. \`watchkeeper approvals --all\` shows it.`,
      at,
    };
  }
  if (check === null || well) return null;
  // Once for a check and tool, however often: a rule that fails at each mail is one trouble.
  return {
    check: rulesCheck,
    key: `${check}/${tool}`,
    severity: "warning",
    title: `What a rule of ${check} asks for fails: ${tool}`,
    text: `First seen with effect ${id}: ${why}. The effects table holds the errors.`,
    at,
  };
}
