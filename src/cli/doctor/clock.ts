import { hostNamesTimezone, hostTimezone } from "../../config/host-timezone.ts";
import type { Environment } from "../../config/secret.ts";
import { formatDuration } from "../../domain/duration.ts";
import { formatTimeOfDay } from "../../domain/zoned-time.ts";
import { isLoopback } from "../../web/gate.ts";
import { fail, ok, warn, type Diagnosis } from "./diagnosis.ts";
import { enumerated } from "./permissions.ts";

/** How far a server's clock is ahead of ours; below zero, behind. */
export interface ServerTime {
  readonly host: string;
  readonly aheadMs: number;
}

const name = "clock";
/** Slow answers look like clocks that are behind. */
const unsuspiciousMs = 30_000;
/** From there on logins and certificates are refused for it. */
const harmfulMs = 5 * 60_000;
const agreeingMs = 60_000;

/** Our clock against those of the servers that were asked, and the zone that times are told in. */
export function diagnoseClock(
  heard: readonly ServerTime[],
  { now, timezone }: { readonly now: number; readonly timezone: string },
): Diagnosis {
  const local = `${formatTimeOfDay(now, timezone)} in ${timezone}`;
  const servers = tellingServers(heard);
  if (servers.length === 0) return ok(name, `${local}; no server was asked that tells the time`);
  const aheadMs = middle(servers.map((server) => server.aheadMs));
  const agreeing = servers.filter((server) => Math.abs(server.aheadMs - aheadMs) <= agreeingMs);
  const hosts = enumerated(agreeing.map(({ host }) => host));
  if (Math.abs(aheadMs) <= unsuspiciousMs) return ok(name, `${local}, as ${hosts} has it`);
  const off = formatDuration(Math.abs(aheadMs));
  const message = `${local}, which is ${off} ${aheadMs > 0 ? "behind" : "ahead of"} ${hosts}; let the machine keep its time (timedatectl set-ntp true)`;
  // One server alone may be the one that is wrong.
  return Math.abs(aheadMs) > harmfulMs && agreeing.length > 1
    ? fail(name, message)
    : warn(name, message);
}

/** A zone that nobody has named is told: quiet hours and the digest hang on it. */
export function diagnoseZone({ TZ }: Environment, { timezone }: { timezone: string }): Diagnosis[] {
  if (hostNamesTimezone() || timezone !== hostTimezone()) return [];
  const what = TZ === undefined ? "this machine names no time zone" : `TZ="${TZ}" is no time zone`;
  return [
    warn(name, `${what}, so times are those of UTC; set timezone to one such as "Europe/Berlin"`),
  ];
}

/** Each host once. Those on this machine have our own clock, and count where there are no others. */
function tellingServers(heard: readonly ServerTime[]): ServerTime[] {
  const servers = [...Map.groupBy(heard, ({ host }) => host)].map(([host, times]) => ({
    host,
    aheadMs: middle(times.map(({ aheadMs }) => aheadMs)),
  }));
  const elsewhere = servers.filter(({ host }) => !isLoopback(host));
  return elsewhere.length > 0 ? elsewhere : servers;
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
