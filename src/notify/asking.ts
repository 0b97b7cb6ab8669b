import { visibleJson } from "../domain/canonical.ts";
import { effectWords } from "../domain/effect-words.ts";
import type { Finding } from "../domain/finding.ts";
import { oneLine } from "../domain/plain-text.ts";
import { formatDateTime } from "../domain/zoned-time.ts";
import type { ApprovalRecord } from "../store/port.ts";

/**
 * The words in which the owner is asked: exactly what would be done, why, and how to answer. Pure. In all it
 * stays below what the narrowest channel takes, so that none cuts it.
 */

export interface Asking {
  readonly approval: ApprovalRecord;
  /** What its run was woken for. */
  readonly findings: readonly Pick<Finding, "id" | "check" | "trust" | "title">[];
  /** Whether links to the page go with the message. */
  readonly hasLinks: boolean;
  readonly timezone: string;
}

const longestArguments = 2_600;
const longestReason = 400;
const longestTitle = 100;
const mostFindings = 3;

/** Whether the message holds all that would be done: who has seen less can only approve where all is shown. */
export const isShownWhole = ({ arguments: given }: Pick<ApprovalRecord, "arguments">): boolean =>
  visibleJson(given).length <= longestArguments;

export function composeAsking({ approval, findings, hasLinks, timezone }: Asking): {
  readonly title: string;
  readonly body: string;
} {
  const { id, tool, effect, reason, trust, expiresAt } = approval;
  const command = `type \`watchkeeper approve ${id}\` or \`watchkeeper deny ${id}\``;
  const lines = [
    `This would be done (${effect}: ${effectWords[effect]}):`,
    ...argumentLines(approval, hasLinks),
    `Asked because ${oneLine(reason, longestReason)}.`,
    origin(approval, findings),
    trust === "untrusted"
      ? "The run had read what a stranger could have written: read it with care."
      : "",
    hasLinks ? `Approve or deny with the links below, or ${command}.` : `To answer, ${command}.`,
    `It waits until ${formatDateTime(expiresAt, timezone)} (${timezone}); after that it is not done.`,
  ];
  return {
    title: `Your word is asked: ${tool} (approval ${id})`,
    body: lines.filter(Boolean).join("\n"),
  };
}

/** What is left out is said with its size, and where all of it is seen before the word counts. */
function argumentLines(approval: ApprovalRecord, hasLinks: boolean): string[] {
  const { id } = approval;
  const shown = visibleJson(approval.arguments);
  if (isShownWhole(approval)) return [shown];
  const part = shown.slice(0, longestArguments).toWellFormed();
  const [hidden, all] = [shown.length - part.length, shown.length].map((count) =>
    count.toLocaleString("en-US"),
  );
  const where = `\`watchkeeper approvals show ${id}\``;
  return [
    `${part}…`,
    `NOT ALL OF IT: ${hidden} of ${all} characters are hidden here. ` +
      (hasLinks
        ? `The page of the links shows all, and so does ${where}.`
        : `${where} shows all; read it before you approve.`),
  ];
}

/** Titles that a stranger could have written are not repeated beside a question. */
function origin({ runId }: ApprovalRecord, findings: Asking["findings"]): string {
  if (runId === null) return "";
  const named = findings
    .slice(0, mostFindings)
    .map(({ id, check, trust, title }) =>
      trust === "trusted"
        ? `finding ${id} "${oneLine(title, longestTitle)}"`
        : `finding ${id} of ${oneLine(check, longestTitle)}, which a stranger could have written`,
    );
  const more = findings.length - named.length;
  const all = [...named, ...(more > 0 ? [`${more} more`] : [])];
  return `Asked by run ${runId}${all.length > 0 ? ` over ${all.join("; ")}` : ""}.`;
}
