import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { ResolvedConfig } from "../../config/load.ts";
import { attentionSettings } from "../../daemon.ts";
import { systemClock } from "../../domain/clock.ts";
import { createScrub } from "../../domain/scrub.ts";
import { formatDuration } from "../../domain/duration.ts";
import { describeError } from "../../domain/errors.ts";
import { severityRank } from "../../domain/finding.ts";
import { dryRun, type DryLook } from "../../heartbeat/dry-run.ts";
import { readTimedOrders } from "../../heartbeat/timed-orders.ts";
import { standingOrdersFile } from "../../memory/owner-file.ts";
import {
  loadSkills,
  silentSkillLog,
  toolsOf,
  type LoadedCheck,
  type LoadedTool,
} from "../../skills/load.ts";
import { isLocked } from "../../store/index.ts";
import { databasePath, whyUnusableStateDir } from "../../store/database.ts";
import { inspectConfig } from "../config-report.ts";
import { exit, loadConfigFor, readStore, type CommandContext } from "../context.ts";
import { rehearseDemo } from "../demo-rehearsal.ts";
import { painterFor, plural, quoted, wrap } from "../text.ts";
import { diagnoseServers } from "../mcp-diagnosis.ts";
import { diagnosePage } from "../web-diagnosis.ts";
import { readStatus } from "./status.ts";

/** One thing that the watch needs, and how it stands. */
interface Diagnosis {
  readonly name: string;
  readonly level: "ok" | "warn" | "fail";
  readonly message: string;
}

/** Looks at everything that the watch needs, before it is needed; changes nothing. */
export async function doctor(context: CommandContext): Promise<number> {
  const found: Diagnosis[] = [
    { name: "node", level: "ok", message: process.version },
    diagnoseStateDir(context),
    await diagnoseDatabase(context),
    diagnoseDisk(context),
  ];
  found.push(...(await diagnoseConfig(context)));
  found.push(await diagnoseDaemon(context));
  print(found, context);
  return found.some(({ level }) => level === "fail") ? exit.failed : exit.done;
}

async function diagnoseConfig(context: CommandContext): Promise<Diagnosis[]> {
  const name = "config";
  const { problems, warnings, file } = await inspectConfig(context);
  if (problems.length > 0) return problems.map((message) => ({ name, level: "fail", message }));
  const config = await loadConfigFor(context);
  return [
    { name, level: "ok", message: file },
    ...warnings.map((message): Diagnosis => ({ name, level: "warn", message })),
    diagnoseModel(config),
    ...(await diagnoseWeb(context, config)),
    ...(await diagnoseSkills(context, config)),
    ...(await diagnoseOrders(context, config)),
    ...(await diagnoseServers(config, context.packageInfo.version)),
  ];
}

function diagnoseStateDir({ stateDir }: CommandContext): Diagnosis {
  const name = "state";
  const trouble = whyUnusableStateDir(stateDir);
  if (trouble) return { name, level: "fail", message: describeError(trouble) };
  if (!existsSync(stateDir)) {
    return { name, level: "ok", message: `${stateDir} will be made at the first start` };
  }
  const mode = statSync(stateDir).mode & 0o777;
  if (mode === 0o700) return { name, level: "ok", message: stateDir };
  return {
    name,
    level: "warn",
    message: `${stateDir} is open to others (mode ${mode.toString(8)}); chmod 700 it, or start the daemon, which does`,
  };
}

/** The path itself, or the nearest folder above it that is there. */
function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing);
  return existing;
}

async function diagnoseDatabase(context: CommandContext): Promise<Diagnosis> {
  const name = "database";
  const path = databasePath(context.stateDir);
  if (!existsSync(path)) return { name, level: "ok", message: "none yet; made at the first start" };
  try {
    await using store = readStore(context);
    await store?.status();
    return { name, level: "ok", message: path };
  } catch (error) {
    return { name, level: "fail", message: describeError(error) };
  }
}

const leastFreeBytes = 200 * 1024 * 1024;

function diagnoseDisk({ stateDir }: CommandContext): Diagnosis {
  const { bavail, bsize } = statfsSync(nearestExisting(stateDir));
  const message = `${Math.floor((bavail * bsize) / 1024 / 1024).toLocaleString("en")} MB free`;
  return bavail * bsize < leastFreeBytes
    ? { name: "disk", level: "warn", message: `only ${message}; free some space` }
    : { name: "disk", level: "ok", message };
}

function diagnoseModel({ model }: ResolvedConfig): Diagnosis {
  const usable = model.chain.find(({ apiKey, baseUrl }) => apiKey ?? baseUrl);
  return usable
    ? {
        name: "model",
        level: "ok",
        message: `${usable.model}${usable.baseUrl ? ` at ${usable.baseUrl}` : ""}`,
      }
    : {
        name: "model",
        level: "warn",
        message: "no ANTHROPIC_API_KEY: the rules decide; set it in the environment or in .env",
      };
}

