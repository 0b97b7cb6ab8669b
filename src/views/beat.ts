import type { BeatRecord } from "../store/port.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** A beat's receipt as JSON, on the command line and over HTTP. */
export function beatView(beat: BeatRecord) {
  return {
    id: beat.id,
    startedAt: isoTime(beat.startedAt),
    finishedAt: isoTimeOrNull(beat.finishedAt),
    trigger: beat.trigger,
    outcome: beat.outcome,
    ...(beat.missedCount === null ? {} : { missed: beat.missedCount }),
    checks: beat.checks,
    findings: beat.findings,
    runId: beat.runId,
    costUsd: beat.costUsd,
    error: beat.error,
  };
}
