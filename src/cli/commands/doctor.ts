import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { loadConfig, type ResolvedConfig } from "../../config/load.ts";
import { offerPublicApi } from "../../config/user-module.ts";
import { attentionSettings } from "../../daemon.ts";
import { startDemoWorld } from "../../demo/index.ts";
import { systemClock } from "../../domain/clock.ts";
import { formatDuration } from "../../domain/duration.ts";
import { describeError } from "../../domain/errors.ts";
import { dryRun } from "../../heartbeat/dry-run.ts";
import { loadSkills, silentSkillLog, type LoadedCheck } from "../../skills/load.ts";
import { isLocked } from "../../store/index.ts";
import { databasePath } from "../../store/database.ts";
import { exit, readStore, type CommandContext } from "../context.ts";
import { painterFor, wrap } from "../text.ts";
import { readStatus } from "./status.ts";

/** One thing that the watch needs, and how it stands. */
interface Diagnosis {
  readonly name: string;
  readonly level: "ok" | "warn" | "fail";
  readonly message: string;
}

/** Looks at everything that the watch needs, before it is needed; changes nothing. */
export async function doctor(context: CommandContext): Promise<number> {
  offerPublicApi(context.packageInfo.root);
  const found: Diagnosis[] = [
    { name: "node", level: "ok", message: process.version },
    diagnoseStateDir(context),
    await diagnoseDatabase(context),
    diagnoseDisk(context),
  ];
  try {
    const { configFile: file, environment } = context;
    const config = await loadConfig({ file, environment });
    found.push({ name: "config", level: "ok", message: config.file });
    for (const part of config.unused) {
      found.push({ name: "config", level: "warn", message: `${part} is not used by this version yet` });
    }
    found.push(diagnoseModel(config), ...(await diagnoseSkills(context, config)));
  } catch (error) {
    found.push({ name: "config", level: "fail", message: describeError(error) });
  }
  found.push(await diagnoseDaemon(context));
  print(found, context);
  return found.some(({ level }) => level === "fail") ? exit.failed : exit.done;
}

function diagnoseStateDir({ stateDir }: CommandContext): Diagnosis {
  const name = "state";
  if (!existsSync(stateDir)) {
    const parent = dirname(stateDir);
    return existsSync(parent)
      ? { name, level: "ok", message: `${stateDir} will be made at the first start` }
      : { name, level: "warn", message: `${stateDir} and the folder above it will be made at the first start` };
  }
  const mode = statSync(stateDir).mode & 0o777;
  if (mode === 0o700) return { name, level: "ok", message: stateDir };
  return {
    name,
    level: "warn",
    message: `${stateDir} is open to others (mode ${mode.toString(8)}); chmod 700 it, or start the daemon, which does`,
  };
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
  let dir = stateDir;
  while (!existsSync(dir) && dir !== dirname(dir)) dir = dirname(dir);
  const { bavail, bsize } = statfsSync(dir);
  const message = `${Math.floor((bavail * bsize) / 1024 / 1024).toLocaleString("en")} MB free`;
  return bavail * bsize < leastFreeBytes
    ? { name: "disk", level: "warn", message: `only ${message}; free some space` }
    : { name: "disk", level: "ok", message };
}

function diagnoseModel({ model }: ResolvedConfig): Diagnosis {
  const usable = model.chain.find(({ apiKey, baseUrl }) => apiKey ?? baseUrl);
  return usable
    ? { name: "model", level: "ok", message: `${usable.model}${usable.baseUrl ? ` at ${usable.baseUrl}` : ""}` }
    : { name: "model", level: "warn", message: "no ANTHROPIC_API_KEY: the rules decide; set it in the environment or in .env" };
}

/** Each check looks once, for nothing: that shows that its server is reachable and lets it in. */
async function diagnoseSkills(context: CommandContext, config: ResolvedConfig): Promise<Diagnosis[]> {
  const { builtinSkillsDir } = context.packageInfo;
  const { skills, broken } = await loadSkills(config, { builtinSkillsDir, logFor: silentSkillLog });
  const off = broken.map(({ name, error }): Diagnosis => ({ name: `skill ${name}`, level: "fail", message: error }));
  const checks = skills.flatMap((skill) => skill.checks);
  try {
    return [...off, ...(await diagnoseChecks(context, config, checks))];
  } finally {
    for (const skill of skills) await skill.close();
  }
}

async function diagnoseChecks(
  context: CommandContext,
  config: ResolvedConfig,
  checks: readonly LoadedCheck[],
): Promise<Diagnosis[]> {
  const { demo, timezone } = config;
  await using _world =
    demo && !isLocked(context.stateDir)
      ? await startDemoWorld({ ...demo, now: Date.now(), timezone, warn() {} })
      : null;
  const looks = await dryRun(checks, {
    store: undefined,
    clock: systemClock,
    attention: attentionSettings(config),
  });
  return looks.map(({ name, outcome, error, durationMs }) =>
    outcome === "ok"
      ? { name, level: "ok", message: `looked in ${formatDuration(durationMs)}` }
      : { name, level: "fail", message: error ?? outcome },
  );
}

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
    const text = wrap(`${level.padEnd(4)}  ${name}: ${message}`, out.columns, "      ");
    out.write(`${text.replace(level, paint(style[level], level))}\n`);
  }
}