/** A daemon that runs has the port itself. */
async function diagnoseWeb(
  { stateDir }: CommandContext,
  { web }: ResolvedConfig,
): Promise<Diagnosis[]> {
  if (!web || isLocked(stateDir)) return [];
  const found = await diagnosePage(web);
  return found ? [{ name: "web", ...found }] : [];
}

/** Each check looks once, for nothing: that shows that its server is reachable and lets it in. */
async function diagnoseSkills(
  context: CommandContext,
  resolved: ResolvedConfig,
): Promise<Diagnosis[]> {
  const running = isLocked(context.stateDir);
  await using rehearsal = await rehearseDemo(resolved, { running, warn() {} });
  const { config } = rehearsal;
  const { stateDir } = context;
  const { builtinSkillsDir } = context.packageInfo;
  const { skills, broken } = await loadSkills(config, {
    builtinSkillsDir,
    stateDir,
    logFor: silentSkillLog,
  });
  const off = broken.map(({ name, error }): Diagnosis => ({
    name: `skill ${name}`,
    level: "fail",
    message: error,
  }));
  const checks = skills.flatMap((skill) => skill.checks);
  try {
    return [...off, ...(await diagnoseChecks(config, checks, toolsOf(skills)))];
  } finally {
    for (const skill of skills) await skill.close();
  }
}

/** What in the owner's standing orders was meant to be timed and is not. */
async function diagnoseOrders(
  { stateDir }: CommandContext,
  { secrets }: ResolvedConfig,
): Promise<Diagnosis[]> {
  const name = standingOrdersFile;
  const { checks, problems } = await readTimedOrders(stateDir, createScrub(secrets));
  if (problems.length > 0) return problems.map((message) => ({ name, level: "warn", message }));
  if (checks.length === 0) return [];
  return [{ name, level: "ok", message: plural(checks.length, "timed order") }];
}

async function diagnoseChecks(
  config: ResolvedConfig,
  checks: readonly LoadedCheck[],
  tools: ReadonlyMap<string, LoadedTool>,
): Promise<Diagnosis[]> {
  const looks = await dryRun(checks, {
    store: undefined,
    clock: systemClock,
    attention: attentionSettings(config),
    scrub: createScrub(config.secrets),
    tools,
  });
  return looks.map(diagnoseLook);
}

/** Of the first look of all: what it leaves alone is nothing to mend. */
const firstLook = /^first look: /;

/** A look that succeeded may still have seen that something is wrong. */
function diagnoseLook({ name, outcome, error, durationMs, notes, findings }: DryLook): Diagnosis {
  if (outcome !== "ok") return { name, level: "fail", message: error ?? outcome };
  const trouble = [
    ...findings
      .filter(({ severity }) => severityRank(severity) >= severityRank("warning"))
      .map(({ title }) => title),
    ...notes.filter((note) => !firstLook.test(note)),
  ];
  if (trouble.length > 0) {
    // `services/off: off: refused` says its name twice.
    const own = `${name.split("/").at(-1) ?? ""}: `;
    const said = trouble.map((line) => (line.startsWith(own) ? line.slice(own.length) : line));
    return { name, level: "warn", message: enumerated(said) };
  }
  return { name, level: "ok", message: `looked in ${formatDuration(durationMs)}` };
}

const mostTroubles = 3;

const enumerated = (lines: readonly string[]): string =>
  lines.length <= mostTroubles
    ? lines.join("; ")
    : `${lines.slice(0, mostTroubles).join("; ")}; and ${lines.length - mostTroubles} more`;

async function diagnoseDaemon(context: CommandContext): Promise<Diagnosis> {
  const name = "daemon";
  try {
    const status = await readStatus(context);
    if (!status.running) {
      return { name, level: "warn", message: "not running; start it with `watchkeeper start`" };
    }
    if (status.healthy) return { name, level: "ok", message: `running, pid ${status.pid ?? "?"}` };
    return { name, level: "fail", message: status.problems.join("; ") };
  } catch (error) {
    return { name, level: "fail", message: describeError(error) };
  }
}

function print(found: readonly Diagnosis[], { out, environment, json }: CommandContext): void {
  if (json) {
    out.write(`${JSON.stringify(found, null, 2)}\n`);
    return;
  }
  const paint = painterFor(out, environment);
  const style = { ok: "green", warn: "yellow", fail: "red" } as const;
  for (const { name, level, message } of found) {
    const text = wrap(`${level.padEnd(4)}  ${name}: ${quoted(message)}`, out.columns, "      ");
    out.write(`${text.replace(level, paint(style[level], level))}\n`);
  }
}
