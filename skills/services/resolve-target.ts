import type { z } from "watchkeeper";
import type { flapping, RawTarget } from "./raw-target.ts";
import type {
  Command,
  DiskShare,
  ExpectedStatus,
  FlappingRule,
  HttpExpectation,
  MaintenanceWindow,
  Target,
} from "./target.ts";

/** What the skill's config says for all targets that say nothing themselves. */
export interface SharedSettings {
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly reminderMs: number | null;
  readonly maintenance: readonly MaintenanceWindow[];
  readonly flapping: FlappingRule | null;
}

/** A target as it was written, with the defaults filled in. */
export function resolveTarget(raw: RawTarget, shared: SharedSettings): Target {
  const base = baseOf(raw, shared);
  const { maxMs, exitCode } = raw.expect ?? {};
  const maxima = maxMs === undefined ? {} : { maxMs };
  if (raw.tcp) return { ...base, kind: "tcp", ...raw.tcp, ...maxima };
  if (raw.tls) return { ...base, kind: "tls", ...raw.tls, warnDays: raw.warnDays ?? 14 };
  if (raw.dns) {
    const { name: domain, type, expect, server } = raw.dns;
    const records = expect === undefined ? [] : [expect].flat();
    return { ...base, kind: "dns", domain, type, records, ...(server !== undefined && { server }) };
  }
  if (raw.icmp !== undefined) return { ...base, kind: "icmp", host: raw.icmp, ...maxima };
  if (raw.disk) {
    return { ...base, kind: "disk", path: raw.disk.path, minFree: minFreeOf(raw.disk) };
  }
  if (raw.systemd !== undefined) return { ...base, kind: "systemd", unit: raw.systemd };
  if (raw.command) {
    const exitCodes = exitCode === undefined ? [0] : [exitCode].flat();
    return { ...base, kind: "command", command: commandOf(raw.command), exitCodes, ...maxima };
  }
  if (raw.push) {
    const { every: intervalMs, grace: graceMs, key } = raw.push;
    // Late is late: the grace is the threshold.
    const thresholds = { failureThreshold: 1, successThreshold: 1 };
    const secret = key === undefined ? {} : { key };
    return { ...base, ...thresholds, kind: "push", intervalMs, graceMs, ...secret };
  }
  return {
    ...base,
    kind: "http",
    url: raw.http ?? "",
    method: raw.method ?? "GET",
    headers: raw.headers ?? {},
    ...(raw.body !== undefined && { body: raw.body }),
    expect: httpExpectation(raw),
  };
}

function baseOf(raw: RawTarget, shared: SharedSettings) {
  return {
    name: raw.name,
    everyMs: raw.every ?? shared.everyMs,
    timeoutMs: raw.timeout ?? shared.timeoutMs,
    failureThreshold: raw.failureThreshold ?? shared.failureThreshold,
    successThreshold: raw.successThreshold ?? shared.successThreshold,
    severity: raw.severity,
    reminderMs: raw.reminder ?? shared.reminderMs,
    maintenance: [...shared.maintenance, ...raw.maintenance],
    dependsOn: raw.dependsOn,
    flapping: raw.flapping === undefined ? shared.flapping : flappingRule(raw.flapping),
    ...(raw.restart && {
      restart: {
        command: commandOf(raw.restart.command),
        timeoutMs: raw.restart.timeout,
        auto: raw.restart.auto,
        maxPerHour: raw.restart.maxPerHour,
      },
    }),
  };
}

export function flappingRule(raw: z.output<typeof flapping>): FlappingRule | null {
  return raw === false ? null : { downs: raw.downs, withinMs: raw.within };
}

function httpExpectation({ expect = {} }: RawTarget): HttpExpectation {
  const { status = "2xx", body, bodyMatches, json, maxMs } = expect;
  const statuses: readonly ExpectedStatus[] = [status].flat();
  return {
    status: statuses,
    ...(body !== undefined && { body }),
    ...(bodyMatches !== undefined && { bodyMatches }),
    ...(json !== undefined && { json }),
    ...(maxMs !== undefined && { maxMs }),
  };
}

function minFreeOf({ minFree, maxUsed }: NonNullable<RawTarget["disk"]>): DiskShare {
  if (maxUsed !== undefined) return { percent: 100 - Number.parseInt(maxUsed, 10) };
  return minFree ?? { percent: 10 };
}

const commandOf = ([program = "", ...args]: readonly string[]): Command => [program, ...args];
