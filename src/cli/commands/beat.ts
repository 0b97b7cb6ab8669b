import { loadConfig, type ResolvedConfig } from "../../config/load.ts";
import { offerPublicApi } from "../../config/user-module.ts";
import { requestBeat } from "../../control.ts";
import { attentionSettings, openWatch } from "../../daemon.ts";
import { startDemoWorld } from "../../demo/index.ts";
import { systemClock } from "../../domain/clock.ts";
import { formatDuration } from "../../domain/duration.ts";
import { dryRun, type DryLook } from "../../heartbeat/dry-run.ts";
import { loadSkills, silentSkillLog } from "../../skills/load.ts";
import { resolveNames } from "../../skills/names.ts";
import { isLocked } from "../../store/index.ts";
import { createLog } from "../../telemetry/log.ts";
import { beatView } from "../../views/beat.ts";
import { exit, readExistingStore, readStore, type CommandContext } from "../context.ts";
import { createNarrator } from "../narrator.ts";
import { painterFor, plural, severityStyle, wrap } from "../text.ts";
import { findBeat, renderBeat } from "./beats.ts";

export async function beat(
  context: CommandContext,
  options: { check?: string[]; dryRun?: true },
): Promise<number> {
  const names = options.check ?? null;
  offerPublicApi(context.packageInfo.root);
  if (options.dryRun) return showDryRun(context, names);
  if (isLocked(context.stateDir)) {
    await refuseUnknown(context, names);
    if (!context.json && context.err.isTTY) context.err.write("Asking the daemon for a beat…\n");
    const { beatId } = await requestBeat(context.stateDir, names);
    return showReceipt(context, beatId);
  }
  const { configFile: file, environment } = context;
  const config = await loadConfig({ file, environment });
  return showReceipt(context, await beatHere(context, config, names));
}

/** Without a daemon the command does the work itself. */
async function beatHere(
  context: CommandContext,
  config: ResolvedConfig,
  names: readonly string[] | null,
): Promise<number> {
  const { out, err, environment, json, stateDir, packageInfo } = context;
  const narrator = createNarrator(out, painterFor(out, environment), config.timezone);
  const silent = { beat() {}, ran() {}, ruled() {} };
  await using watch = await openWatch({
    config,
    stateDir,
    packageInfo,
    log: createLog("error", { write: (line) => err.write(line) }),
    // Standard output is the receipt's when a script reads it.
    print: (text) => (json ? err : out).write(text),
    observer: json ? silent : { ...narrator, beat() {} },
    pid: process.pid,
  });
  const summary = await watch.beatNow(names);
  return summary.id;
}

async function showReceipt(context: CommandContext, id: number): Promise<number> {
  await using store = readExistingStore(context);
  const receipt = await findBeat(store, id);
  if (context.json) context.out.write(`${JSON.stringify(beatView(receipt), null, 2)}\n`);
  else context.out.write(`\n${await renderBeat(store, receipt, context)}`);
  return receipt.outcome === "failed" ? exit.failed : exit.done;
}

/** An unknown name is the caller's mistake: said here, with the exit code of one. */
async function refuseUnknown(context: CommandContext, names: readonly string[] | null): Promise<void> {
  await using store = readExistingStore(context);
  const { checks } = await store.status();
  resolveNames(
    names,
    checks.filter(({ enabled }) => enabled),
  );
}

async function showDryRun(context: CommandContext, names: readonly string[] | null): Promise<number> {
  const { configFile: file, environment, packageInfo, json, out, err } = context;
  const config = await loadConfig({ file, environment });
  const { builtinSkillsDir } = packageInfo;
  const { skills, broken } = await loadSkills(config, { builtinSkillsDir, logFor: silentSkillLog });
  for (const { name, error } of broken) err.write(`watchkeeper: the skill ${name} is off: ${error}\n`);
  const checks = skills.flatMap((skill) => skill.checks);
  const chosen = new Set(resolveNames(names, checks));
  const { demo, timezone } = config;
  const warn = (message: string) => err.write(`watchkeeper: ${message}\n`);
  await using _world =
    demo && !isLocked(context.stateDir)
      ? await startDemoWorld({ ...demo, now: Date.now(), timezone, warn })
      : null;
  await using store = readStore(context);
  const looks = await dryRun(
    checks.filter(({ name }) => chosen.has(name)),
    { store, clock: systemClock, attention: attentionSettings(config) },
  );
  for (const skill of skills) await skill.close();
  if (json) {
    const view = { dryRun: true, checks: looks.map(({ findings: _, ...look }) => look), findings: looks.flatMap(({ findings }) => findings) };
    out.write(`${JSON.stringify(view, null, 2)}\n`);
  } else out.write(renderDryRun(looks, context));
  return exit.done;
}

function renderDryRun(looks: readonly DryLook[], { out, environment }: CommandContext): string {
  const paint = painterFor(out, environment);
  const findings = looks.flatMap((look) => look.findings);
  const lines = ["Dry run: nothing was saved, no model was asked, nobody was told.", ""];
  for (const { name, outcome, durationMs, error, notes } of looks) {
    lines.push(`  ${name}: ${outcome} in ${formatDuration(durationMs)}`);
    if (error) lines.push(wrap(`    ${error}`, out.columns, "    "));
    for (const note of notes) lines.push(wrap(`    ${note}`, out.columns, "    "));
  }
  lines.push("", `${plural(findings.length, "finding")} would be made`);
  for (const { severity, state, check, title, wouldBe, why } of findings) {
    lines.push(wrap(`  ${paint(severityStyle[severity], severity)} ${state} ${check}: ${title}`, out.columns, "      "));
    lines.push(wrap(`      would be ${wouldBe} (${why})`, out.columns, "      "));
  }
  return `${lines.join("\n")}\n`;
}
