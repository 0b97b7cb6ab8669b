import { channelWarnings } from "../config/channels.ts";
import type { ResolvedConfig } from "../config/load.ts";
import { formatPath } from "../config/issues.ts";
import { ConfigProblems } from "../config/problems.ts";
import { ConfigError, describeError } from "../domain/errors.ts";
import { whyNoReplies, type ReplyAddress } from "../domain/reply-address.ts";
import { missingPrices, pricesWith } from "../model/pricing.ts";
import { isSkillName } from "../skills/find.ts";
import { loadSkills, silentSkillLog } from "../skills/load.ts";
import { refuseExposed } from "../web/exposure.ts";
import { loadConfigFor, type CommandContext } from "./context.ts";
import { grantWarnings } from "./grant-warnings.ts";
import { toolsWithin } from "./tools.ts";

/** What `config check` found; `ok` when the daemon would start with all of its skills. */
export interface ConfigReport {
  readonly ok: boolean;
  readonly file: string;
  readonly skills: readonly string[];
  readonly checks: readonly string[];
  /** Skills that are switched off because they cannot be loaded. */
  readonly broken: readonly { name: string; origin: string; error: string }[];
  /** What keeps the daemon from starting. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Gathers everything that is wrong, so that it can be mended in one go. */
export async function inspectConfig(context: CommandContext): Promise<ConfigReport> {
  const { configFile: file, packageInfo, stateDir } = context;
  const nothing = { ok: false, file, skills: [], checks: [], broken: [], warnings: [] };
  let config: ResolvedConfig;
  try {
    config = await loadConfigFor(context);
  } catch (error) {
    return { ...nothing, problems: problemsOf(error) };
  }
  const { skills, broken, warnings, ...found } = await inspectSkills(config, {
    builtinSkillsDir: packageInfo.builtinSkillsDir,
    stateDir,
  });
  const problems = [...pageProblems(config, stateDir), ...found.problems];
  const checks = skills.flatMap((skill) => skill.checks.map(({ name }) => name));
  for (const skill of skills) await skill.close();
  return {
    ok: broken.length === 0 && problems.length === 0,
    file,
    skills: skills.map(({ name }) => name),
    checks,
    broken,
    problems,
    warnings: [
      ...config.secretWarnings,
      ...channelWarnings(config.notify.channels),
      ...missingPrices(
        config.model.chain.map(({ model }) => model),
        pricesWith(config.model.prices),
      ),
      ...sharedNames(
        config,
        skills.map(({ name }) => name),
      ),
      ...(problems.length === 0
        ? grantWarnings(
            config,
            [...toolsWithin(skills, stateDir).keys()],
            [...broken.map(({ name }) => name), ...Object.keys(config.mcp)],
          )
        : []),
      ...warnings,
      ...replyWarnings(
        config,
        skills.flatMap(({ repliesAt }) => repliesAt),
      ),
      ...(checks.length === 0 && problems.length === 0
        ? ["no skill has a check: nothing would be watched"]
        : []),
    ],
  };
}

/** A server and a skill of one name call their tools alike. */
function sharedNames({ mcp }: ResolvedConfig, skills: readonly string[]): readonly string[] {
  return Object.keys(mcp).flatMap((name) => {
    const who = skills.includes(name)
      ? `the skill "${name}" has`
      : isSkillName(name)
        ? undefined
        : "tools that are always there have";
    return who === undefined
      ? []
      : [
          `${formatPath("", ["mcp", name])}: ${who} this name, and of two tools of one name the server's is left out; name the server otherwise`,
        ];
  });
}

/** Questions are then mailed without a word on replies. */
function replyWarnings(
  { notify }: ResolvedConfig,
  repliesAt: readonly ReplyAddress[],
): readonly string[] {
  const { email } = notify.channels;
  const why = email ? whyNoReplies(email.from, repliesAt) : null;
  return why === null
    ? []
    : [`notify.channels.email: approvals cannot be answered by e-mail: ${why}`];
}

function pageProblems({ web }: ResolvedConfig, stateDir: string): readonly string[] {
  try {
    if (web) refuseExposed(web, stateDir);
    return [];
  } catch (error) {
    return problemsOf(error);
  }
}

async function inspectSkills(
  config: ResolvedConfig,
  places: { readonly builtinSkillsDir: string; readonly stateDir: string },
) {
  const warned = new Set<string>();
  const logFor = (skill: string) => ({
    ...silentSkillLog(),
    warn: (message: string) => void warned.add(`${skill}: ${message}`),
  });
  const dependencies = { ...places, logFor };
  const problems: string[] = [];
  // One by one first: the first mistake must not hide those of other skills.
  for (const entry of config.skills) {
    try {
      const { skills } = await loadSkills({ ...config, skills: new Map([entry]) }, dependencies);
      for (const skill of skills) await skill.close();
    } catch (error) {
      problems.push(...problemsOf(error));
    }
  }
  if (problems.length > 0) return { skills: [], broken: [], problems, warnings: [...warned] };
  try {
    const loaded = await loadSkills(config, dependencies);
    return { ...loaded, problems, warnings: [...warned] };
  } catch (error) {
    return { skills: [], broken: [], problems: problemsOf(error), warnings: [...warned] };
  }
}

/** The owner's mistakes as lines; what is none of theirs is thrown on. */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigProblems) return error.problems;
  if (error instanceof ConfigError) return [describeError(error)];
  throw error;
}
