import { validateHeaderName, validateHeaderValue } from "node:http";
import { isIP } from "node:net";
import { Cron } from "croner";
import { duration, z } from "watchkeeper";
import type { DiskShare, ExpectedValue, MaintenanceWindow } from "./target.ts";

/** The smaller things that an owner writes about a target, each read and refused in one line. */

export const url = z.string().superRefine((text, context) => {
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

export const address = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  context.addIssue(`"${text}" is not host:port; write "db.example.com:5432" or "[::1]:5432"`);
  return z.NEVER;
});

/** A host for a program's command line: nothing in it can be taken for an option. */
export const host = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_:][A-Za-z0-9._:-]*$/, "a host is a name or an address, without a port");

export const nameServer = z.string().superRefine((text, context) => {
  const [, bare = text] = /^\[?([^\]]+?)\]?(?::\d{1,5})?$/.exec(text) ?? [];
  if (isIP(text) === 0 && isIP(bare) === 0) {
    context.addIssue(
      `"${text}" is not the address of a name server; write "192.0.2.53" or "192.0.2.53:5353"`,
    );
  }
});

export const headers = z.record(z.string(), z.string()).superRefine((record, context) => {
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

export const command = z
  .array(
    z
      .string()
      .min(1)
      .refine((word) => !word.includes("\0"), "a command has no NUL in it"),
  )
  .min(1);

const statusNumber = z.int().min(100).max(599);
const oneStatus = z.union([
  statusNumber,
  z
    .string()
    .regex(
      /^(?:[1-5]xx|[1-5]\d\d-[1-5]\d\d)$/,
      'a status is a number, a class such as "2xx", a range such as "200-299", or a list of them',
    ),
]);
export const status = z.union([oneStatus, z.array(oneStatus).min(1)]);

export const pattern = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((text, context) => {
    try {
      new RegExp(text, "u");
    } catch (error) {
      const why = error instanceof Error ? error.message.replace(/^.*: /, "") : "unreadable";
      context.addIssue(`this is not a regular expression: ${why}`);
    }
  });

const range = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min !== undefined || max !== undefined, "say min, max, or both");

const jsonPath = /^(?:[^.[\]]+|\[\d{1,6}\])(?:\.[^.[\]]+|\[\d{1,6}\])*$/;

export const jsonExpectations = z
  .record(
    z.string().max(200),
    z.union([
      z.string(),
      z.number(),
      z.boolean(),
      z.null(),
      range,
    ]) satisfies z.ZodType<ExpectedValue>,
  )
  .superRefine((record, context) => {
    for (const path of Object.keys(record)) {
      if (jsonPath.test(path)) continue;
      const message = `"${path}" is not a path; write one such as "checks[0].state"`;
      context.addIssue({ code: "custom", path: [path], message });
    }
  });

const units: Readonly<Record<string, number>> = {
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export const diskShare = z.string().transform((text, context): DiskShare => {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?) ?(%|[KMGT]i?B)$/.exec(text.trim()) ?? [];
  const amount = Number(digits);
  if (unit === "%" && amount <= 100) return { percent: amount };
  const factor = units[unit];
  if (factor !== undefined) return { bytes: amount * factor };
  context.addIssue(`"${text}" is not an amount of disk; write "10%" or "20GB"`);
  return z.NEVER;
});

const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const rawWindow = z
  .strictObject({
    cron: z.string().max(200).optional(),
    at: z
      .string()
      .regex(/^(?:[01]?\d|2[0-3]):[0-5]\d$/, 'a time of day is written such as "02:30"')
      .optional(),
    days: z.array(z.enum(weekdays)).min(1).optional(),
    duration: duration(),
  })
  .transform(({ cron, at, days, duration: durationMs }, context): MaintenanceWindow => {
    if ((cron === undefined) === (at === undefined)) {
      context.addIssue('a window begins at "cron" or at "at": write one of them');
      return z.NEVER;
    }
    if (cron !== undefined && days !== undefined) {
      context.addIssue("days belong to at; a cron expression says its own");
      return z.NEVER;
    }
    const [hour, minute] = (at ?? "").split(":").map(Number);
    const expression = cron ?? `${minute} ${hour} * * ${days?.join(",") ?? "*"}`;
    const problem = cronProblem(expression);
    if (problem === undefined) return { cron: expression, durationMs };
    context.addIssue(problem);
    return z.NEVER;
  });

export const maintenance = z.array(rawWindow).max(50);

function cronProblem(expression: string): string | undefined {
  const wrong = `"${expression.slice(0, 40)}" is not a cron expression; write five fields, such as "0 2 * * sun"`;
  if (expression.trim().split(/\s+/).length !== 5) return wrong;
  try {
    return new Cron(expression, { paused: true }).nextRun() ? undefined : wrong;
  } catch {
    return wrong;
  }
}
