import { requestBeat } from "../../control.ts";
import { systemClock } from "../../domain/clock.ts";
import { createScrub } from "../../domain/scrub.ts";
import { formatDuration } from "../../domain/duration.ts";
import { dryRun, type DryLook } from "../../heartbeat/dry-run.ts";
import { readTimedOrders } from "../../heartbeat/timed-orders.ts";
import { standingOrdersFile } from "../../memory/owner-file.ts";
import { attentionSettings } from "../../notify/attention-settings.ts";
import { loadSkills, silentSkillLog, toolsOf } from "../../skills/load.ts";
import { resolveNames } from "../../skills/names.ts";
import { isLocked } from "../../store/index.ts";
import { beatWithEffects } from "../../views/beat.ts";
import {
  exit,
  loadConfigFor,
  readExistingStore,
  readStore,
  type CommandContext,
} from "../context.ts";
import { knownMail } from "../known-mail.ts";
import { rehearseDemo } from "../demo-rehearsal.ts";
import { painterFor, plural, quoted, severityStyle, wrap } from "../text.ts";
import { byDaemonOrHere, openWatchHere } from "../watch-here.ts";
import { findBeat, renderBeat } from "./beats.ts";

export async function beat(
  context: CommandContext,
  options: { check?: string[]; dryRun?: true },
): Promise<number> {
  const names = options.check ?? null;
  if (options.dryRun) return showDryRun(context, names);
  return showReceipt(context, await beatSomewhere(context, names));
}

function beatSomewhere(context: CommandContext, names: readonly string[] | null): Promise<number> {
  const { stateDir } = context;
  return byDaemonOrHere(stateDir, {
    daemon: async () => (await requestBeat(stateDir, names && [...names])).beatId,
    async here() {
      await using watch = await openWatchHere(context, await loadConfigFor(context));
      return (await watch.beatNow(names)).id;
    },
  });
}

async function showReceipt(context: CommandContext, id: number): Promise<number> {
  await using store = readExistingStore(context);
  const receipt = await findBeat(store, id);
  if (context.json)
    context.out.write(`${JSON.stringify(await beatWithEffects(store, receipt), null, 2)}\n`);
  else context.out.write(`\n${await renderBeat(store, receipt, context)}`);
  return receipt.outcome === "failed" ? exit.failed : exit.done;
}

async function showDryRun(
  context: CommandContext,
  names: readonly string[] | null,
): Promise<number> {
  const { packageInfo, json, out, err, stateDir } = context;
  const warn = (message: string) => err.write(`watchkeeper: ${quoted(message)}\n`);
  const running = isLocked(stateDir);
  const asWritten = await loadConfigFor(context);
  await using rehearsal = await rehearseDemo(asWritten, { running, warn });
  const { config } = rehearsal;
  const { builtinSkillsDir } = packageInfo;
  const { skills, broken } = await loadSkills(config, {
    builtinSkillsDir,
    stateDir,
    logFor: silentSkillLog,
    notificationMail: knownMail(stateDir),
  });
  for (const { name, error } of broken) warn(`the skill ${name} is off: ${error}`);
  const scrub = createScrub(config.secrets);
  const orders = await readTimedOrders(stateDir, scrub);
  for (const problem of orders.problems) warn(`${standingOrdersFile}, ${problem}`);
  const checks = [...skills.flatMap((skill) => skill.checks), ...orders.checks];
  const chosen = new Set(resolveNames(names, checks));
  await using store = readStore(context);
  const looks = await dryRun(
    checks.filter(({ name }) => chosen.has(name)),
    {
      store,
      clock: systemClock,
      attention: attentionSettings(config),
      scrub,
      tools: toolsOf(skills),
    },
  );
  for (const skill of skills) await skill.close();
  if (json) {
    const view = {
      dryRun: true,
      checks: looks.map(({ name, outcome, durationMs, error, notes }) => ({
        ...{ name, outcome, durationMs, error, notes },
      })),
      findings: looks.flatMap(({ findings }) =>
        findings.map(({ check, key, state, severity, title, wouldBe, why }) => ({
          ...{ check, key, state, severity, title, wouldBe, why },
        })),
      ),
    };
    out.write(`${JSON.stringify(view, null, 2)}\n`);
  } else out.write(renderDryRun(looks, context));
  return exit.done;
}

function renderDryRun(looks: readonly DryLook[], { out, environment }: CommandContext): string {
  const paint = painterFor(out, environment);
  const findings = looks.flatMap((look) => look.findings);
  const lines = ["Dry run: nothing was saved, no model was asked, nobody was told.", ""];
  for (const { name, outcome, durationMs, error, notes } of looks) {
    const shown = outcome === "ok" ? paint("green", "ok") : paint("red", outcome);
    lines.push(wrap(`  ${name}: ${shown} in ${formatDuration(durationMs)}`, out.columns, "    "));
    for (const line of [error ?? "", ...notes]) {
      if (line) lines.push(wrap(`    ${quoted(line)}`, out.columns, "    "));
    }
  }
  if (looks.length === 0) lines.push("  No skill has a check: nothing was looked at.");
  const groups = Map.groupBy(findings, ({ wouldBe, why }) => `${wouldBe} (${why})`);
  lines.push(
    "",
    findings.length === 0
      ? "Nothing new would be found."
      : `${plural(findings.length, "finding")} by the rules alone:`,
  );
  for (const [what, members] of groups) {
    lines.push("", `  ${paint("bold", what)}`);
    for (const { severity, state, check, title } of members) {
      const text = wrap(`    ${severity} ${state} ${check}: ${title}`, out.columns, "      ");
      lines.push(text.replace(severity, paint(severityStyle[severity], severity)));
    }
  }
  return `${lines.join("\n")}\n`;
}
