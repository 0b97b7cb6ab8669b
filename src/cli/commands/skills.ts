import type { ResolvedConfig } from "../../config/load.ts";
import { describeSchedule } from "../../domain/schedule.ts";
import { loadSkills, silentSkillLog } from "../../skills/load.ts";
import { isLocked } from "../../store/index.ts";
import { exit, loadConfigFor, readStore, type CommandContext } from "../context.ts";
import { mcpEntries } from "../mcp-entries.ts";
import { painterFor, quoted, wrap } from "../text.ts";
import { effectWords } from "../tools.ts";

/** The skills that are enabled: where each is from, what it checks, and what its tools may do. */
export async function listSkills(context: CommandContext): Promise<number> {
  const { environment, packageInfo, stateDir, json, out } = context;
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
      version: skill.version ?? null,
      description: skill.description,
      status: "ok" as const,
      error: null,
      notes: skill.notes.map((note) => `SKILL.md: ${note}`),
      checks: skill.checks.map(({ name, schedule }) => ({
        name,
        schedule: describeSchedule(schedule),
      })),
      tools: skill.tools.map((tool) => ({ name: tool.name, effect: effectWords(tool) })),
    })),
    ...broken.map((skill) => ({
      ...skill,
      version: null,
      description: "",
      status: "off" as const,
      notes: [],
      checks: [],
      tools: [],
    })),
    ...(await readServers(context, config)),
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
    const version = skill.version ? ` ${quoted(skill.version)}` : "";
    say(`${paint("bold", skill.name)}${version} (${skill.origin}): ${state}`);
    if (skill.error) say(`  ${quoted(skill.error)}`);
    if (skill.description) say(`  ${quoted(skill.description)}`);
    for (const note of skill.notes) say(`  note: ${quoted(note)}`);
    for (const { name, schedule } of skill.checks) say(`  check ${name}, ${schedule}`);
    for (const { name, effect } of skill.tools) say(`  tool ${name} (${effect})`);
  }
  return exit.done;
}

async function readServers(context: CommandContext, config: ResolvedConfig) {
  if (Object.keys(config.mcp).length === 0) return [];
  await using store = readStore(context);
  return mcpEntries(config, {
    running: isLocked(context.stateDir),
    servers: (await store?.listToolServers()) ?? [],
    pins: (await store?.listToolPins()) ?? [],
  });
}
