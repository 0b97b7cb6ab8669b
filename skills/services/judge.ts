import type { Severity } from "watchkeeper";
import { weighFlapping } from "./flapping.ts";
import { decideHealth } from "./health.ts";
import type { HealthDecision } from "./health.ts";
import { amendIncident, beginIncident, endIncident } from "./memory.ts";
import type { Memory } from "./memory.ts";
import type { ProbeResult } from "./probes/probe.ts";
import type { Target } from "./target.ts";
import { account } from "./uptime.ts";

/** What one more look means: thresholds, reminders, flapping, restarts. Pure; the time comes in. */

export interface Sight {
  readonly now: number;
  readonly probe: ProbeResult;
  /** Why this look does not count (planned work, a dead parent, no connection); null when it does. */
  readonly setAside: string | null;
}

export interface Judgement {
  readonly memory: Memory;
  /** What the target is taken for; null when the look does not count. */
  readonly decision: HealthDecision | null;
  /** True while the owner hears of being down: not while it flaps. */
  readonly saysDown: boolean;
  /** The key of a restart that the owner's rule wants now. */
  readonly restart: { readonly occasion: string } | null;
}

const hourMs = 3_600_000;

/** A look may come that much later than its interval before the time between counts as unseen. */
const longestGapMs = ({ everyMs }: Pick<Target, "everyMs">): number => 2 * everyMs + 60_000;

export function judge(target: Target, before: Memory, sight: Sight): Judgement {
  const { now, probe, setAside } = sight;
  const isFailure = !probe.ok && probe.fault !== "expiry";
  const gapMs = longestGapMs(target);
  const seen: Memory = {
    ...before,
    uptime: account(before.uptime, setAside !== null ? "unseen" : isFailure ? "down" : "up", {
      now,
      longestGapMs: gapMs,
    }),
    gap: gapBefore(before, now, gapMs),
    last: {
      at: now,
      ok: !isFailure,
      ms: probe.ms,
      measured: (probe.ok ? probe.detail : probe.reason).slice(0, 500),
    },
    setAside,
  };
  if (setAside !== null) {
    return { memory: seen, decision: null, saysDown: before.said !== null, restart: null };
  }

  const decision = decideHealth(before.health, probe, target, now);
  const { health } = decision;
  const wasDown = before.health.state === "down";
  const isDown = health.state === "down";
  const change = wasDown === isDown ? null : isDown ? "went-down" : "came-up";
  const flapping = weighFlapping(before.flapping, change, target.flapping, now);
  const saysDown = isDown && flapping.since === null;
  const decided: Memory = {
    ...seen,
    health,
    flapping,
    said: saysDown ? said(target, before, decision, now) : null,
    incidents: incidentsAfter(before, decision, now),
    restarts: isDown ? before.restarts : { ...before.restarts, failures: 0 },
  };
  return { ...withRestart(target, decided, isFailure, now), decision, saysDown };
}

/** As in other monitors, a reminder wants as many failures in a row as the first word did. */
function said(target: Target, before: Memory, { health }: HealthDecision, now: number) {
  const last = before.said;
  if (last === null) return { at: now, reminders: 0 };
  const { reminderMs, failureThreshold } = target;
  const fails = health.state === "down" && health.failuresInRow >= failureThreshold;
  const isDue = reminderMs !== null && fails && now - last.at >= reminderMs;
  return isDue ? { at: now, reminders: last.reminders + 1 } : last;
}

function incidentsAfter(before: Memory, decision: HealthDecision, now: number) {
  const { health } = decision;
  if (health.state === "up") return endIncident(before.incidents, now);
  const { since: start, fault, lastReason: reason } = health.trouble;
  return before.health.state === "up"
    ? beginIncident(before.incidents, { start, fault, reason })
    : amendIncident(before.incidents, () => ({ fault, reason }));
}

/** The first restart comes with being down, the next after as many failures again, within the owner's limit. */
function withRestart(target: Target, memory: Memory, isFailure: boolean, now: number) {
  const { health, restarts } = memory;
  const rule = target.restart;
  if (!rule?.auto || !isFailure || health.state !== "down" || health.trouble.fault !== "down") {
    return { memory, restart: null };
  }
  const { failures, since } = health.trouble;
  const at = restarts.at.filter((time) => time > now - hourMs);
  const isNext = restarts.failures === 0 || failures - restarts.failures >= target.failureThreshold;
  if (!isNext || at.length >= rule.maxPerHour) {
    return { memory: { ...memory, restarts: { ...restarts, at } }, restart: null };
  }
  const incidents = amendIncident(memory.incidents, (open) => ({ restarts: open.restarts + 1 }));
  return {
    memory: { ...memory, incidents, restarts: { at: [...at, now], failures } },
    // The same words for the same occasion, should this look be made again.
    restart: { occasion: `${target.name}/${since}/${failures}` },
  };
}

function gapBefore({ last, gap }: Memory, now: number, longestMs: number): Memory["gap"] {
  return last && now - last.at > longestMs ? { from: last.at, to: now } : gap;
}

const order: readonly Severity[] = ["info", "notice", "warning", "critical"];

export const atMost = (severity: Severity, ceiling: Severity): Severity =>
  order.indexOf(severity) < order.indexOf(ceiling) ? severity : ceiling;
