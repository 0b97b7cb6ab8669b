import type { DaemonObserver } from "../daemon.ts";
import type { JudgedFinding } from "../notify/compose.ts";
import type { Log } from "../telemetry/log.ts";

/**
 * Tells the log what the narrator tells a person: beats, runs and what was decided, by their ids. What was found
 * may be a stranger's words; those stay in the store.
 */

const mostIds = 50;

export function createChronicle(log: Log): DaemonObserver {
  return {
    beat({ id: beatId, outcome, checks, events }) {
      const news = events.filter((event) => event.news);
      if (news.length === 0) {
        log.debug({ beatId, outcome, checks: checks.length }, "a beat");
        return;
      }
      const found = [...new Set(news.map(({ check }) => check))];
      const findings = news.map(({ findingId }) => findingId);
      log.info(
        { beatId, checks: found.slice(0, mostIds), findings: findings.slice(0, mostIds) },
        "something is new",
      );
    },
    ran({ id: runId, outcome, error, judged }) {
      const fields = { runId, outcome, ...(error !== null && { error }), ...verdictsOf(judged) };
      if (outcome === "ok") log.info(fields, "a run has ended");
      else log.warn(fields, "a run has ended, and not as it should");
    },
    ruled(judged, reason) {
      const findings = judged.map(({ finding }) => finding.id).slice(0, mostIds);
      log.info({ reason, findings, ...verdictsOf(judged) }, "the rules have decided");
    },
  };
}

/** How many findings had which verdict. */
function verdictsOf(judged: readonly JudgedFinding[]): { readonly verdicts: object } {
  const groups = Map.groupBy(judged, ({ verdict }) => verdict);
  return { verdicts: Object.fromEntries([...groups].map(([name, all]) => [name, all.length])) };
}

/** Tells each of them, one after the other. */
export const observers = (...all: readonly DaemonObserver[]): DaemonObserver => ({
  beat: (summary) => all.forEach((each) => each.beat(summary)),
  ran: (run) => all.forEach((each) => each.ran(run)),
  ruled: (judged, reason) => all.forEach((each) => each.ruled(judged, reason)),
});
