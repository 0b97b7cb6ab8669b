import { callHash } from "../domain/canonical.ts";
import { describeError } from "../domain/errors.ts";
import type { ApprovalRecord } from "../store/port.ts";
import { refit } from "./fit.ts";
import { performEffect, type EffectDependencies, type EffectEnd } from "./perform.ts";
import { unknownOutcome } from "./settle.ts";

/** Carrying out what the owner has approved: this very call, once. */

/** How long an approval waits for the owner's word. */
export const approvalLifeMs = 24 * 60 * 60_000;

export interface CarriedOut {
  readonly approval: ApprovalRecord;
  readonly end: EffectEnd;
}

export async function carryOutApproved(dependencies: EffectDependencies): Promise<CarriedOut[]> {
  const done: CarriedOut[] = [];
  for (const approval of await dependencies.store.approvedCalls()) {
    let end: EffectEnd;
    try {
      end = await carryOutOne(approval, dependencies);
    } catch (error) {
      const message = describeError(error);
      dependencies.log.error({ approvalId: approval.id, error: message }, "an approval failed");
      continue;
    }
    done.push({ approval, end });
    // A pause is no outcome: it is carried out when the pause is lifted.
    if (end.state !== "refused") await tellOutcome(approval, end, dependencies);
  }
  return done;
}

async function carryOutOne(
  approval: ApprovalRecord,
  dependencies: EffectDependencies,
): Promise<EffectEnd> {
  const { store, clock, tools } = dependencies;
  const { id, effect, trust, runId } = approval;
  const call = {
    tool: approval.tool,
    version: approval.toolVersion,
    arguments: approval.arguments,
  };
  const refuse = async (error: string): Promise<EffectEnd> => {
    // On record as an effect that failed, so that the approval is used up.
    const planned = await store.planEffect({
      runId,
      stepId: null,
      approvalId: id,
      tool: approval.tool,
      toolVersion: approval.toolVersion,
      effect,
      arguments: approval.arguments,
      trust,
      idempotencyKey: `approval-${id}`,
      grant: null,
      at: clock.now(),
    });
    if (!planned.ok) return { state: "refused", reason: planned.reason };
    await store.finishEffect(planned.id, { state: "failed", result: null, error, at: clock.now() });
    return { state: "failed", id: planned.id, result: null, error };
  };
  const tool = tools.get(approval.tool);
  if (!tool) return refuse(`there is no tool ${approval.tool} any more`);
  if (tool.version !== approval.toolVersion) {
    return refuse("the tool has changed since it was shown; ask again");
  }
  if (callHash(call) !== approval.argumentsHash) {
    return refuse("the arguments are not those that were approved");
  }
  const fitted = refit(tool, approval.arguments);
  if (!fitted.ok) return refuse(fitted.problem);
  if (fitted.effect !== effect) {
    return refuse(`it was shown as a ${effect}, and would be a ${fitted.effect}; ask again`);
  }
  return performEffect(
    {
      tool,
      input: fitted.input,
      effect,
      trust,
      runId,
      stepId: null,
      approvalId: id,
      idempotencyKey: `approval-${id}`,
      grant: null,
    },
    dependencies,
  );
}

/** The outcome is a finding. Only the tool's name and the status are ours to say in it. */
async function tellOutcome(
  approval: ApprovalRecord,
  end: Exclude<EffectEnd, { state: "refused" }>,
  { store, clock }: EffectDependencies,
): Promise<void> {
  const at = clock.now();
  if (end.state === "unknown") {
    await store.setOwnFinding(unknownOutcome({ id: end.id, tool: approval.tool }, at));
    return;
  }
  const well = end.state === "done" && end.error === null;
  await store.setOwnFinding({
    check: "watchkeeper/approvals",
    key: `approval-${approval.id}`,
    severity: well ? "info" : "warning",
    title: `Approval ${approval.id}: ${approval.tool} ${well ? "was done" : end.state === "done" ? "was done, but not as it should" : "failed"}`,
    text: `Effect ${end.id}. \`watchkeeper approvals --all\` shows it.`,
    at,
  });
}

/** Ends approvals whose time is over, and says what was not done. */
export async function expireApprovals({
  store,
  clock,
}: Pick<EffectDependencies, "store" | "clock">): Promise<void> {
  const at = clock.now();
  for (const { id, tool } of await store.expireApprovals(at)) {
    await store.setOwnFinding({
      check: "watchkeeper/approvals",
      key: `approval-${id}`,
      severity: "notice",
      title: `Approval ${id} has expired: ${tool} was not done`,
      text: null,
      at,
    });
  }
}
