import type { PackageInfo } from "../config/package.ts";
import { configFile, loadConfig, stateDirectory, type ResolvedConfig } from "../config/load.ts";
import type { Environment } from "../config/secret.ts";
import { looksLikeDuration, parseDuration } from "../domain/duration.ts";
import { offerPublicApi } from "../config/user-module.ts";
import { ConfigError, WatchkeeperError } from "../domain/errors.ts";
import { createScrub } from "../domain/scrub.ts";
import { guardStore } from "../store/guarded.ts";
import { openStore, openStoreReader, type Store, type StoreReader } from "../store/index.ts";

/** What every command is given: where things are, and where it prints. */
export interface CommandContext {
  readonly packageInfo: PackageInfo;
  readonly environment: Environment;
  /** Absolute path of the config file that is meant. */
  readonly configFile: string;
  /** Absolute path of the state directory that is meant. */
  readonly stateDir: string;
  readonly json: boolean;
  /** The options as they were typed. */
  readonly given: GlobalOptions;
  readonly out: Terminal;
  readonly err: Terminal;
  /** From now on these are taken out of whatever is printed. */
  readonly guard: (secrets: readonly string[]) => void;
}

export interface Terminal {
  readonly isTTY: boolean;
  /** Characters in a line; 80 when it is not a terminal. */
  readonly columns: number;
  /** Whether what reads it has gone: nothing that is written arrives any more. */
  readonly isClosed: boolean;
  write(text: string): void;
}

export interface GlobalOptions {
  readonly config?: string;
  readonly state?: string;
  readonly json?: boolean;
}

/** Exit codes of the contract. */
export const exit = { done: 0, failed: 1, wrongUse: 2, notRunning: 3, notHealthy: 4 } as const;

export function commandContext(
  options: GlobalOptions,
  base: Pick<CommandContext, "packageInfo" | "environment" | "out" | "err" | "guard"> & {
    cwd: string;
  },
): CommandContext {
  const { cwd, ...rest } = base;
  return {
    ...rest,
    configFile: configFile(options.config, rest.environment, cwd),
    stateDir: stateDirectory(options.state, rest.environment, cwd),
    json: options.json ?? false,
    given: options,
  };
}

/** Loads the config that a command means, and sees that none of its secrets is printed. */
export async function loadConfigFor(
  { configFile: file, environment, packageInfo, guard }: CommandContext,
  options: { readonly baseDir?: string } = {},
): Promise<ResolvedConfig> {
  offerPublicApi(packageInfo.root);
  const config = await loadConfig({ file, environment, ...options });
  guard(config.secrets);
  return config;
}

/** Opens the store for a command that only looks. */
export function readStore({ stateDir, packageInfo }: CommandContext): StoreReader | undefined {
  return openStoreReader({ stateDir, migrationsDir: packageInfo.migrationsDir });
}

/** @throws WatchkeeperError when nothing was ever saved in the state directory. */
export function readExistingStore(context: CommandContext): StoreReader {
  const reader = readStore(context);
  if (reader) return reader;
  throw nothingSaved(context.stateDir);
}

export const nothingSaved = (stateDir: string): WatchkeeperError =>
  new WatchkeeperError("NOTHING_SAVED", `there is no watch in ${stateDir} yet`, {
    hint: "Start one with `watchkeeper start`, or name its directory with --state DIR",
  });

/** Opens the store for the owner's word. */
export async function writeStore(context: CommandContext): Promise<Store> {
  await readExistingStore(context)[Symbol.asyncDispose]();
  return openStore({
    stateDir: context.stateDir,
    migrationsDir: context.packageInfo.migrationsDir,
  });
}

/**
 * Opens the store for a word of the owner's that holds text of theirs: known secrets stay out of it. A
 * config that cannot be read keeps nobody from the stop button; it is said that the text stays as it is.
 */
export async function writeStoreForText(context: CommandContext): Promise<Store> {
  let secrets: readonly string[] = [];
  try {
    ({ secrets } = await loadConfigFor(context));
  } catch {
    const why = "the configuration cannot be read, so your text is kept as you typed it";
    context.err.write(`watchkeeper: ${why}; see \`watchkeeper config check\`\n`);
  }
  return guardStore(await writeStore(context), createScrub(secrets));
}

/** Reads an id as a person types it. @throws ConfigError when it is none. */
export function parseId(text: string): number {
  const id = Number(text.replace(/^#/, ""));
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new ConfigError("ID_INVALID", `"${text}" is not an id`, {
    hint: "Ids are whole numbers such as 12",
  });
}

/** Reads a duration as a person types it, in milliseconds. @throws ConfigError when it is none. */
export function parseDurationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  if (looksLikeDuration(text)) {
    throw new ConfigError("DURATION_INVALID", `"${text}" must be between 1s and 3660d`, {
      hint: "Write one such as 30m, 2h or 1d",
    });
  }
  throw new ConfigError("DURATION_INVALID", `"${text}" is not a duration`, {
    hint: "Write one such as 30m, 2h or 1d",
  });
}

/** @throws ConfigError when it is none. */
export function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 366) return days;
  throw new ConfigError("DAYS_INVALID", `"${text}" is not a number of days`, {
    hint: "Write a whole number from 1 to 366",
  });
}

/** Reads `--limit`. @throws ConfigError when it is not a whole number from 1 to 10,000. */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return limit;
  throw new ConfigError("LIMIT_INVALID", `"${text}" is not a number of rows`, {
    hint: "Write a whole number from 1 to 10000",
  });
}
