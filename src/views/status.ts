import { isDown } from "../domain/channel-health.ts";
import { startOf } from "../domain/zoned-time.ts";
import type {
  ChannelRecord,
  CheckRecord,
  PauseRecord,
  SpendTotals,
  StatusRecord,
  ToolServerRecord,
  StoreReader,
} from "../store/port.ts";
import { isoTime, isoTimeOrNull } from "./time.ts";

/** How the watch stands, from the store alone: it can be asked without a daemon. */

export interface StatusInput {
  readonly version: string;
  readonly now: number;
  /** Whether a process holds the state directory. */
  readonly running: boolean;
  /** The owner's zone, whose days and months the spend is of. */
  readonly timezone: string;
  /** Null when nothing was ever saved. */
  readonly record: StatusRecord | null;
  /** The stop button, while it is pressed. */
  readonly pause: PauseRecord | null;
  readonly today: SpendTotals;
  readonly month: SpendTotals;
  readonly servers?: readonly ToolServerRecord[];
}

export type StatusView = ReturnType<typeof statusView>;

/** @param store undefined when nothing was ever saved */
export async function readStatusView(
  store: StoreReader | undefined,
  input: Pick<StatusInput, "version" | "now" | "running" | "timezone">,
): Promise<StatusView> {
  const { now, timezone } = input;
  const nothing = { costUsd: 0, tokens: 0 };
  const spent = async (unit: "day" | "month") =>
    (await store?.spendSince(startOf(unit, now, timezone))) ?? nothing;
  return statusView({
    ...input,
    record: (await store?.status()) ?? null,
    pause: (await store?.pausedAt(now)) ?? null,
    today: await spent("day"),
    month: await spent("month"),
    servers: (await store?.listToolServers()) ?? [],
  });
}

/** A beat may take its time; two gaps and two minutes without one is too long. */
const graceMs = 2 * 60_000;

export function statusView(input: StatusInput) {
  const { version, now, running, timezone, record, pause, today, month } = input;
  const daemon = record?.daemon ?? null;
  const skillsOff = running ? (daemon?.skillsOff ?? []) : [];
  const offSkills = new Set(skillsOff.map(({ name }) => name));
  const checks = (record?.checks ?? []).filter(
    ({ enabled, skill }) => enabled || offSkills.has(skill),
  );
  const lastBeatAt = record?.lastBeat?.startedAt ?? null;
  const problems = running
    ? problemsOf({ now, record, lastBeatAt, checks, skillsOff })
    : ["the daemon is not running"];
  return {
    version,
    pid: running ? (daemon?.pid ?? null) : null,
    startedAt: running ? isoTimeOrNull(daemon?.startedAt ?? null) : null,
    running,
    healthy: problems.length === 0,
    problems,
    paused: pause !== null,
    pause: pause && pauseView(pause),
    timezone,
    beat: {
      last: isoTimeOrNull(lastBeatAt),
      next: running ? isoTimeOrNull(nextBeatAt(record, lastBeatAt)) : null,
    },
    checks: checks.map((check) => ({
      name: check.name,
      skill: check.skill,
      schedule: check.schedule,
      lastRunAt: isoTimeOrNull(check.lastRunAt),
      nextDueAt: check.enabled ? isoTimeOrNull(check.nextDueAt) : null,
      status: check.enabled ? check.status : ("off" as const),
      failingSince: isoTimeOrNull(check.failingSince),
      consecutiveFailures: check.consecutiveFailures,
      lastError: check.lastError,
    })),
    skillsOff,
    mcp: (running ? (input.servers ?? []) : []).map(({ name, state, error, changedAt }) => ({
      ...{ name, state, error, since: isoTime(changedAt) },
    })),
    web: running && daemon ? { url: daemon.webUrl, off: daemon.webOff } : null,
    openFindings: record?.openFindings ?? 0,
    pendingApprovals: record?.pendingApprovals ?? 0,
    undelivered: record?.undelivered ?? 0,
    channels: (record?.channels ?? []).map(channelView),
    spend: { todayUsd: today.costUsd, monthUsd: month.costUsd, todayTokens: today.tokens },
  };
}

const channelView = (channel: ChannelRecord) => ({
  name: channel.name,
  use: channel.use,
  severity: channel.severity,
  status: channel.failingSince === null ? ("ok" as const) : ("failing" as const),
  failingSince: isoTimeOrNull(channel.failingSince),
  consecutiveFailures: channel.consecutiveFailures,
  lastError: channel.lastError,
  lastSentAt: isoTimeOrNull(channel.lastSentAt),
  waiting: channel.waiting,
});

/** The stop button as JSON. */
export const pauseView = ({ pausedAt, until, reason }: PauseRecord) => ({
  since: isoTime(pausedAt),
  until: isoTimeOrNull(until),
  reason,
});

function problemsOf({
  now,
  record,
  lastBeatAt,
  checks,
  skillsOff,
}: {
  now: number;
  record: StatusRecord | null;
  lastBeatAt: number | null;
  checks: readonly CheckRecord[];
  skillsOff: readonly { name: string }[];
}): string[] {
  const heartbeatMs = record?.daemon?.heartbeatMs ?? 0;
  const latest = Math.max(lastBeatAt ?? 0, record?.daemon?.startedAt ?? 0);
  // The last resort is none of the owner's: nobody may be looking at that terminal.
  const channels = (record?.channels ?? []).filter(({ use }) => use !== "last-resort");
  const isMute = channels.length > 0 && channels.every((channel) => isDown(channel, now));
  const blind = checks.filter(({ enabled, status }) => enabled && status === "blind");
  return [
    ...(now - latest > 2 * heartbeatMs + graceMs ? ["no beat for too long"] : []),
    ...(record?.lastBeat?.outcome === "failed" ? ["the last beat failed"] : []),
    ...blind.map(({ name }) => `${name} is blind`),
    ...(isMute ? ["no channel works: messages do not reach you"] : []),
    ...skillsOff.map(({ name }) => `the skill ${name} is switched off`),
  ];
}

function nextBeatAt(record: StatusRecord | null, lastBeatAt: number | null): number | null {
  const due = (record?.checks ?? []).flatMap(({ enabled, nextDueAt }) =>
    enabled && nextDueAt !== null ? [nextDueAt] : [],
  );
  const heartbeatMs = record?.daemon?.heartbeatMs;
  if (lastBeatAt !== null && heartbeatMs) {
    due.push((Math.floor(lastBeatAt / heartbeatMs) + 1) * heartbeatMs);
  }
  return due.length > 0 ? Math.min(...due) : null;
}
