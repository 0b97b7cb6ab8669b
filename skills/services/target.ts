import type { Severity } from "watchkeeper";

/** What is watched, read from the config once: defaults filled in, one type per kind. */

interface TargetBase {
  /** Unique; the check is `services/NAME`. */
  readonly name: string;
  readonly everyMs: number;
  /** How long one probe may take. */
  readonly timeoutMs: number;
  /** Failures in a row until it is down, successes in a row until it is up again. */
  readonly failureThreshold: number;
  readonly successThreshold: number;
  /** Of being down; being slow or running out is never worse than this. */
  readonly severity: Severity;
  /** While it stays down it is said again after so long; null for never. */
  readonly reminderMs: number | null;
  /** The owner's planned work: nothing is judged meanwhile. */
  readonly maintenance: readonly MaintenanceWindow[];
  /** Targets without which this one cannot work: while one of them is dead, nothing is said of it. */
  readonly dependsOn: readonly string[];
  readonly flapping: FlappingRule | null;
  readonly restart?: RestartCommand;
}

/** Begins at each time of the cron expression, on the owner's clock. */
export interface MaintenanceWindow {
  readonly cron: string;
  readonly durationMs: number;
}

/** Down so often within so long: it is said once that it flaps, and no longer each time. */
export interface FlappingRule {
  readonly downs: number;
  readonly withinMs: number;
}

/** Program and arguments; no shell reads them. */
export type Command = readonly [program: string, ...args: string[]];

export interface RestartCommand {
  readonly command: Command;
  readonly timeoutMs: number;
  /** Run it when the target is down, without asking and without a model. */
  readonly auto: boolean;
  readonly maxPerHour: number;
}

export interface HttpTarget extends TargetBase {
  readonly kind: "http";
  readonly url: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly expect: HttpExpectation;
}

export interface HttpExpectation {
  /** One of them: a number, a class such as `2xx`, or a range such as `200-299`. */
  readonly status: readonly ExpectedStatus[];
  /** Text that must be in the first megabyte of the body. */
  readonly body?: string;
  /** A regular expression that must match somewhere in it. */
  readonly bodyMatches?: string;
  /** What must stand at which path of the body read as JSON. */
  readonly json?: Readonly<Record<string, ExpectedValue>>;
  readonly maxMs?: number;
}

export type ExpectedStatus = number | string;

export type ExpectedValue =
  | string
  | number
  | boolean
  | null
  | { readonly min?: number | undefined; readonly max?: number | undefined };

export interface TcpTarget extends TargetBase {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
  readonly maxMs?: number;
}

export interface TlsTarget extends TargetBase {
  readonly kind: "tls";
  readonly host: string;
  readonly port: number;
  /** Fewer days left than this is a warning. */
  readonly warnDays: number;
}

export interface DnsTarget extends TargetBase {
  readonly kind: "dns";
  /** What is asked for. */
  readonly domain: string;
  readonly type: RecordType;
  /** Records that must all be there; any will do when there are none. */
  readonly records: readonly string[];
  /** Address of the server that is asked; the system's without one. */
  readonly server?: string;
}

export const recordTypes = ["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SRV", "PTR"] as const;
export type RecordType = (typeof recordTypes)[number];

export interface IcmpTarget extends TargetBase {
  readonly kind: "icmp";
  readonly host: string;
  readonly maxMs?: number;
}

export interface DiskTarget extends TargetBase {
  readonly kind: "disk";
  /** As it is written; a relative one starts at the config's folder. */
  readonly path: string;
  readonly minFree: DiskShare;
}

/** So many bytes, or such a part of the whole. */
export type DiskShare = { readonly bytes: number } | { readonly percent: number };

export interface SystemdTarget extends TargetBase {
  readonly kind: "systemd";
  readonly unit: string;
}

export interface CommandTarget extends TargetBase {
  readonly kind: "command";
  readonly command: Command;
  /** Exit codes that are well. */
  readonly exitCodes: readonly number[];
  readonly maxMs?: number;
}

/** Reports by itself; it is missed when it does not. */
export interface PushTarget extends TargetBase {
  readonly kind: "push";
  readonly intervalMs: number;
  readonly graceMs: number;
  /** What it shows with each report; made by the daemon without one. */
  readonly key?: string;
}

/** What can be looked at whenever one likes. */
export type ProbedTarget =
  | HttpTarget
  | TcpTarget
  | TlsTarget
  | DnsTarget
  | IcmpTarget
  | DiskTarget
  | SystemdTarget
  | CommandTarget;

export type Target = ProbedTarget | PushTarget;
export type TargetKind = Target["kind"];

/** Where the target is, without what may be secret in an address (path, query) or a command (its arguments). */
export function addressOf(target: Target): string {
  switch (target.kind) {
    case "http":
      return new URL(target.url).origin;
    case "tcp":
    case "tls":
      return `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
    case "dns":
      return `${target.domain} ${target.type}`;
    case "icmp":
      return target.host;
    case "disk":
      return target.path;
    case "systemd":
      return target.unit;
    case "command":
      return target.command[0];
    case "push":
      return `POST /push/${target.name}`;
  }
}
