import { validateHeaderName, validateHeaderValue } from "node:http";
import { duration, z } from "watchkeeper";
import type { Severity } from "watchkeeper";

/** The skill's part of `agent.config.ts`: read once, defaults filled in, one type per kind of target. */
export interface ServicesConfig {
  readonly timeoutMs: number;
  readonly targets: readonly Target[];
}

interface TargetBase {
  /** Unique; the check is `services/NAME`. */
  readonly name: string;
  readonly everyMs: number;
  /** Failures in a row until it is down, successes in a row until it is up again. */
  readonly failureThreshold: number;
  readonly successThreshold: number;
  /** Of being down; being slow or running out is never worse than this. */
  readonly severity: Severity;
  readonly restart?: RestartCommand;
}

export interface RestartCommand {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly timeoutMs: number;
}

export interface HttpTarget extends TargetBase {
  readonly kind: "http";
  readonly url: string;
  readonly method: "GET" | "HEAD" | "POST" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: HttpExpectation;
}

export interface HttpExpectation {
  readonly status: ExpectedStatus;
  /** Text that must be in the first megabyte of the body. */
  readonly body?: string;
  readonly maxMs?: number;
}

/** One status, several, or a class such as `2xx`. */
export type ExpectedStatus = number | readonly number[] | string;

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

export type Target = HttpTarget | TcpTarget | TlsTarget;
export type TargetKind = Target["kind"];

const count = z.int().min(1).max(1_000);
const status = z.int().min(100).max(599);
const severity = z.enum(["info", "notice", "warning", "critical"]) satisfies z.ZodType<Severity>;

const url = z.string().superRefine((text, context) => {
  const parsed = URL.parse(text);
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    // It may hold a secret: it is not repeated.
    context.addIssue('this is not a web address; write one such as "https://example.com/health"');
  } else if (parsed.username || parsed.password) {
    context.addIssue(
      "user and password do not belong in the address; write an Authorization header under headers",
    );
  }
});

const address = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  context.addIssue(`"${text}" is not host:port; write "db.example.com:5432" or "[::1]:5432"`);
  return z.NEVER;
});

const headers = z.record(z.string(), z.string()).superRefine((record, context) => {
  for (const [name, value] of Object.entries(record)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      // The value may be a secret: it is not repeated.
      context.addIssue({
        code: "custom",
        path: [name],
        message: `"${name}" is not a valid header`,
      });
    }
  }
});

const rawTarget = z
  .strictObject({
    name: z
      .string()
      .max(64)
      .regex(/^[a-z0-9-]+$/, "a target's name has only small letters, digits and hyphens"),
    http: url.optional(),
    tcp: address.optional(),
    tls: address.optional(),
    push: z
      .never("push targets come with a later version of Watchkeeper; leave this target out for now")
      .optional(),
    every: duration().optional(),
    failureThreshold: count.optional(),
    successThreshold: count.optional(),
    severity: severity.default("critical"),
    expect: z
      .strictObject({
        status: z
          .union([
            status,
            z.array(status).min(1),
            z
              .string()
              .regex(/^[1-5]xx$/, 'a status is a number, a list of them, or a class such as "2xx"'),
          ])
          .optional(),
        body: z.string().min(1).max(10_000).optional(),
        maxMs: z.number().positive().optional(),
      })
      .optional(),
    method: z.enum(["GET", "HEAD", "POST", "OPTIONS"]).optional(),
    headers: headers.optional(),
    warnDays: z.number().min(0).max(3_650).optional(),
    restart: z
      .strictObject({
        command: z
          .array(
            z
              .string()
              .min(1)
              .refine((word) => !word.includes("\0"), "a command has no NUL in it"),
          )
          .min(1),
        timeout: duration().prefault("60s"),
      })
      .optional(),
  })
  .superRefine((target, context) => {
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    const kinds = (["http", "tcp", "tls"] as const).filter((kind) => target[kind] !== undefined);
    if (kinds.length !== 1) {
      const found = kinds.length === 0 ? "none" : kinds.join(" and ");
      return issue(
        [],
        `target "${target.name}" needs exactly one of http, tcp or tls; it has ${found}`,
      );
    }
    const kind = kinds[0];
    const { expect, method } = target;
    // What would be ignored is refused: the owner believes that it is watched for.
    for (const key of ["method", "headers"] as const) {
      if (target[key] !== undefined && kind !== "http")
        issue([key], `${key} is only for http targets`);
    }
    for (const key of ["status", "body"] as const) {
      if (expect?.[key] !== undefined && kind !== "http") {
        issue(["expect", key], `expect.${key} is only for http targets`);
      }
    }
    if (expect?.maxMs !== undefined && kind === "tls") {
      issue(["expect", "maxMs"], "expect.maxMs is only for http and tcp targets");
    }
    if (target.warnDays !== undefined && kind !== "tls") {
      issue(["warnDays"], "warnDays is only for tls targets");
    }
    if (expect?.body !== undefined && method === "HEAD") {
      issue(["expect", "body"], "an answer to HEAD has no body; use GET");
    }
  });

type RawTarget = z.output<typeof rawTarget>;
type SharedDefaults = Pick<TargetBase, "everyMs" | "failureThreshold" | "successThreshold">;

export const servicesConfig = z
  .strictObject({
    every: duration().prefault("1m"),
    failureThreshold: count.default(3),
    successThreshold: count.default(2),
    timeout: duration().prefault("10s"),
    targets: z.array(rawTarget).max(1_000),
  })
  .superRefine(({ targets }, context) => {
    const names = new Set<string>();
    for (const [index, { name }] of targets.entries()) {
      if (names.has(name)) {
        const message = `another target is named "${name}" already`;
        context.addIssue({ code: "custom", path: ["targets", index, "name"], message });
      }
      names.add(name);
    }
  })
  .transform(({ every, failureThreshold, successThreshold, timeout, targets }): ServicesConfig => {
    const shared = { everyMs: every, failureThreshold, successThreshold };
    return { timeoutMs: timeout, targets: targets.map((target) => resolveTarget(target, shared)) };
  });

function resolveTarget(raw: RawTarget, shared: SharedDefaults): Target {
  const [program = "", ...args] = raw.restart?.command ?? [];
  const base: TargetBase = {
    name: raw.name,
    everyMs: raw.every ?? shared.everyMs,
    failureThreshold: raw.failureThreshold ?? shared.failureThreshold,
    successThreshold: raw.successThreshold ?? shared.successThreshold,
    severity: raw.severity,
    ...(raw.restart && {
      restart: { command: [program, ...args], timeoutMs: raw.restart.timeout },
    }),
  };
  const { status: expectedStatus = "2xx", body, maxMs } = raw.expect ?? {};
  const maxima = maxMs === undefined ? {} : { maxMs };
  if (raw.tcp) return { ...base, kind: "tcp", ...raw.tcp, ...maxima };
  if (raw.tls) return { ...base, kind: "tls", ...raw.tls, warnDays: raw.warnDays ?? 14 };
  return {
    ...base,
    kind: "http",
    url: raw.http ?? "",
    method: raw.method ?? "GET",
    headers: raw.headers ?? {},
    expect: { status: expectedStatus, ...(body !== undefined && { body }), ...maxima },
  };
}
