import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { parseEnv } from "node:util";
import { loadable } from "../../config/user-module.ts";
import { ConfigError } from "../../domain/errors.ts";
import { whyUnusableStateDir } from "../../store/database.ts";
import { makeFolder, removeEmpty } from "../../store/index.ts";
import type { CommandContext } from "../context.ts";
import { isOpenToOthers } from "../doctor/permissions.ts";
import { refuseUnfinished } from "./dotenv-text.ts";
import { notWritten } from "./new-files.ts";
import type { KnownEnvironment } from "./setup.ts";

/** Where `init` writes, and what is there before. */
export interface Places {
  readonly configFile: string;
  readonly dotEnvFile: string;
  readonly stateDir: string;
  readonly hasConfig: boolean;
  /** `.env` as it is; undefined when there is none. */
  readonly dotEnvText: string | undefined;
  readonly known: KnownEnvironment;
  /** Says what would keep secrets from being written, before anybody is asked for one. */
  refuseUnfit(): void;
}

/** @throws ConfigError when what would be written there could not be used */
export function places({ configFile, stateDir, environment }: CommandContext): Places {
  refuseUnloadable(configFile, stateDir);
  const dotEnvFile = join(dirname(configFile), ".env");
  const text = readExisting(dotEnvFile);
  return {
    configFile,
    dotEnvFile,
    stateDir,
    hasConfig: existsSync(configFile),
    dotEnvText: text,
    known: { dotEnv: text === undefined ? {} : parseEnv(text), environment },
    refuseUnfit() {
      const unusable = whyUnusableStateDir(stateDir);
      if (unusable) throw unusable;
      refuseUnwritable(dirname(configFile));
      refuseCommonJs(configFile);
      if (text === undefined) return;
      refuseOpen(dotEnvFile);
      refuseUnfinished(dotEnvFile, text);
    },
  };
}

function refuseUnloadable(configFile: string, stateDir: string): void {
  const refusal = (text: string, hint: string) =>
    new ConfigError("INIT_CONFIG_NAME", `${configFile} ${text}`, { hint });
  if (statSync(configFile, { throwIfNoEntry: false })?.isDirectory()) {
    throw refusal("is a folder", `Name the file itself: ${join(configFile, "agent.config.ts")}`);
  }
  if (!loadable.includes(extname(configFile))) {
    throw refusal("would not be read", `Its name must end in ${loadable.join(", ")}`);
  }
  if (configFile === stateDir) {
    throw refusal("cannot be state directory too", "Give another name with --config or --state");
  }
}

function readExisting(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("DOTENV_UNREADABLE", `cannot read ${path}`, {
      cause,
      hint: "See that the file belongs to you",
    });
  }
}

/** What is missing is made and taken away again. */
function refuseUnwritable(dir: string): void {
  const made: string[] = [];
  try {
    makeFolder(dir, 0o777, made);
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw notWritten(dir, cause);
  } finally {
    removeEmpty(made);
  }
}

/** There a `.ts` file is no module, and what is written could not be read. */
function refuseCommonJs(configFile: string): void {
  if (configFile.endsWith(".mts")) return;
  const about = nearestPackage(dirname(configFile));
  if (about === undefined || typeOf(about) !== "commonjs") return;
  throw new ConfigError("INIT_FOLDER_COMMONJS", `${about} says that files here are no modules`, {
    hint: 'Write "type": "module" into it, or name the configuration with --config agent.config.mts',
  });
}

function nearestPackage(dir: string): string | undefined {
  const about = join(dir, "package.json");
  if (existsSync(about)) return about;
  return dir === dirname(dir) ? undefined : nearestPackage(dirname(dir));
}

function typeOf(about: string): unknown {
  try {
    return (JSON.parse(readFileSync(about, "utf8")) as { type?: unknown } | null)?.type;
  } catch {
    // Whoever needs it says what is wrong with it.
    return undefined;
  }
}

function refuseOpen(path: string): void {
  if (!isOpenToOthers(statSync(path).mode)) return;
  throw new ConfigError("INIT_ENV_OPEN", `${path} is open to others, and secrets go into it`, {
    hint: `Close it with chmod 600 ${path}`,
  });
}
