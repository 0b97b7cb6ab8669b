import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { describeIssues, formatPath } from "../config/issues.ts";
import { importUserModule } from "../config/user-module.ts";
import { canonicalJson } from "../domain/canonical.ts";
import { parseDuration } from "../domain/duration.ts";
import { ConfigError, describeError, SkillError } from "../domain/errors.ts";
import type { ToolEffect } from "../domain/policy.ts";
import type { ReplyAddress } from "../domain/reply-address.ts";
import { createScrub, type Scrub } from "../domain/scrub.ts";
import { parseSchedule, type Schedule } from "../domain/schedule.ts";
import type {
  AnyTool,
  CheckDefinition,
  PushDefinition,
  SkillContext,
  SkillDefinition,
  SkillLog,
} from "./define.ts";
import { findSkill, isSkillName, readSkillFile } from "./find.ts";
import { noNotificationMail, type NotificationMail } from "./notification-mail.ts";

/** Finding, loading and validating the skills that the config names. */

export interface LoadedCheck {
  /** Full name, `skill/check`. */
  readonly name: string;
  readonly skill: string;
  readonly schedule: Schedule;
  readonly timeoutMs: number;
  readonly observe: CheckDefinition["observe"];
  readonly log: SkillLog;
}

/** A name under which pushes are taken. */
export interface LoadedPush {
  readonly name: string;
  readonly skill: string;
  /** Full name of the check that looks when one has come. */
  readonly check: string;
  /** Null: derived from the daemon's own secret. */
  readonly key: string | null;
}

export interface LoadedTool {
  /** `skill_tool`. */
  readonly name: string;
  readonly skill: string;
  readonly definition: AnyTool;
  /** Changes with what the tool says of itself: an approval holds for one version. */
  readonly version: string;
  readonly timeoutMs: number;
  readonly log: SkillLog;
  /** Of a tool whose writes every later run trusts: it is always put to the owner, whatever grants say. */
  readonly asked?: AskedTool;
}

/** How a call becomes what the owner is shown. */
export interface AskedTool {
  /** What the agent gives; the definition's own input is what the owner is shown, and what is carried out. */
  readonly input: z.ZodType;
  /** @throws ToolError when there is nothing to put to the owner */
  shown(input: unknown): Promise<unknown>;
}

export interface LoadedSkill {
  readonly name: string;
  /** `built-in`, or the folder. */
  readonly origin: string;
  /** Its folder, absolute. */
  readonly dir: string;
  /** As its SKILL.md says, if it does. */
  readonly version: string | undefined;
  readonly description: string;
  readonly instructions: string;
  /** What in its SKILL.md is read otherwise than it was meant, one line each. */
  readonly notes: readonly string[];
  readonly checks: readonly LoadedCheck[];
  readonly tools: readonly LoadedTool[];
  readonly pushes: readonly LoadedPush[];
  /** Where it sees the owner's replies by e-mail. */
  readonly repliesAt: readonly ReplyAddress[];
  /** Work beside the checks; undefined when there is none. */
  readonly background: ((signal: AbortSignal) => Promise<void>) | undefined;
  close(): Promise<void>;
}

/** All tools of the skills, by name. */
export const toolsOf = (
  skills: readonly Pick<LoadedSkill, "tools">[],
): ReadonlyMap<string, LoadedTool> =>
  new Map(skills.flatMap(({ tools }) => tools).map((tool) => [tool.name, tool]));

/** A skill that cannot be used; the others go on without it. */
export interface BrokenSkill {
  readonly name: string;
  readonly origin: string;
  readonly error: string;
}

export interface SkillSettings {
  readonly skills: ReadonlyMap<string, unknown>;
  readonly baseDir: string;
  readonly timezone: string;
  readonly heartbeat: { readonly everyMs: number };
  /** Taken out of what is said of a config or a skill that is wrong. */
  readonly secrets?: readonly string[];
}

export interface LoadDependencies {
  readonly builtinSkillsDir: string;
  readonly logFor: (skill: string) => SkillLog;
  /** The state directory; skills get folders of their own in it. */
  readonly stateDir: string;
  /** Asks for an early look of a check, by its full name. Absent where nobody keeps watch. */
  readonly wake?: (check: string) => void;
  /** Absent where nothing is sent by mail, nor answered. */
  readonly notificationMail?: NotificationMail;
  /** Gives a folder's default export; injected where skills are not built files. */
  readonly importModule?: (file: string) => Promise<unknown>;
}

/** For commands that load skills only to look at them. */
export const silentSkillLog = (): SkillLog => ({ debug() {}, info() {}, warn() {} });

const defaultTimeoutMs = 30_000;
const partPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const effects: readonly ToolEffect[] = ["read", "write", "send", "destroy"];
const toolPattern = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Loads all skills that the config names, in the config's order.
 * @throws ConfigError when a skill is not there or its config is wrong: that is the owner's to mend.
 */
