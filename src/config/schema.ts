import { z } from "zod";
import { parseClockRange, parseTimeOfDay } from "../domain/active-hours.ts";
import { duration, formatDuration } from "../domain/duration.ts";
import { leastMs, retentionRules, type RetentionKind } from "../domain/retention.ts";
import { isTimezone } from "../domain/zoned-time.ts";
import { channelsSchema, webAddress } from "./channels.ts";

/** What may stand in `agent.config.ts`, with its defaults. Durations become milliseconds. */

const timezone = () =>
  z.string().refine(isTimezone, {
    error: (issue) => `"${String(issue.input)}" is not an IANA time zone such as "Europe/Berlin"`,
  });

const clockRange = () =>
  z.string().transform((text, context) => {
    const parsed = parseClockRange(text);
    if (parsed.ok) return parsed.range;
    context.issues.push({ code: "custom", message: parsed.problem, input: text });
    return z.NEVER;
  });

const timeOfDay = () =>
  z.string().refine((text) => parseTimeOfDay(text) !== undefined, {
    error: (issue) => `"${String(issue.input)}" is not a time of day such as "08:30"`,
  });

const heartbeat = z.strictObject({
  every: duration().prefault("5m"),
  slack: duration().prefault("1m"),
  activeHours: clockRange().prefault("00:00-24:00"),
});

const modelEntry = z.strictObject({
  model: z.string().min(1),
  baseUrl: z.url().optional(),
  apiKey: z.string().min(1).optional(),
  requestsPerMinute: z.int().positive().optional(),
  tokensPerMinute: z.int().positive().optional(),
});

const budget = z.strictObject({
  perRunUsd: z.number().positive().default(0.5),
  dailyUsd: z.number().positive().default(5),
  monthlyUsd: z.number().positive().default(50),
  perRunTokens: z.int().positive().default(200_000),
  dailyTokens: z.int().positive().default(2_000_000),
});

const limits = z.strictObject({
  stepsPerRun: z.int().positive().default(25),
  toolCallsPerRun: z.int().positive().default(50),
  identicalCalls: z.int().min(2).default(3),
  minutesPerRun: z.number().positive().max(1_440).default(10),
});

/** US dollars per million tokens. */
const price = z.strictObject({
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  cacheRead: z.number().nonnegative().optional(),
  cacheWrite: z.number().nonnegative().optional(),
  cacheWriteHour: z.number().nonnegative().optional(),
});

const model = z.strictObject({
  chain: z
    .array(modelEntry)
    .default([{ model: "claude-sonnet-5-5" }, { model: "claude-haiku-5-5" }]),
  budget: budget.prefault({}),
  limits: limits.prefault({}),
  prices: z.record(z.string().min(1), price).default({}),
  gather: duration().optional(),
});

const grant = z.strictObject({
  tool: z.string().min(1),
  when: z.record(z.string(), z.string()).default({}),
  maxPerDay: z.int().positive(),
  evenIfUntrusted: z.boolean().default(false),
});

const notify = z.strictObject({
  channels: channelsSchema.default({ terminal: { use: "always", severity: "info" } }),
  quietHours: clockRange().optional(),
  digestAt: z
    .union([timeOfDay(), z.array(timeOfDay()).min(1)])
    .transform((times) => [times].flat())
    .prefault("08:30"),
  interruptionsPerDay: z.int().nonnegative().default(8),
  deadMansPing: webAddress().optional(),
});

/** Where a proxy offers the page. No path: links and cookies are of the whole host. */
const publicUrl = () =>
  z
    .url({ protocol: /^https?$/ })
    .refine((text) => !URL.canParse(text) || isOriginOnly(new URL(text)), {
      error: (issue) =>
        `"${String(issue.input)}" must be scheme and host alone, such as "https://watch.example.com"`,
    });

const isOriginOnly = ({ pathname, search, hash, username, password }: URL): boolean =>
  pathname === "/" && `${search}${hash}${username}${password}` === "";

const web = z.strictObject({
  host: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]+$/, {
      error: 'must be an address or a name of this machine, such as "127.0.0.1"',
    })
    .default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(7373),
  publicUrl: publicUrl().optional(),
});

const mcpTool = z.union([
  z.literal(false),
  z.strictObject({
    effect: z.enum(["read", "write", "send", "destroy"]).default("send"),
    trust: z.literal("trusted").optional(),
  }),
]);

const mcpCommon = {
  /** How long connecting, listing and each call may take. */
  timeout: duration().prefault("30s"),
  tools: z.record(z.string().min(1), mcpTool).default({}),
};

const mcpServer = z.union([
  z.strictObject({
    command: z.array(z.string().min(1)).min(1),
    env: z.record(z.string(), z.string()).default({}),
    ...mcpCommon,
  }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    headers: z.record(z.string(), z.string()).default({}),
    ...mcpCommon,
  }),
]);

const mcpName = z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, {
  error: "must be small letters, digits and hyphens",
});

/** How long something is kept, with the least that other parts look back at. */
const kept = (kind: RetentionKind) =>
  duration()
    .refine((ms) => ms >= leastMs(kind), {
      error: (issue) =>
        `${formatDuration(Number(issue.input))} is too short: ${formatDuration(leastMs(kind))} are needed by what looks back`,
    })
    .prefault(`${retentionRules[kind].keep}d`);

const retention = z.strictObject({
  quietBeats: kept("quietBeats"),
  beats: kept("beats"),
  failures: kept("failures"),
  findings: kept("findings"),
  texts: kept("texts"),
  notifications: kept("notifications"),
  steps: kept("steps"),
  runs: kept("runs"),
  effects: kept("effects"),
});

const upkeep = z.strictObject({
  at: timeOfDay().prefault("03:20"),
  prune: z.boolean().default(true),
  weeklyBackups: z.int().min(0).max(520).default(4),
});

const demo = z.strictObject({
  /** Where the small world is written: `mail/` and `calendar.ics`. */
  dir: z.string().min(1),
  /** Port of its tiny services on loopback. */
  port: z.int().min(1).max(65_535),
});

export const configSchema = z.strictObject({
  timezone: timezone().optional(),
  heartbeat: heartbeat.prefault({}),
  model: model.prefault({}),
  skills: z.record(z.string(), z.unknown()).default({}),
  policy: z.strictObject({ grants: z.array(grant).default([]) }).prefault({}),
  notify: notify.prefault({}),
  mcp: z.record(mcpName, mcpServer).default({}),
  web: z.union([z.literal(false), web]).prefault({}),
  retention: retention.prefault({}),
  upkeep: upkeep.prefault({}),
  demo: demo.optional(),
});

export type ParsedConfig = z.output<typeof configSchema>;
/** What a user writes; secrets may stand wherever a string may. */
export type ConfigInput = z.input<typeof configSchema>;
