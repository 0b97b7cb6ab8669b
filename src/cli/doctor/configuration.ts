import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { dotEnvFile, readDotEnv, type ResolvedConfig } from "../../config/load.ts";
import type { Environment } from "../../config/secret.ts";
import { plural } from "../text.ts";
import { ok, warn, type Diagnosis } from "./diagnosis.ts";
import { isOpenToOthers, isWritableByOthers, octal } from "./permissions.ts";

/** What is to be said of a config that can be used: who else may change it, or read its secrets. */
export function diagnoseConfigFiles(
  { file, secrets }: Pick<ResolvedConfig, "file" | "secrets">,
  environment: Environment,
): Diagnosis[] {
  const { mode } = statSync(file);
  const dotEnv = dotEnvFile(dirname(file), environment);
  const secretFiles = [
    // What systemd hands over it keeps to itself.
    ...(existsSync(dotEnv) && dotEnv === join(dirname(file), ".env") ? [dotEnv] : []),
    ...filesOfSecrets({ ...readDotEnv(dotEnv), ...environment }, secrets),
  ];
  const open = secretFiles.filter((path) => isOpenToOthers(statSync(path).mode));
  return [
    ...(isWritableByOthers(mode)
      ? [
          warn(
            "config",
            `others may write ${file} (mode ${octal(mode)}), which is run as a program; chmod go-w it`,
          ),
        ]
      : []),
    ...open.map((path) =>
      warn("secrets", `others may read ${path} (mode ${octal(statSync(path).mode)}); chmod 600 it`),
    ),
    ...(open.length === 0 ? [ok("secrets", howMany(secrets.length))] : []),
  ];
}

const howMany = (count: number): string =>
  count === 0
    ? "there are none"
    : `all are there; ${plural(count, "value")} kept out of what is said`;

/** Files that a variable `NAME_FILE` names, and that hold one of the secrets. */
function filesOfSecrets(environment: Environment, secrets: readonly string[]): string[] {
  return Object.entries(environment).flatMap(([name, path]) => {
    if (!name.endsWith("_FILE") || path === undefined) return [];
    try {
      return secrets.includes(readFileSync(path, "utf8").replace(/\r?\n$/, "")) ? [path] : [];
    } catch {
      // The config was loaded: it is none of ours.
      return [];
    }
  });
}