export async function loadSkills(
  settings: SkillSettings,
  dependencies: LoadDependencies,
): Promise<{ skills: LoadedSkill[]; broken: BrokenSkill[] }> {
  const skills: LoadedSkill[] = [];
  const broken: BrokenSkill[] = [];
  const scrub = createScrub(settings.secrets ?? []);
  const found = [...settings.skills].map(([key, config]) => ({
    key,
    config,
    ...findSkill(key, settings.baseDir, dependencies.builtinSkillsDir),
  }));
  for (const { key, config, dir, origin } of found) {
    const name = basename(dir);
    try {
      if (skills.some((skill) => skill.name === name)) {
        throw new ConfigError("SKILL_TWICE", `skills: two skills are named "${name}"`, {
          hint: "Rename the folder of one",
        });
      }
      const skill = await loadSkill({ key, name, dir, origin, config }, settings, dependencies);
      refuseKnownTools(skill, skills);
      skills.push(skill);
    } catch (error) {
      if (
        error instanceof ConfigError &&
        error.code !== "MODULE_UNLOADABLE" &&
        error.code !== "NO_DEFAULT_EXPORT"
      )
        throw error;
      broken.push({ name, origin, error: scrub(describeError(error)) });
    }
  }
  return { skills, broken };
}

/** Two tools of one name would make the provider refuse every request. */
function refuseKnownTools(skill: LoadedSkill, others: readonly LoadedSkill[]): void {
  const known = new Map(
    others.flatMap(({ tools }) => tools.map((tool) => [tool.name, tool.skill])),
  );
  const twice = skill.tools.find(({ name }) => known.has(name));
  if (!twice) return;
  throw new SkillError(
    "TOOL_TWICE",
    `its tool ${twice.name} has the name of one of the skill "${known.get(twice.name) ?? ""}"`,
    { hint: "Rename one of the two" },
  );
}

interface FoundSkill {
  readonly key: string;
  readonly name: string;
  readonly dir: string;
  readonly origin: string;
  readonly config: unknown;
}

async function loadSkill(
  { key, name, dir, origin, config }: FoundSkill,
  settings: SkillSettings,
  {
    logFor,
    stateDir,
    wake,
    notificationMail = noNotificationMail,
    importModule = importUserModule,
  }: LoadDependencies,
): Promise<LoadedSkill> {
  if (!isSkillName(name)) {
    throw new SkillError("SKILL_NAME_INVALID", `"${name}" is not a skill's name`, {
      hint: "Name its folder with small letters, digits and hyphens; watchkeeper, memory, skill and standing-orders are taken",
    });
  }
  const { description, instructions, version, notes } = readSkillFile(dir);
  const log = logFor(name);
  const code = ["index.ts", "index.js"].map((entry) => join(dir, entry)).find(existsSync);
  const base = { name, origin, dir, version, description, instructions, notes };
  const close = () => Promise.resolve();
  const nothing = { checks: [], tools: [], pushes: [], repliesAt: [], background: undefined };
  if (!code) return { ...base, ...nothing, close };

  const definition = asSkillDefinition(await importModule(code), code);
  const scrub = createScrub(settings.secrets ?? []);
  const parsedConfig = parseConfig(definition, config, formatPath("", ["skills", key]), scrub);
  const context: SkillContext<unknown> = {
    config: parsedConfig,
    timezone: settings.timezone,
    baseDir: settings.baseDir,
    stateDir: join(stateDir, "skills", name),
    wake: (check) => wake?.(`${name}/${check}`),
    notificationMail,
    log,
  };
  const checks = Object.entries(definition.checks?.(context) ?? {}).map(([part, check]) =>
    loadCheck({ skill: name, part, check, log }, settings),
  );
  const tools = Object.entries(definition.tools?.(context) ?? {}).map(([part, tool]) =>
    loadTool({ skill: name, part, tool, log }),
  );
  const pushes = Object.entries(definition.pushes?.(context) ?? {}).map(([part, push]) =>
    loadPush({ skill: name, part, push }, checks),
  );
  return {
    ...base,
    checks,
    tools,
    pushes,
    repliesAt: definition.repliesAt?.(context) ?? [],
    background:
      definition.background && (async (signal) => definition.background?.({ ...context, signal })),
    close: async () => definition.close?.(),
  };
}

function asSkillDefinition(value: unknown, file: string): SkillDefinition {
  const shape = value as SkillDefinition | null;
  const fits =
    typeof shape === "object" &&
    shape !== null &&
    (["checks", "tools", "pushes", "repliesAt", "background", "close"] as const).every((part) =>
      ["undefined", "function"].includes(typeof shape[part]),
    );
  if (fits) return shape;
  throw new SkillError("SKILL_INVALID", `${file} does not export a skill`, {
    hint: "Write `export default defineSkill({ … })`",
  });
}

