import { inspectConfig, type ConfigReport } from "../config-report.ts";
import { exit, type CommandContext } from "../context.ts";
import { plural, quoted, wrap } from "../text.ts";

/** Reads the config and loads its skills, as `start` would, without starting anything. */
export async function checkConfig(context: CommandContext): Promise<number> {
  const report = await inspectConfig(context);
  const { out, err, json } = context;
  if (json) out.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    for (const warning of report.warnings) {
      out.write(`${wrap(`warning: ${warning}`, out.columns, "  ")}\n`);
    }
    for (const line of complaints(report)) err.write(`${line}\n`);
  }
  if (!report.ok) return exit.wrongUse;
  if (!json) {
    const { file, skills, checks } = report;
    out.write(
      `${file} is in order: ${plural(skills.length, "skill")}, ${plural(checks.length, "check")}.\n`,
    );
  }
  return exit.done;
}

function complaints({ file, problems, broken }: ConfigReport): string[] {
  const all = [
    ...problems,
    ...broken.map(({ name, error }) => `the skill ${name} cannot be used: ${error}`),
  ].map(quoted);
  if (all.length <= 1) {
    return all.map((line) => `watchkeeper: ${line.includes(file) ? "" : `${file}: `}${line}`);
  }
  return [
    `watchkeeper: ${file}: ${plural(all.length, "problem")}`,
    ...all.map((line) => `  ${line}`),
  ];
}
