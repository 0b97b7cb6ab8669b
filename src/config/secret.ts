import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../domain/errors.ts";

/**
 * Secrets stand in the config as names and become values when the config is resolved. A value comes
 * from the environment or `.env` under its name, from the file that `NAME_FILE` names, or from the
 * file of that name in systemd's `CREDENTIALS_DIRECTORY`.
 */

const marker = Symbol.for("watchkeeper.secret");

export interface Secret {
  readonly [marker]: true;
  readonly name: string;
}

/**
 * Stands for a secret in `agent.config.ts`.
 * @param name of the environment variable, such as `IMAP_PASSWORD`
 */
export function secret(name: string): Secret {
  return { [marker]: true, name };
}

const isSecret = (value: unknown): value is Secret =>
  typeof value === "object" && value !== null && marker in value;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RevealedSecrets {
  /** The same tree with strings in the place of secrets. */
  readonly value: unknown;
  /** The secret values, so that they can be scrubbed from whatever leaves the process. */
  readonly values: readonly string[];
  /** One line for each secret that could not be found, with its mend. */
  readonly problems: readonly string[];
}

/** Replaces every {@link secret} in a config tree by its value. */
export function revealSecrets(tree: unknown, environment: Environment): RevealedSecrets {
  const values = new Set<string>();
  const problems: string[] = [];

  function walk(node: unknown, path: string): unknown {
    if (isSecret(node)) {
      const found = readSecret(node.name, environment);
      if ("problem" in found) {
        problems.push(`${path}: ${found.problem}`);
        return "";
      }
      values.add(found.value);
      return found.value;
    }
    if (Array.isArray(node)) return node.map((item, index) => walk(item, `${path}[${index}]`));
    if (typeof node === "object" && node !== null && isPlain(node)) {
      return Object.fromEntries(
        Object.entries(node).map(([key, item]) => [key, walk(item, path ? `${path}.${key}` : key)]),
      );
    }
    return node;
  }

  return { value: walk(tree, ""), values: [...values], problems };
}

const isPlain = (node: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
};

function readSecret(name: string, environment: Environment): { value: string } | { problem: string } {
  const direct = environment[name];
  if (direct) return { value: direct };
  const named = environment[`${name}_FILE`];
  const credentials = environment.CREDENTIALS_DIRECTORY;
  for (const file of [named, credentials && join(credentials, name)]) {
    if (!file) continue;
    try {
      const value = readFileSync(file, "utf8").replace(/\r?\n$/, "");
      if (value) return { value };
      return { problem: `the secret file ${file} is empty` };
    } catch (error) {
      if (file !== named) continue;
      const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
      return { problem: `cannot read ${file}, which ${name}_FILE names (${code})` };
    }
  }
  return {
    problem: `the secret ${name} is missing; set it in the environment or in .env, or name a file in ${name}_FILE`,
  };
}

/** Raised when secrets are missing: nothing may start half configured. */
export const missingSecrets = (file: string, problems: readonly string[]): ConfigError =>
  new ConfigError("SECRET_MISSING", `${file}: ${problems.join("; ")}`);
