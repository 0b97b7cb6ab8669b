import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { ConfigError, WatchkeeperError } from "../../domain/errors.ts";
import { isSkillName } from "../../skills/find.ts";
import { folderCause, makeFolder } from "../../store/index.ts";
import { exit, type CommandContext } from "../context.ts";
import { nextCall } from "../next-call.ts";
import { skillTemplate, tsconfigTemplate } from "../skill-template.ts";
import { wrap } from "../text.ts";

/** Writes `skills/NAME` beside the config: a skill that works, with a test. Overwrites nothing. */
export async function newSkill(context: CommandContext, name: string): Promise<number> {
  const { configFile, packageInfo, out, json } = context;
  // Its tools carry its name, and have 64 characters.
  if (!isSkillName(name) || name.length > 48) {
    throw new ConfigError("SKILL_NAME_REFUSED", `"${name}" cannot be a skill's name`, {
      hint: "Use small letters, digits and hyphens, at most 48, such as backups or disk-space",
    });
  }
  if (existsSync(join(packageInfo.builtinSkillsDir, name))) {
    throw new ConfigError("SKILL_NAME_TAKEN", `there is a built-in skill "${name}"`, {
      hint: "Choose another name",
    });
  }
  const baseDir = dirname(configFile);
  const dir = join(baseDir, "skills", name);
  if (existsSync(dir)) {
    throw new WatchkeeperError("SKILL_EXISTS", `${dir} is there already`, {
      hint: "Nothing was changed; choose another name, or move the folder away",
    });
  }
  const written = write([
    ...Object.entries(skillTemplate(name)).map(([file, text]) => ({ path: join(dir, file), text })),
    ...editorFiles(baseDir, packageInfo.root),
  ]);
  const key = `"./skills/${name}": { folder: "." },`;
  if (json) {
    out.write(
      `${JSON.stringify({ skill: name, dir, files: written, configLine: key }, null, 2)}\n`,
    );
    return exit.done;
  }
  for (const path of written) out.write(`wrote ${relative(process.cwd(), path) || path}\n`);
  const steps = [
    `  1. Add this line to skills in ${relative(process.cwd(), configFile) || configFile}:`,
    `       ${key}`,
    `  2. ${nextCall(context, `skills test ${name}`)}`,
    `  3. ${nextCall(context, "start")}`,
  ];
  out.write(`\nNext:\n${steps.join("\n")}\n`);
  if (!resolves(baseDir, "@types/node/package.json")) {
    const hint = "For your editor's sake: npm install --save-dev @types/node";
    out.write(`\n${wrap(hint, out.columns)}\n`);
  }
  return exit.done;
}

function write(files: readonly { path: string; text: string }[]): string[] {
  try {
    for (const { path, text } of files) {
      makeFolder(dirname(path), 0o777);
      writeFileSync(path, text, { flag: "wx" });
    }
  } catch (cause) {
    throw new WatchkeeperError("SKILL_NOT_WRITTEN", "the skill cannot be written", {
      cause: folderCause(cause, dirname(files[0]?.path ?? ".")),
      hint: "Call it where you may write, or name another config with --config FILE",
    });
  }
  return files.map(({ path }) => path);
}

/** A tsconfig.json beside the config, when none governs it yet: editors find our types by it. */
function editorFiles(baseDir: string, packageRoot: string): { path: string; text: string }[] {
  for (let folder = baseDir; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "tsconfig.json"))) return [];
    if (folder === dirname(folder)) break;
  }
  const types = join(packageRoot, "dist", "types");
  const [index, testing] = existsSync(types)
    ? [join(types, "index.d.ts"), join(types, "testing", "index.d.ts")]
    : [join(packageRoot, "src", "index.ts"), join(packageRoot, "src", "testing", "index.ts")];
  const isInstalled = resolves(baseDir, "watchkeeper/package.json");
  const paths = isInstalled
    ? undefined
    : { watchkeeper: [index], "watchkeeper/testing": [testing] };
  return [{ path: join(baseDir, "tsconfig.json"), text: tsconfigTemplate(paths) }];
}

function resolves(from: string, specifier: string): boolean {
  try {
    createRequire(join(from, "package.json")).resolve(specifier);
    return true;
  } catch {
    return false;
  }
}
