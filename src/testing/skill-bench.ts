import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { z } from "zod";
import { ConfigError, SkillError, ToolError } from "../domain/errors.ts";
import type {
  ObserveInput,
  ObserveResult,
  Push,
  SkillContext,
  SkillDefinition,
  SkillLog,
} from "../skills/define.ts";
import { noNotificationMail, type NotificationMail } from "../skills/notification-mail.ts";

/** Runs one check or one tool of a skill on its own, without a daemon. */

export interface BenchOptions {
  /** The skill's part of `agent.config.ts`, as the owner would write it. Default: `{}`. */
  readonly config?: unknown;
  /** Default: the current time. */
  readonly now?: Date;
  /** Default `UTC`. */
  readonly timezone?: string;
  /** Where relative paths in the config start. Default: the working directory. */
  readonly baseDir?: string;
  /** The skill's own folder for state. Default: `state/skills` in the working directory, not made. */
  readonly stateDir?: string;
  /** Told when the skill asks for an early look. Default: nobody. */
  readonly wake?: (check: string) => void;
  /** Default: one that knows no mail of the daemon's, and takes no answer. */
  readonly notificationMail?: NotificationMail;
  /** Default: one that is never aborted. */
  readonly signal?: AbortSignal;
  /** Default: says nothing. */
  readonly log?: SkillLog;
}

export interface LookOptions extends BenchOptions {
  /** What the last look returned. Default `null`: the first look. */
  readonly cursor?: unknown;
  /** Pushes that have come, by name. Default: none. */
  readonly pushes?: ReadonlyMap<string, Push>;
  /** Stands in for the read tools of all skills. Default: there are none. */
  readonly callTool?: (name: string, input: unknown) => Promise<unknown>;
}

/**
 * Looks once through a check and returns what it saw.
 * @throws ConfigError when the config does not fit, SkillError when there is no such check, and
 * whatever the check throws.
 * @example
 * const result = await look(skill, "queue", { config: { folder: "./testdata" } });
 * expect(result.observations.map((observation) => observation.key)).toEqual(["job-7"]);
 */
export async function look<Config>(
  skill: SkillDefinition<Config>,
  checkName: string,
  options: LookOptions = {},
): Promise<ObserveResult> {
  const context = contextOf(skill, options);
  try {
    const check = pick(skill.checks?.(context) ?? {}, checkName, "check");
    return await check.observe(lookInput(options));
  } finally {
    await skill.close?.();
  }
}

/** What a check's `observe` is given, with every part that you do not name at its default. */
export function lookInput(options: LookOptions = {}): ObserveInput {
  return {
    cursor: options.cursor ?? null,
    signal: options.signal ?? new AbortController().signal,
    now: options.now ?? new Date(),
    log: options.log ?? silentLog,
    pushes: options.pushes ?? new Map(),
    callTool: options.callTool ?? noTool,
  };
}

const noTool = (name: string): Promise<unknown> =>
  Promise.reject(new ToolError("TOOL_MISSING", `there is no tool "${name}"`));

export interface ToolCallOptions extends BenchOptions {
  /** Default: a new one for each call. */
  readonly idempotencyKey?: string;
  /** What the skill's checks last returned as `cursor`, by the check's name. Default: none has looked. */
  readonly cursors?: Readonly<Record<string, unknown>>;
}

/**
 * Calls a tool as the agent would, its input validated first, and returns what it returned.
 * @throws ToolError when the input does not fit, ConfigError, SkillError, and whatever the tool throws.
 */
export async function callTool<Config>(
  skill: SkillDefinition<Config>,
  toolName: string,
  input: unknown,
  options: ToolCallOptions = {},
): Promise<unknown> {
  const context = contextOf(skill, options);
  try {
    const tool = pick(skill.tools?.(context) ?? {}, toolName, "tool");
    const parsed = await tool.input.safeParseAsync(input);
    if (!parsed.success) {
      throw new ToolError("TOOL_INPUT_INVALID", `${toolName}: ${issues(parsed.error)}`, {
        hint: "Give the tool what its input schema describes",
      });
    }
    const result: unknown = await tool.run(parsed.data, {
      signal: options.signal ?? new AbortController().signal,
      idempotencyKey: options.idempotencyKey ?? randomUUID(),
      trust: "trusted",
      runId: null,
      now: options.now ?? new Date(),
      log: context.log,
      cursorOf: async (check) => options.cursors?.[check] ?? null,
    });
    return result;
  } finally {
    await skill.close?.();
  }
}

const silence = (): void => undefined;
const silentLog: SkillLog = { debug: silence, info: silence, warn: silence };

function contextOf<Config>(
  skill: SkillDefinition<Config>,
  options: BenchOptions,
): SkillContext<Config> {
  const { config = {} } = options;
  const schema: z.ZodType<Config> | undefined = skill.config;
  const parsed = schema?.safeParse(config);
  if (parsed && !parsed.success) {
    throw new ConfigError("SKILL_CONFIG_INVALID", issues(parsed.error), {
      hint: "Give look() and callTool() the config that the skill's schema describes",
    });
  }
  // A skill without a schema takes what it is given.
  return skillContext(parsed?.data as Config, options);
}

/** What a skill is given when it is loaded, with every part that you do not name at its default. */
export function skillContext<Config>(
  config: Config,
  options: Omit<BenchOptions, "config"> = {},
): SkillContext<Config> {
  return {
    config,
    timezone: options.timezone ?? "UTC",
    baseDir: options.baseDir ?? process.cwd(),
    stateDir: options.stateDir ?? join(process.cwd(), "state", "skills"),
    wake: options.wake ?? silence,
    notificationMail: options.notificationMail ?? noNotificationMail,
    log: options.log ?? silentLog,
  };
}

function pick<Item>(items: Readonly<Record<string, Item>>, name: string, kind: string): Item {
  const item = Object.hasOwn(items, name) ? items[name] : undefined;
  if (item !== undefined) return item;
  const known = Object.keys(items).join(", ") || "none";
  throw new SkillError(
    `SKILL_${kind.toUpperCase()}_UNKNOWN`,
    `the skill has no ${kind} "${name}"`,
    {
      hint: `It has: ${known}`,
    },
  );
}

const issues = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message))
    .join("; ");
