import { route } from "../domain/attention.ts";
import type { Clock } from "../domain/clock.ts";
import { composeAsking } from "../notify/asking.ts";
import type { AttentionSettings } from "../notify/attention-settings.ts";
import type { Store } from "../store/port.ts";

export interface AskDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly attention: AttentionSettings;
  readonly interruptionsToday: () => Promise<number>;
  /** Whether links to the page go with what asks for the owner's word. */
  readonly hasLinks: boolean;
}

/**
 * Tells the owner what waits for their word. Once for each approval, and also when the process that asked
 * was killed before it had told.
 */
export async function askOwner(
  approvalId: number,
  { store, clock, attention, interruptionsToday, hasLinks }: AskDependencies,
): Promise<void> {
  const approval = await store.getApproval(approvalId);
  if (!approval) return;
  const run = approval.runId === null ? undefined : await store.getRun(approval.runId);
  const findings = await store.getFindings(run?.findings ?? []);
  const now = clock.now();
  const way = route({
    ...attention,
    verdict: "notify",
    severity: "warning",
    now,
    interruptionsToday: await interruptionsToday(),
  });
  await store.tellNow({
    notification: {
      kind: "notice",
      state: way.kind === "digest" ? "held" : "ready",
      findings: [],
      severity: "warning",
      ...composeAsking({ approval, findings, hasLinks, timezone: attention.timezone }),
      approvalId,
      why: way.why,
      dueAt: way.kind === "digest" ? way.at : now,
    },
    told: [],
    at: now,
  });
}
