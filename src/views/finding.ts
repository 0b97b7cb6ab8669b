import type { Finding } from "../domain/finding.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** A finding as JSON, on the command line and over HTTP. */
export function findingView(finding: Finding) {
  const { id, skill, check, key, state, status, severity, trust, title, text } = finding;
  return {
    id,
    skill,
    check,
    key,
    state,
    status,
    severity,
    trust,
    title,
    text,
    openedAt: isoTime(finding.openedAt),
    changedAt: isoTime(finding.changedAt),
    resolvedAt: isoTimeOrNull(finding.resolvedAt),
    since: isoTimeOrNull(finding.since),
    verdict: finding.verdict,
    decidedBy: finding.decidedBy,
    data: finding.data,
  };
}
