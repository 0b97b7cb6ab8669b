import { formatDuration } from "watchkeeper";
import type { Push } from "watchkeeper";
import type { ProbeResult } from "./probes/probe.ts";
import type { PushTarget } from "./target.ts";

/** The dead-man's switch: another job reports to us, and is missed when it does not. */

export interface PushSight {
  readonly now: number;
  readonly push: Push | undefined;
  /** Since when reports are waited for, when none has come yet. */
  readonly waitingSince: number;
  /** The last time in which nobody would have heard a report. */
  readonly gap: { readonly from: number; readonly to: number } | null;
}

/** A report that came while nobody listened is not held against the job: it has the grace once more. */
export function judgePush(
  { intervalMs, graceMs }: PushTarget,
  { now, push, waitingSince, gap }: PushSight,
): ProbeResult {
  // A clock that was set back since the report must not make it late for ever.
  const lastAt = Math.min(push?.at.getTime() ?? waitingSince, now);
  if (push && !push.ok) {
    const reason = "the job reported that it failed";
    return { ok: false, ms: 0, fault: "down", reason, since: lastAt };
  }
  const due = lastAt + intervalMs;
  const wasDeaf = gap !== null && gap.to > due && gap.from < due + graceMs;
  const deadline = Math.max(due, wasDeaf ? gap.to : due) + graceMs;
  if (now <= deadline) {
    const detail = push ? `last report ${formatDuration(now - lastAt)} ago` : "no report yet";
    return { ok: true, ms: 0, detail };
  }
  const every = formatDuration(intervalMs);
  const reason = push
    ? `no report where one is expected every ${every}`
    : `no report at all where one is expected every ${every}`;
  return { ok: false, ms: 0, fault: "down", reason, since: due };
}
