import { callHash } from "../domain/canonical.ts";
import { describeError } from "../domain/errors.ts";
import type { ApprovalRecord } from "../store/port.ts";
import { refit } from "./fit.ts";
import { approvalsCheck, outcomeFinding } from "./outcome.ts";
import { performEffect, type EffectDependencies, type EffectEnd } from "./perform.ts";

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
    const { id, runId } = approval;
    const { log } = dependencies;
    const belongsTo = { approvalId: id, ...(runId !== null && { runId }) };
    try {
      end = await log.within(belongsTo, () => carryOutOne(approval, dependencies));
    } catch (error) {
      log.error({ ...belongsTo, error: describeError(error) }, "an approval failed");
      continue;
    }
    done.push({ approval, end });
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
    const failed = { state: "failed", result: null, error } as const;
    const about = { id: planned.id, tool: approval.tool, approvalId: id, check: null };
    const at = clock.now();
    const tell = outcomeFinding(about, failed, at);
    await store.finishEffect(planned.id, { ...failed, at, tell });
    return { ...failed, id: planned.id };
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

/** Ends approvals whose time is over, and says what was not done. */
export async function expireApprovals({
  store,
  clock,
}: Pick<EffectDependencies, "store" | "clock">): Promise<void> {
  const at = clock.now();
  for (const { id, tool } of await store.expireApprovals(at)) {
    await store.setOwnFinding({
      check: approvalsCheck,
      key: `approval-${id}`,
      severity: "notice",
      title: `Approval ${id} has expired: ${tool} was not done`,
      text: null,
      at,
    });
  }
}
