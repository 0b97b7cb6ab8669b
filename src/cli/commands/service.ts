import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigProblems } from "../../config/problems.ts";
import { processBasics } from "../../config/process-basics.ts";
import { ConfigError, StoreError, WatchkeeperError } from "../../domain/errors.ts";
import { isLocked } from "../../store/index.ts";
import { confirmed, refuseUnasked } from "../confirm.ts";
import { inspectConfig } from "../config-report.ts";
import { exit, loadConfigFor, type CommandContext } from "../context.ts";
import { nextCall } from "../next-call.ts";
import { askedUnits, unaskable } from "../service/asked-units.ts";
import { planService, unitName, unitPath, type ServicePlan } from "../service/plan.ts";
import { lingers, openSystemctl, type Scope, type UnitState } from "../service/systemctl.ts";
import { buildUnit, isOwnUnit, stateDirIn } from "../service/unit.ts";
import { quoted, wrap } from "../text.ts";

/** The daemon as a service of systemd. */

export interface ServiceOptions {
  readonly user?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const scopeOf = ({ user }: ServiceOptions): Scope => (user ? "user" : "system");

export async function installService(
  context: CommandContext,
  options: ServiceOptions,
): Promise<number> {
  const { out, json } = context;
  const scope = scopeOf(options);
  const plan = planService(scope, context);
  const unit = buildUnit(plan.settings);
  const path = unitPath(scope, context);
  if (options.dryRun) {
    // A configuration that cannot be used is for an install to refuse.
    const ofConfig = await warningsOfConfig(plan, context).catch(() => []);
    for (const line of [...plan.problems, ...plan.warnings, ...ofConfig]) warn(context, line);
    out.write(json ? `${JSON.stringify({ scope, path, unit }, null, 2)}\n` : unit);
    return exit.done;
  }
  refuseUnasked(options, context);
  refuseWithoutRoot(scope);
  const systemctl = openSystemctl(scope);
  await refuseUnfit(plan, context);
  const warnings = [...plan.warnings, ...(await warningsOfConfig(plan, context))];
  const before = readUnit(path);
  const state = await systemctl.show(unitName);
  refuseSecondWatch(plan, state);
  for (const line of warnings) warn(context, line);

  const isSame = before === unit;
  const isUp = state.pid !== null && state.enabled === "enabled";
  if (!isSame || !isUp) {
    const what = isSame ? `${path} is there already.\n` : describeChange(path, before, unit);
    if (!(await confirmed(what, "Start the service now and at each boot?", options, context))) {
      return exit.failed;
    }
    if (!isSame) writeUnit(path, unit);
    await systemctl.do("daemon-reload");
    await systemctl.do("enable", unitName);
    // Both return when the first beat is complete.
    await systemctl.do(isSame ? "start" : "restart", unitName);
  }
  if (json) {
    const changed = !isSame || !isUp;
    out.write(`${JSON.stringify({ scope, path, changed, stateDir: plan.stateDir }, null, 2)}\n`);
  } else out.write(nextSteps(plan, { isNew: !isSame || !isUp }, context));
  return exit.done;
}

export async function uninstallService(
  context: CommandContext,
  options: ServiceOptions,
): Promise<number> {
  const { out, json } = context;
  const scope = scopeOf(options);
  const path = unitPath(scope, context);
  const unit = readUnit(path);
  const say = (removed: boolean, text: string) =>
    out.write(json ? `${JSON.stringify({ scope, path, removed }, null, 2)}\n` : text);
  if (unit === undefined) {
    say(false, `There is no service to remove: no ${path}.\n`);
    return exit.done;
  }
  refuseUnasked(options, context);
  refuseWithoutRoot(scope);
  const systemctl = openSystemctl(scope);
  const what = `This stops the service and removes ${path}.\n`;
  if (!(await confirmed(what, "Stop and remove it?", options, context))) return exit.failed;
  await systemctl.do("disable", "--now", unitName);
  rmSync(path);
  await systemctl.do("daemon-reload");
  const stateDir = stateDirIn(unit);
  const kept = stateDir ? ` What it knows stays in ${stateDir}.` : "";
  say(true, wrap(`The service is stopped and removed.${kept}`, out.columns) + "\n");
  return exit.done;
}

function refuseWithoutRoot(scope: Scope): void {
  if (scope === "user" || process.getuid?.() === 0) return;
  throw new ConfigError("SERVICE_NEEDS_ROOT", "only root can set up a service for the machine", {
    hint: "Call it with sudo, or set it up for yourself alone with --user",
  });
}

/** A service has nothing of the environment of this shell. */
const asService = ({ stateDir }: ServicePlan, context: CommandContext): CommandContext => ({
  ...context,
  environment: processBasics(),
  stateDir,
});

/** What a configuration that is in order may ask for in vain as the user that the service has. */
async function warningsOfConfig(plan: ServicePlan, context: CommandContext): Promise<string[]> {
  const { service } = plan.settings;
  const isMadeUp = service.kind === "system" && "own" in service.state;
  if (!isMadeUp) return [];
  const asked = askedUnits(await loadConfigFor(asService(plan, context)));
  return asked.length === 0 ? [] : [unaskable(asked)];
}

/** @throws ConfigProblems for whatever would keep the service from running */
async function refuseUnfit(plan: ServicePlan, context: CommandContext): Promise<void> {
  const report = await inspectConfig(asService(plan, context));
  const broken = report.broken.map(({ name, error }) => `skill ${name}: ${error}`);
  const problems = [...plan.problems, ...report.problems, ...broken];
  if (problems.length > 0) throw new ConfigProblems("SERVICE_UNFIT", context.configFile, problems);
}

function refuseSecondWatch({ stateDir }: ServicePlan, { pid }: UnitState): void {
  if (pid !== null || !isLocked(stateDir)) return;
  throw new StoreError("SERVICE_SECOND_WATCH", `another watch goes on with ${stateDir}`, {
    hint: "End it first: `watchkeeper status` names its pid",
  });
}

/** @throws WatchkeeperError when it is there and not ours */
function readUnit(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8");
  if (isOwnUnit(text)) return text;
  throw new WatchkeeperError("SERVICE_FOREIGN", `${path} was not written by watchkeeper`, {
    hint: "Move it away first; what you have set in it fits into a drop-in (`systemctl edit`)",
  });
}

function writeUnit(path: string, unit: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.part`, unit, { mode: 0o644 });
    renameSync(`${path}.part`, path);
  } catch (cause) {
    throw new WatchkeeperError("SERVICE_UNWRITTEN", `cannot write ${path}`, {
      cause,
      hint: "See that its folder is there and is yours; nothing was changed",
    });
  }
}

function describeChange(path: string, before: string | undefined, unit: string): string {
  if (before === undefined) return `This goes to ${path}:\n\n${unit}\n`;
  const [old, now] = [before, unit].map((text) => text.split("\n"));
  const lines = [
    ...(old ?? []).filter((line) => !now?.includes(line)).map((line) => `- ${line}`),
    ...(now ?? []).filter((line) => !old?.includes(line)).map((line) => `+ ${line}`),
  ];
  return `This changes in ${path}:\n\n${lines.join("\n")}\n\n`;
}

function nextSteps(
  { scope, stateDir }: ServicePlan,
  { isNew }: { readonly isNew: boolean },
  context: CommandContext,
): string {
  const given = { config: context.configFile, state: stateDir };
  const flag = scope === "user" ? " --user" : "";
  const call = (words: string) => nextCall({ ...context, given: {} }, words);
  const linger = needsLinger(scope)
    ? "\nIt ends when you log out, unless you say once: loginctl enable-linger\n"
    : "";
  return (
    (isNew
      ? "The service is up: its first beat is complete. It starts at each boot.\n"
      : `The service is set up and runs; nothing was changed. After an upgrade:\n  systemctl${flag} restart watchkeeper\n`) +
    linger +
    `\nNext:\n  1. ${call(`service status${flag}`)}\n` +
    `  2. journalctl${flag} -u watchkeeper -f\n` +
    `  3. ${nextCall({ ...context, given }, "doctor")}\n`
  );
}

/** A user's own systemd ends with their last session, unless they linger. */
const needsLinger = (scope: Scope): boolean => scope === "user" && !lingers();

function warn({ err }: CommandContext, line: string): void {
  err.write(wrap(`watchkeeper: ${quoted(line)}`, err.columns, "  ") + "\n");
}
