import { loadConfig } from "../../config/load.ts";
import { offerPublicApi } from "../../config/user-module.ts";
import { loadSkills, silentSkillLog } from "../../skills/load.ts";
import { exit, type CommandContext } from "../context.ts";
import { plural, wrap } from "../text.ts";

/** Reads the config and loads its skills, as `start` would, without starting anything. */
export async function checkConfig(context: CommandContext): Promise<number> {
  const { configFile: file, environment, packageInfo, json, out, err } = context;
  offerPublicApi(packageInfo.root);
  const config = await loadConfig({ file, environment });
  const { builtinSkillsDir } = packageInfo;
  const { skills, broken } = await loadSkills(config, { builtinSkillsDir, logFor: silentSkillLog });
  const checks = skills.flatMap((skill) => skill.checks.map(({ name }) => name));
  for (const skill of skills) await skill.close();
  const warnings = [
    ...config.unused.map((part) => `${part} is understood, but not used by this version yet`),
    ...(checks.length === 0 ? ["no skill has a check: nothing would be watched"] : []),
  ];
  if (json) {
    const names = skills.map(({ name }) => name);
    const view = { ok: broken.length === 0, file, skills: names, checks, broken, warnings };
    out.write(`${JSON.stringify(view, null, 2)}\n`);
    return broken.length > 0 ? exit.wrongUse : exit.done;
  }
  for (const warning of warnings) out.write(`${wrap(`warning: ${warning}`, out.columns, "  ")}\n`);
  for (const { name, error } of broken) err.write(`watchkeeper: the skill ${name} cannot be used: ${error}\n`);
  if (broken.length > 0) return exit.wrongUse;
  out.write(`${file} is in order: ${plural(skills.length, "skill")}, ${plural(checks.length, "check")}.\n`);
  return exit.done;
}
