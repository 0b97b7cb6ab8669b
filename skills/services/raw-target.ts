import { duration, z } from "watchkeeper";
import type { Severity } from "watchkeeper";
import {
  address,
  command,
  diskShare,
  headers,
  host,
  jsonExpectations,
  maintenance,
  nameServer,
  pattern,
  status,
  url,
} from "./config-parts.ts";
import { recordTypes } from "./target.ts";
import type { TargetKind } from "./target.ts";

/** A target as the owner writes it. What would be ignored is refused: the owner believes that it is watched for. */

export const count = z.int().min(1).max(1_000);
const severity = z.enum(["info", "notice", "warning", "critical"]) satisfies z.ZodType<Severity>;
const exitCode = z.int().min(0).max(255);

export const flapping = z.union([
  z.literal(false),
  z.strictObject({
    downs: z.int().min(2).max(100).default(5),
    within: duration().prefault("1h"),
  }),
]);

const fields = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9-]+$/, "a target's name has only small letters, digits and hyphens"),
  http: url.optional(),
  tcp: address.optional(),
  tls: address.optional(),
  dns: z
    .strictObject({
      name: z
        .string()
        .max(253)
        .regex(/^[^\s/]+$/, 'a domain is written such as "example.com"'),
      type: z.enum(recordTypes).default("A"),
      expect: z.union([z.string().min(1), z.array(z.string().min(1)).max(50)]).optional(),
      server: nameServer.optional(),
    })
    .optional(),
  icmp: host.optional(),
  disk: z
    .strictObject({
      path: z.string().min(1).max(4_096),
      minFree: diskShare.optional(),
      maxUsed: z
        .string()
        .regex(/^(?:100|\d{1,2})%$/, 'write a part of the disk, such as "90%"')
        .optional(),
    })
    .optional(),
  systemd: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9][A-Za-z0-9:_.\\@-]*$/, 'a unit is named such as "nginx.service"')
    .optional(),
  command: command.optional(),
  push: z
    .strictObject({
      every: duration(),
      grace: duration().prefault("5m"),
      key: z.string().min(16, "a key has at least 16 characters").max(500).optional(),
    })
    .optional(),
  every: duration().optional(),
  timeout: duration().optional(),
  failureThreshold: count.optional(),
  successThreshold: count.optional(),
  severity: severity.default("critical"),
  reminder: duration().optional(),
  maintenance: maintenance.default([]),
  dependsOn: z.array(z.string()).max(50).default([]),
  flapping: flapping.optional(),
  expect: z
    .strictObject({
      status: status.optional(),
      body: z.string().min(1).max(10_000).optional(),
      bodyMatches: pattern.optional(),
      json: jsonExpectations.optional(),
      maxMs: z.number().positive().optional(),
      exitCode: z.union([exitCode, z.array(exitCode).min(1)]).optional(),
    })
    .optional(),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]).optional(),
  headers: headers.optional(),
  body: z.string().max(100_000).optional(),
  warnDays: z.number().min(0).max(3_650).optional(),
  restart: z
    .strictObject({
      command,
      timeout: duration().prefault("60s"),
      auto: z.boolean().default(false),
      maxPerHour: z.int().min(1).max(60).default(2),
    })
    .optional(),
});

const targetKinds = [
  "http",
  "tcp",
  "tls",
  "dns",
  "icmp",
  "disk",
  "systemd",
  "command",
  "push",
] as const satisfies readonly TargetKind[];

type Fields = z.output<typeof fields>;
type Refusal = readonly [path: string, message: string];

export const rawTarget = fields.superRefine((target, context) => {
  const kinds = targetKinds.filter((kind) => target[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const found = kind === undefined ? "none" : kinds.join(" and ");
    const message = `target "${target.name}" needs exactly one of ${targetKinds.slice(0, -1).join(", ")} or push; it has ${found}`;
    context.addIssue({ code: "custom", message });
    return;
  }
  for (const [path, message] of [...misplaced(target, kind), ...contradictions(target)]) {
    context.addIssue({ code: "custom", path: path.split("."), message });
  }
});

export type RawTarget = z.output<typeof rawTarget>;

/** Which keys only some kinds have. */
const homes: readonly (readonly [path: string, kinds: readonly TargetKind[]])[] = [
  ["method", ["http"]],
  ["headers", ["http"]],
  ["body", ["http"]],
  ["expect.status", ["http"]],
  ["expect.body", ["http"]],
  ["expect.bodyMatches", ["http"]],
  ["expect.json", ["http"]],
  ["expect.maxMs", ["http", "tcp", "icmp", "command"]],
  ["expect.exitCode", ["command"]],
  ["warnDays", ["tls"]],
];

function misplaced(target: Fields, kind: TargetKind): Refusal[] {
  return homes.flatMap(([path, kinds]): Refusal[] => {
    const [first = "", second] = path.split(".");
    const outer: unknown = target[first as keyof Fields];
    const value = second === undefined ? outer : (outer as Record<string, unknown>)?.[second];
    if (value === undefined || kinds.includes(kind)) return [];
    const last = kinds.at(-1) ?? "";
    const named = kinds.length > 1 ? `${kinds.slice(0, -1).join(", ")} and ${last}` : last;
    return [[path, `${path} is only for ${named} targets`]];
  });
}

function contradictions({ method, expect, body, push, disk, ...rest }: Fields): Refusal[] {
  const refusals: Refusal[] = [];
  if (method === "HEAD") {
    for (const key of ["body", "bodyMatches", "json"] as const) {
      if (expect?.[key] !== undefined) {
        refusals.push([`expect.${key}`, "an answer to HEAD has no body; use GET"]);
      }
    }
  }
  if (body !== undefined && (method === undefined || method === "GET" || method === "HEAD")) {
    refusals.push(["body", `${method ?? "GET"} sends no body; say method: "POST"`]);
  }
  if (push) {
    for (const key of ["timeout", "failureThreshold", "successThreshold"] as const) {
      if (rest[key] !== undefined) {
        refusals.push([key, `push targets have no ${key}; push.grace says how late is too late`]);
      }
    }
  }
  if (disk?.minFree !== undefined && disk.maxUsed !== undefined) {
    refusals.push(["disk.maxUsed", "write minFree or maxUsed, not both"]);
  }
  return refusals;
}
