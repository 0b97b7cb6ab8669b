import { route } from "../domain/attention.ts";
import { visibleJson } from "../domain/canonical.ts";
import type { Clock } from "../domain/clock.ts";
import { formatDateTime } from "../domain/zoned-time.ts";
import type { AttentionSettings } from "../notify/compose.ts";
import type { Store } from "../store/port.ts";

export interface AskDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly attention: AttentionSettings;
  readonly interruptionsToday: () => Promise<number>;
}

const longestShown = 4_000;

/**
 * Tells the owner what waits for their word: exactly what would be done, why it is asked, and how to
 * answer. Once for each approval, and also when the process that asked was killed before it had told.
 */
export async function askOwner(
  approvalId: number,
  { store, clock, attention, interruptionsToday }: AskDependencies,
): Promise<void> {
  const approval = await store.getApproval(approvalId);
  if (!approval) return;
  const now = clock.now();
  const way = route({
    ...attention,
    verdict: "notify",
    severity: "warning",
    now,
    interruptionsToday: await interruptionsToday(),
  });
  const shown = visibleJson(approval.arguments);
  const cut = shown.length > longestShown;
  const { id, tool, reason, expiresAt } = approval;
  await store.tellNow({
    notification: {
      kind: "notice",
      state: way.kind === "digest" ? "held" : "ready",
      findings: [],
      severity: "warning",
      title: `Your word is asked: ${tool} (approval ${id})`,
      approvalId: id,
      body: [
        cut
          ? `${shown.slice(0, longestShown)}…\n\`watchkeeper approvals\` shows all of it.`
          : shown,
        `Asked because ${reason}.`,
        `watchkeeper approve ${id}, or watchkeeper deny ${id}; until ${formatDateTime(expiresAt, attention.timezone)}.`,
      ].join("\n"),
      why: way.why,
      dueAt: way.kind === "digest" ? way.at : now,
    },
    told: [],
    at: now,
  });
}