function parseConfig(
  definition: SkillDefinition,
  config: unknown,
  path: string,
  scrub: Scrub,
): unknown {
  if (!definition.config) return undefined;
  if (!(definition.config instanceof z.ZodType)) {
    throw new SkillError("SKILL_INVALID", "its config is not a zod schema", {
      hint: 'Make it with `z` from "watchkeeper"',
    });
  }
  const schema =
    definition.config instanceof z.ZodObject ? definition.config.strict() : definition.config;
  const parsed = schema.safeParse(config ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    "CONFIG_INVALID",
    scrub(describeIssues(schema, parsed.error.issues, path).join("; ")),
  );
}

function loadCheck(
  {
    skill,
    part,
    check,
    log,
  }: { skill: string; part: string; check: CheckDefinition; log: SkillLog },
  settings: SkillSettings,
): LoadedCheck {
  const name = `${skill}/${part}`;
  const invalid = (message: string, hint: string) =>
    new SkillError("CHECK_INVALID", `${name}: ${message}`, { hint });
  if (!partPattern.test(part)) {
    throw invalid("is not a check's name", "Use letters, digits, hyphens, underscores and dots");
  }
  if (typeof check.observe !== "function") throw invalid("has no observe function", "Add one");
  const parsed = parseSchedule(check, {
    everyMs: settings.heartbeat.everyMs,
    timezone: settings.timezone,
  });
  if (!parsed.ok) {
    throw invalid(parsed.problem, 'Write every: "30m" or cron: "0 8 * * *"');
  }
  const timeoutMs = check.timeout === undefined ? defaultTimeoutMs : parseDuration(check.timeout);
  if (timeoutMs === undefined) {
    throw invalid(`timeout "${check.timeout}" is not a duration`, 'Write one such as "20s"');
  }
  return {
    name,
    skill,
    schedule: parsed.schedule,
    timeoutMs,
    log,
    observe: (input) => check.observe(input),
  };
}

/** `skill_tool`, as the model calls it. */
export const toolName = (skill: string, part: string): string =>
  `${skill.replaceAll("-", "_")}_${part}`;

/** @throws SkillError when the tool is not one. */
export function loadTool({
  skill,
  part,
  tool,
  log,
}: {
  skill: string;
  part: string;
  tool: AnyTool;
  log: SkillLog;
}): LoadedTool {
  const name = toolName(skill, part);
  const invalid = (message: string, hint: string) =>
    new SkillError("TOOL_INVALID", `${name}: ${message}`, { hint });
  if (!toolPattern.test(name)) {
    throw invalid(
      "is not a tool's name",
      "Use letters, digits and underscores, at most 64 with the skill's name",
    );
  }
  if (!(tool.input instanceof z.ZodType)) {
    throw invalid("has no zod schema as input", 'Make it with `z` from "watchkeeper"');
  }
  if (!isObjectSchema(tool.input)) {
    throw invalid("has an input that is not one object", "Wrap it: z.object({ … })");
  }
  if (typeof tool.description !== "string" || !tool.description.trim()) {
    throw invalid("has no description", "Say what it does, when to use it and what comes back");
  }
  if (typeof tool.effect !== "function" && !effects.includes(tool.effect)) {
    throw invalid("has no effect", `Say what it does to the world: ${effects.join(", ")}`);
  }
  if (typeof tool.run !== "function") throw invalid("has no run function", "Add one");
  const timeoutMs = tool.timeout === undefined ? defaultTimeoutMs : parseDuration(tool.timeout);
  if (timeoutMs === undefined) {
    throw invalid(`timeout "${tool.timeout}" is not a duration`, 'Write one such as "20s"');
  }
  return { name, skill, definition: tool, version: versionOf(tool), timeoutMs, log };
}

function loadPush(
  { skill, part, push }: { skill: string; part: string; push: PushDefinition },
  checks: readonly LoadedCheck[],
): LoadedPush {
  const invalid = (message: string, hint: string) =>
    new SkillError("PUSH_INVALID", `${skill}: the push "${part}" ${message}`, { hint });
  if (!partPattern.test(part)) {
    throw invalid("has no usable name", "Use letters, digits, hyphens, underscores and dots");
  }
  const check = `${skill}/${push.check}`;
  if (!checks.some(({ name }) => name === check)) {
    throw invalid(`names no check of the skill`, "Name the check that looks when it has come");
  }
  return { name: part, skill, check, key: push.key ?? null };
}

function versionOf({ description, effect, input }: AnyTool): string {
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const said = {
    description,
    effect: typeof effect === "function" ? "of its input" : effect,
    schema,
  };
  return createHash("sha256").update(canonicalJson(said)).digest("hex").slice(0, 12);
}

/** What the provider takes as a tool's input: one object, not a choice of several. */
function isObjectSchema(schema: z.ZodType): boolean {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return json.type === "object";
}
