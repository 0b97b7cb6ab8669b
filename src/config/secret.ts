import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { shortestSecret } from "../domain/scrub.ts";
import { isShortWord } from "../domain/secret-forms.ts";
import { formatPath } from "./issues.ts";

/**
 * Secrets stand in the config as names and become values when the config is resolved. A value comes
 * from the environment or `.env` under its name, from the file of that name in systemd's
 * `CREDENTIALS_DIRECTORY`, or from the file that `NAME_FILE` names. The credential goes first: a service is
 * given it because it need not be allowed to read the file.
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

export const isSecret = (value: unknown): value is Secret =>
  typeof value === "object" && value !== null && marker in value;

/** Beside the config, and among systemd's credentials. */
export const dotEnvName = ".env";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RevealedSecrets {
  /** The same tree with strings in the place of secrets. */
  readonly value: unknown;
  /** The secret values, so that they can be scrubbed from whatever leaves the process. */
  readonly values: readonly string[];
  /** One line for each secret that could not be found, with its mend. */
  readonly problems: readonly string[];
  /** One line for each that cannot be guarded, or only badly. */
  readonly warnings: readonly string[];
}

/** Replaces every {@link secret} in a config tree by its value. */
export function revealSecrets(tree: unknown, environment: Environment): RevealedSecrets {
  const values = new Set<string>();
  const problems: string[] = [];
  const warnings = new Set<string>();

  function walk(node: unknown, path: string, above: readonly object[]): unknown {
    if (isSecret(node)) {
      const found = readSecret(node.name, environment);
      if ("problem" in found) {
        problems.push(`${path}: ${found.problem}`);
        // Stands in so that the rest can be checked; a config with a problem is never used.
        return "missing";
      }
      values.add(found.value);
      const weakness = weaknessOf(found.value);
      if (weakness) warnings.add(`the secret ${node.name} ${weakness}; choose a longer one`);
      return found.value;
    }
    if (typeof node !== "object" || node === null) return node;
    if (above.includes(node)) {
      problems.push(`${path}: contains itself; write it out, or take it away`);
      return undefined;
    }
    const within = [...above, node];
    if (Array.isArray(node)) {
      return node.map((item, index) => walk(item, formatPath(path, [index]), within));
    }
    if (!isPlain(node)) return node;
    return Object.fromEntries(
      Object.entries(node).map(([key, item]) => [key, walk(item, formatPath(path, [key]), within)]),
    );
  }

  const value = walk(tree, "", []);
  return { value, values: [...values], problems, warnings: [...warnings] };
}

function weaknessOf(value: string): string | undefined {
  if (value.length < shortestSecret) {
    return `is shorter than ${shortestSecret} characters and is not taken out of what leaves the process`;
  }
  if (isShortWord(value))
    return "is a short word or number and is taken out wherever that stands alone";
  return undefined;
}

const isPlain = (node: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
};

/** The value of a secret that need not be there. */
export function findSecret(name: string, environment: Environment): string | undefined {
  const found = readSecret(name, environment);
  return "value" in found ? found.value : undefined;
}

/** More than any key or certificate; every text that leaves the process is searched for all of it. */
export const largestSecret = 16 * 1024;

/** Undefined when it is too large. Read piece by piece: it may be a pipe, or never end. */
function readCapped(file: string): string | undefined {
  const bytes = Buffer.alloc(largestSecret + 1);
  const descriptor = openSync(file, "r");
  try {
    let length = 0;
    let read: number;
    do {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
      length += read;
    } while (read > 0 && length < bytes.length);
    return length > largestSecret ? undefined : bytes.toString("utf8", 0, length);
  } finally {
    closeSync(descriptor);
  }
}

const reasons: Record<string, string> = {
  ENOENT: "there is no such file; correct the path",
  EISDIR: "that is a folder; name the file in it",
  EACCES: "this user may not read it; change its owner or mode",
  ENOTDIR: "a part of the path is a file; correct the path",
};

function readSecret(
  name: string,
  environment: Environment,
): { value: string } | { problem: string } {
  const direct = environment[name];
  if (direct) return { value: direct };
  const named = environment[`${name}_FILE`];
  const credentials = environment.CREDENTIALS_DIRECTORY;
  for (const file of [credentials && join(credentials, name), named]) {
    if (!file) continue;
    try {
      const value = readCapped(file)?.replace(/\r?\n$/, "");
      if (value) return { value };
      return {
        problem:
          value === undefined
            ? `the secret file ${file} is larger than ${largestSecret / 1024} KB; name one that holds the secret alone`
            : `the secret file ${file} is empty; write the secret into it`,
      };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (file !== named && code === "ENOENT") continue;
      const from = file === named ? `${name}_FILE` : "CREDENTIALS_DIRECTORY";
      const reason = reasons[code] ?? (code || "unreadable");
      return {
        problem: `cannot read ${file}, where ${from} says the secret ${name} is: ${reason}`,
      };
    }
  }
  return {
    problem: `the secret ${name} is missing; set it in the environment or in .env, or name a file in ${name}_FILE`,
  };
}
