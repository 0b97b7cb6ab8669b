import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError, WatchkeeperError } from "../../domain/errors.ts";
import { whyUnusableStateDir } from "../../store/database.ts";
import type { CommandContext } from "../context.ts";
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

export function places({ configFile, stateDir, environment }: CommandContext): Places {
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
      if (text !== undefined) refuseOpen(dotEnvFile);
    },
  };
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

function refuseUnwritable(dir: string): void {
  let nearest = dir;
  while (!existsSync(nearest) && nearest !== dirname(nearest)) nearest = dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new WatchkeeperError("INIT_FAILED", `cannot write ${dir}`, {
      cause,
      hint: "Call `watchkeeper init` in a folder that you may write",
    });
  }
}

const others = 0o077;

function refuseOpen(path: string): void {
  if ((statSync(path).mode & others) === 0) return;
  throw new ConfigError("INIT_ENV_OPEN", `${path} is open to others, and secrets go into it`, {
    hint: `Close it with chmod 600 ${path}`,
  });
}
