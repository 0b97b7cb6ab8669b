import { ownTools, type OwnToolStore } from "../agent/own-tools.ts";
import { describeIssues, nearestOf } from "../config/issues.ts";
import type { ResolvedConfig } from "../config/load.ts";
import { ConfigError, describeError } from "../domain/errors.ts";
import type { ToolEffect } from "../domain/policy.ts";
import { effectOf } from "../effects/fit.ts";
import {
  loadSkills,
  silentSkillLog,
  toolsOf,
  type LoadedSkill,
  type LoadedTool,
} from "../skills/load.ts";
import { pinnedTool } from "../mcp/pinned-tool.ts";
import { knownMail } from "./known-mail.ts";
import { loadConfigFor, readStore, type CommandContext } from "./context.ts";
import { quoted } from "./text.ts";

/** The tools of the config, for commands that look at one without a watch. */
export interface OpenTools extends AsyncDisposable {
  readonly config: ResolvedConfig;
  readonly skills: readonly LoadedSkill[];
  /** By name: of skills, of MCP servers as they were accepted, and those that are always there. */
  readonly all: ReadonlyMap<string, LoadedTool>;
  /** @throws ConfigError with the nearest name when there is none of that name. */
  get(name: string): LoadedTool;
}

export async function openTools(context: CommandContext): Promise<OpenTools> {
  const { packageInfo, stateDir, err } = context;
  const config = await loadConfigFor(context);
  const { builtinSkillsDir } = packageInfo;
  const { skills, broken } = await loadSkills(config, {
    builtinSkillsDir,
    stateDir,
    logFor: silentSkillLog,
    notificationMail: knownMail(stateDir),
  });
  for (const { name, error } of broken) {
    err.write(`watchkeeper: the skill ${name} is off: ${quoted(error)}\n`);
  }
  const tools = new Map([
    ...toolsWithin(skills, stateDir),
    ...(await pinnedTools(context, config)),
  ]);
  return {
    config,
    skills,
    all: tools,
    get(name) {
      const tool = tools.get(name);
      if (tool) return tool;
      const nearest = nearestOf(name, [...tools.keys()]);
      throw new ConfigError("TOOL_UNKNOWN", `there is no tool "${name}"`, {
        hint: nearest ? `Did you mean "${nearest}"?` : "`watchkeeper skills` lists them",
      });
    },
    async [Symbol.asyncDispose]() {
      for (const skill of skills) await skill.close();
    },
  };
}

/** Those of the skills and those that are always there, to be looked at and not called. */
export const toolsWithin = (
  skills: readonly LoadedSkill[],
  stateDir: string,
): ReadonlyMap<string, LoadedTool> =>
  toolsOf([
    ...skills,
    { tools: ownTools({ store: uncalled, log: silentSkillLog(), skills, stateDir }) },
  ]);

const refuseCall = () => Promise.reject(new Error("a command that looks at a tool calls none"));
const uncalled: OwnToolStore = {
  addMemory: refuseCall,
  removeMemory: refuseCall,
  searchMemories: refuseCall,
};

/** Of MCP servers: as they were accepted, as nobody is connected to them here. */
async function pinnedTools(
  context: CommandContext,
  { mcp }: ResolvedConfig,
): Promise<(readonly [string, LoadedTool])[]> {
  if (Object.keys(mcp).length === 0) return [];
  await using store = readStore(context);
  return ((await store?.listToolPins()) ?? []).flatMap((pin) => {
    const settings = Object.hasOwn(mcp, pin.server) ? mcp[pin.server] : undefined;
    const tool = settings && pinnedTool(pin, settings.tools);
    return tool ? [[pin.name, tool] as const] : [];
  });
}

/** Reads arguments as a person types them. @throws ConfigError when they are not JSON. */
export function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("ARGUMENTS_NOT_JSON", "the arguments are not JSON", {
      cause,
      hint: `Write an object in single quotes, such as '{"to": "a@example.com"}'`,
    });
  }
}

/** What the tool makes of the arguments. @throws ConfigError when they do not fit it. */
export function fitArguments(
  { name, definition }: LoadedTool,
  given: unknown,
  schema = definition.input,
): { readonly input: unknown; readonly effect: ToolEffect } {
  const misfit = (why: string) =>
    new ConfigError("ARGUMENTS_INVALID", `the arguments do not fit ${name}: ${why}`);
  let problems: string[];
  try {
    const parsed = schema.safeParse(given, { reportInput: true });
    if (parsed.success) {
      const input: unknown = parsed.data;
      return { input, effect: effectOf({ definition }, input) };
    }
    problems = describeIssues(schema, parsed.error.issues, "arguments");
  } catch (error) {
    throw misfit(describeError(error));
  }
  throw misfit(problems.slice(0, 5).join("; "));
}

/** What a tool does to the world, for a list. */
export const effectWords = ({ definition: { effect } }: LoadedTool): string =>
  typeof effect === "function" ? "depends on its input" : effect;
