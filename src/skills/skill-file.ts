import { parse } from "yaml";
import { SkillError } from "../domain/errors.ts";

/** `SKILL.md` in the Agent Skills format: YAML frontmatter, then instructions for the agent. */
export interface SkillFile {
  readonly name: string | undefined;
  readonly description: string;
  readonly instructions: string;
}

const frontmatterPattern = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** @throws SkillError when the frontmatter is missing, is not YAML, or has no description. */
export function parseSkillFile(source: string, file: string): SkillFile {
  const match = frontmatterPattern.exec(source);
  if (!match) {
    throw new SkillError("SKILL_FILE_INVALID", `${file} does not begin with frontmatter`, {
      hint: "Begin it with lines `---`, `name: …`, `description: …`, `---`",
    });
  }
  let fields: unknown;
  try {
    fields = parse(match[1] ?? "", { maxAliasCount: 0, logLevel: "error" });
  } catch (cause) {
    throw new SkillError("SKILL_FILE_INVALID", `${file}: its frontmatter is not YAML`, { cause });
  }
  const { name, description } = (fields ?? {}) as { name?: unknown; description?: unknown };
  if (typeof description !== "string" || !description.trim()) {
    throw new SkillError("SKILL_FILE_INVALID", `${file} has no description`, {
      hint: "Say in its frontmatter what the skill watches and when it matters",
    });
  }
  return {
    name: typeof name === "string" && name ? name : undefined,
    description: description.trim(),
    instructions: source.slice(match[0].length).trim(),
  };
}
