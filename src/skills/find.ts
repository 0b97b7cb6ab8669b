import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { nearestOf } from "../config/issues.ts";
import { ConfigError, SkillError } from "../domain/errors.ts";
import { ordersSkill } from "../domain/standing-orders.ts";
import { parseSkillFile, type SkillFile } from "./skill-file.ts";

/** Where a skill's folder is, and what its SKILL.md says. */

export interface SkillPlace {
  /** Absolute. */
  readonly dir: string;
  /** `built-in`, or the folder. */
  readonly origin: string;
}

const namePattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** Ours, and those of the tools that are always there, such as `memory_note`. */
const taken = ["watchkeeper", "memory", "skill", ordersSkill];

/** Small letters, digits and single hyphens. */
export const isSkillName = (name: string): boolean =>
  name.length <= 64 && namePattern.test(name) && !taken.includes(name);

/**
 * Finds the folder that a key of `skills` in the config names.
 * @throws ConfigError when there is none
 */
export function findSkill(key: string, baseDir: string, builtinDir: string): SkillPlace {
  const isPath = key.startsWith(".") || isAbsolute(key);
  const candidates = isPath
    ? [{ dir: resolve(baseDir, key), origin: resolve(baseDir, key) }]
    : [
        { dir: join(builtinDir, key), origin: "built-in" },
        { dir: join(baseDir, "skills", key), origin: join(baseDir, "skills", key) },
      ];
  const found = candidates.find(({ dir }) => existsSync(dir) && statSync(dir).isDirectory());
  if (found) return found;
  const nearest = nearestOf(key, ["inbox", "calendar", "services"]);
  throw new ConfigError("SKILL_MISSING", `skills: there is no skill "${key}"`, {
    hint: isPath
      ? `Nothing lies at ${resolve(baseDir, key)}; make a folder with a SKILL.md there, or correct the path`
      : nearest
        ? `Did you mean "${nearest}"?`
        : 'Built in are inbox, calendar and services; name your own by path, such as "./skills/backups"',
  });
}

/** @throws SkillError when there is none, or it cannot be used. */
export function readSkillFile(dir: string): SkillFile {
  const file = join(dir, "SKILL.md");
  if (!existsSync(file)) {
    throw new SkillError("SKILL_FILE_MISSING", `${dir} has no SKILL.md`, {
      hint: "Add one that says what the skill watches and when it matters",
    });
  }
  const read = parseSkillFile(readFileSync(file, "utf8"), file);
  const folder = basename(dir);
  if (read.name === undefined || read.name === folder) return read;
  const note = `it is named "${read.name}" and lies in ${folder}: the folder's name counts`;
  return { ...read, notes: [...read.notes, note] };
}
