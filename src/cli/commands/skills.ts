import { offerPublicApi } from "../../config/user-module.ts";
import { describeSchedule } from "../../domain/schedule.ts";
import { loadSkills, silentSkillLog } from "../../skills/load.ts";
import { exit, loadConfigFor, type CommandContext } from "../context.ts";
import { painterFor, quoted, wrap } from "../text.ts";

export async function listSkills(context: CommandContext): Promise<number> {
  const { environment, packageInfo, stateDir, json, out } = context;
  offerPublicApi(packageInfo.root);
  const config = await loadConfigFor(context);
  const { builtinSkillsDir } = packageInfo;
  const { skills, broken } = await loadSkills(config, {
    builtinSkillsDir,
    stateDir,
    logFor: silentSkillLog,
  });
  const view = [
    ...skills.map((skill) => ({
      name: skill.name,
      origin: skill.origin,
      description: skill.description,
      status: "ok" as const,
      error: null,
      checks: skill.checks.map(({ name, schedule }) => ({
        name,
        schedule: describeSchedule(schedule),
      })),
      tools: skill.tools.map(({ name, definition }) => ({
        name,
        effect:
          typeof definition.effect === "function" ? "depends on its input" : definition.effect,
      })),
    })),
    ...broken.map((skill) => ({
      ...skill,
      description: "",
      status: "off" as const,
      checks: [],
      tools: [],
    })),
  ];
  for (const skill of skills) await skill.close();
  if (json) {
    out.write(`${JSON.stringify(view, null, 2)}\n`);
    return exit.done;
  }
  const paint = painterFor(out, environment);
  if (view.length === 0)
    out.write("No skill is enabled. Name some under `skills` in the config.\n");
  const say = (text: string) => out.write(`${wrap(text, out.columns, "    ")}\n`);
  for (const skill of view) {
    const state = skill.status === "ok" ? paint("green", "ok") : paint("red", "off");
    say(`${paint("bold", skill.name)} (${skill.origin}): ${state}`);
    if (skill.error) say(`  ${quoted(skill.error)}`);
    if (skill.description) say(`  ${quoted(skill.description)}`);
    for (const { name, schedule } of skill.checks) say(`  check ${name}, ${schedule}`);
    for (const { name, effect } of skill.tools) say(`  tool ${name} (${effect})`);
  }
  return exit.done;
}
