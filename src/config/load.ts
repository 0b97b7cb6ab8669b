import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { parseTimeOfDay, type ClockRange } from "../domain/active-hours.ts";
import { ConfigError } from "../domain/errors.ts";
import type { Retention } from "../domain/retention.ts";
import { createScrub } from "../domain/scrub.ts";
import { channelSecrets, inWrittenOrder } from "./channels.ts";
import { hostTimezone } from "./host-timezone.ts";
import { describeIssues } from "./issues.ts";
import { knownSecrets } from "./known-secrets.ts";
import { ConfigProblems } from "./problems.ts";
import { configSchema, type ParsedConfig } from "./schema.ts";
import { dotEnvName, findSecret, revealSecrets, type Environment } from "./secret.ts";
import { importUserModule } from "./user-module.ts";

/** load → resolve → one frozen {@link ResolvedConfig}. */

export interface ModelEntry {
  readonly model: string;
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/** Where the page and the API are offered. */
export interface WebSettings {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Scheme and host by which a proxy offers it, such as `https://watch.example.com`. */
  readonly publicUrl: string | undefined;
}

/** Everything a daemon needs to know, with defaults, secrets and environment settled. */
export interface ResolvedConfig {
  /** The config file, absolute. */
  readonly file: string;
  /** Relative paths in the config start here. */
  readonly baseDir: string;
  readonly timezone: string;
  readonly heartbeat: {
    readonly everyMs: number;
    readonly slackMs: number;
    readonly activeHours: ClockRange;
  };
  readonly model: {
    readonly chain: readonly ModelEntry[];
    readonly budget: ParsedConfig["model"]["budget"];
    readonly limits: ParsedConfig["model"]["limits"];
    readonly prices: ParsedConfig["model"]["prices"];
    /** 0 when nothing waits for company. */
    readonly gatherMs: number;
  };
  /** As written: name or path of each skill, and its own config; `false` is left out. */
  readonly skills: ReadonlyMap<string, unknown>;
  readonly notify: ParsedConfig["notify"];
  readonly policy: ParsedConfig["policy"];
  /** Servers whose tools the agent may use, by name. */
  readonly mcp: ParsedConfig["mcp"];
  /** Null when it is switched off. */
  readonly web: WebSettings | null;
  /** How long what is kept, in milliseconds. */
  readonly retention: Retention;
  readonly upkeep: {
    /** Minutes after midnight of the owner's clock. */
    readonly at: number;
    readonly prune: boolean;
    /** How many are kept; 0 makes none. */
    readonly weeklyBackups: number;
  };
  readonly demo: { readonly dir: string; readonly port: number } | undefined;
  /** Values that must never leave the process. */
  readonly secrets: readonly string[];
  /** Secrets that cannot be guarded, or only badly, each in one line. */
  readonly secretWarnings: readonly string[];
}

export interface ConfigSource {
  readonly file: string;
  /** Default: the folder of `file`. */
  readonly baseDir?: string;
  /** What `.env` says included. */
  readonly environment: Environment;
  /** What `.env` says alone. */
  readonly dotEnv?: Environment;
}

/** Which config file a command means: `--config`, `WATCHKEEPER_CONFIG`, else `agent.config.ts` here. */
export function configFile(
  option: string | undefined,
  environment: Environment,
  cwd: string,
): string {
  refuseNothing("--config", option);
  return resolve(cwd, option ?? (environment.WATCHKEEPER_CONFIG || "agent.config.ts"));
}

/** Which state directory: `--state`, `WATCHKEEPER_STATE`, systemd's `STATE_DIRECTORY`, else `./state`. */
export function stateDirectory(
  option: string | undefined,
  environment: Environment,
  cwd: string,
): string {
  refuseNothing("--state", option);
  // systemd gives several directories separated by colons; the first is ours.
  const fromSystemd = environment.STATE_DIRECTORY?.split(":")[0];
  return resolve(cwd, option ?? (environment.WATCHKEEPER_STATE || fromSystemd || "state"));
}

/** Of a script whose variable is not set; it would mean the folder that one happens to be in. */
function refuseNothing(name: string, option: string | undefined): void {
  if (option !== "") return;
  throw new ConfigError("OPTION_EMPTY", `${name} is given, but empty`, {
    hint: "Name a path, or leave the option out",
  });
}

/**
 * Reads, checks and resolves a config.
 * @throws ConfigError with one line for everything that is wrong, each with its mend.
 */
export async function loadConfig(source: ConfigSource): Promise<ResolvedConfig> {
  const raw = await importUserModule(source.file);
  const dotEnv = readDotEnv(dotEnvFile(dirname(source.file), source.environment));
  const environment = { ...dotEnv, ...source.environment };
  return resolveConfig(raw, { ...source, environment, dotEnv });
}

/** The part of {@link loadConfig} after the file was read. */
export function resolveConfig(raw: unknown, source: ConfigSource): ResolvedConfig {
  const { file, environment, dotEnv = {} } = source;
  const baseDir = source.baseDir ?? dirname(file);
  const revealed = revealSecrets(raw, environment);
  const parsed = configSchema.safeParse(revealed.value, { reportInput: true });
  const issues = parsed.success ? [] : describeIssues(configSchema, parsed.error.issues);
  // What stands in for a missing secret need not fit its place.
  const missing = new Set(revealed.problems.map(placeOf));
  const mistakes = issues.filter((line) => !missing.has(placeOf(line)));
  const found = [...mistakes, ...revealed.problems];
  const secretsOf = (named: readonly string[]) =>
    knownSecrets({ named, config: revealed.value, dotEnv, environment });
  const problems = found.map(createScrub(secretsOf(revealed.values)));
  if (mistakes.length > 0) throw new ConfigProblems("CONFIG_INVALID", file, problems);
  // Nothing may start half configured.
  if (!parsed.success || problems.length > 0)
    throw new ConfigProblems("SECRET_MISSING", file, problems);
  const config = parsed.data;
  const channelsOf = (tree: unknown) => (tree as Tree).notify?.channels;
  const chain = config.model.chain.map((entry) => ({
    model: entry.model,
    baseUrl: entry.baseUrl ?? (environment.ANTHROPIC_BASE_URL || undefined),
    apiKey: entry.apiKey ?? findSecret("ANTHROPIC_API_KEY", environment),
    requestsPerMinute: entry.requestsPerMinute,
    tokensPerMinute: entry.tokensPerMinute,
  }));
  const keys = chain.flatMap(({ apiKey }) => apiKey ?? []);
  return deepFreeze({
    file,
    baseDir,
    timezone: config.timezone ?? hostTimezone(),
    heartbeat: {
      everyMs: config.heartbeat.every,
      slackMs: config.heartbeat.slack,
      activeHours: config.heartbeat.activeHours,
    },
    model: resolveModel(config.model, chain),
    skills: new Map(Object.entries(config.skills).filter(([, value]) => value !== false)),
    notify: {
      ...config.notify,
      channels: inWrittenOrder(config.notify.channels, channelsOf(revealed.value)),
    },
    policy: config.policy,
    mcp: config.mcp,
    web: config.web === false ? null : resolveWeb(config.web),
    retention: config.retention,
    upkeep: { ...config.upkeep, at: parseTimeOfDay(config.upkeep.at) ?? 0 },
    demo: config.demo && { dir: resolve(baseDir, config.demo.dir), port: config.demo.port },
    secrets: secretsOf([
      ...revealed.values,
      ...keys,
      // Whoever has the address can speak for the watch.
      config.notify.deadMansPing ?? "",
      ...channelSecrets(config.notify.channels).values(),
    ]),
    secretWarnings: [...revealed.warnings, ...inClearText(channelsOf(raw))],
  });
}

interface Tree {
  readonly notify?: { readonly channels?: unknown; readonly deadMansPing?: unknown };
}

const placeOf = (line: string): string => line.slice(0, line.indexOf(": "));

const inClearText = (channels: unknown): string[] =>
  [...channelSecrets(channels).keys()].map(
    (place) =>
      `${place} stands in the configuration itself; put it into .env and write secret("NAME")`,
  );

const resolveModel = (
  { budget, limits, prices, gather = 0 }: ParsedConfig["model"],
  chain: readonly ModelEntry[],
): ResolvedConfig["model"] => ({ chain, budget, limits, prices, gatherMs: gather });

const resolveWeb = ({ host, port, publicUrl }: Exclude<ParsedConfig["web"], false>) => ({
  host,
  port,
  publicUrl: publicUrl && new URL(publicUrl).origin,
});

/** Freezes our own plain parts; what a skill was given stays the skill's. */
function deepFreeze<T extends object>(part: T): T {
  for (const value of Object.values(part)) {
    const isPlain = Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype;
    if (isPlain) deepFreeze(value as object);
  }
  return Object.freeze(part);
}

/**
 * Which `.env` is read: the one beside the config, or systemd's copy of it: a service need not be allowed to read
 * the first.
 */
export function dotEnvFile(dir: string, { CREDENTIALS_DIRECTORY }: Environment): string {
  const credential = CREDENTIALS_DIRECTORY && join(CREDENTIALS_DIRECTORY, dotEnvName);
  return credential && existsSync(credential) ? credential : join(dir, dotEnvName);
}

/** @throws ConfigError when it cannot be read */
export function readDotEnv(file: string): Environment {
  if (!existsSync(file)) return {};
  try {
    return parseEnv(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ConfigError("DOTENV_UNREADABLE", `cannot read ${file}`, {
      cause,
      hint: "See that the file belongs to you",
    });
  }
}
