import type { Command } from "commander";
import { type AddCommand } from "./command.ts";

/** Skills: what there is, one of your own, and what servers say of theirs. */

export function addSkills(program: Command, add: AddCommand): void {
  const listSkills = async () => (await import("../commands/skills.ts")).listSkills;
  const skills = add(
    program,
    "skills",
    "the skills that are enabled, with their checks and tools",
    listSkills,
  );
  add(skills, "list", "the same", listSkills);
  add(
    skills,
    "new <name>",
    "write a skill that works, with a test, to be made your own",
    async () => (await import("../commands/skills-new.ts")).newSkill,
  );
  add(
    skills,
    "test <name>",
    "try one skill: its tests, its checks in a dry run, what the model would see",
    async () => (await import("../commands/skills-test.ts")).testSkill,
  )
    .option("--input <file>", "look at recorded input in the place of live one")
    .option("--record <file>", "record what servers answer to fetch, for --input")
    .option("--cursor <json>", "the cursor that the first look goes on from");
  add(
    skills,
    "accept <name>",
    "your word: what an MCP server, or one tool of it, now says of itself is taken",
    async () => (await import("../commands/skills-accept.ts")).acceptSkillTools,
  ).option("--show", "only show what has changed");
}
