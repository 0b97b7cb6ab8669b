import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { findSecret, type Environment } from "../../config/secret.ts";
import { ConfigError, describeError } from "../../domain/errors.ts";
import type { GivenSecret } from "./answers.ts";

/** Secrets that the command line speaks of. */
export interface SecretSource {
  /** Where one need not be there. @throws ConfigError for a file that cannot be used */
  maybe(option: string, file: string | undefined, name: string): GivenSecret | undefined;
  /** @throws ConfigError also when there is none */
  needed(option: string, file: string | undefined, name: string): GivenSecret;
}

const largest = 64 * 1024;

export function secretSource(environment: Environment, readInput: () => string): SecretSource {
  let inputUsed = false;

  function maybe(option: string, file: string | undefined, name: string): GivenSecret | undefined {
    if (file === undefined) {
      const value = findSecret(name, environment);
      const named = environment[name] ? undefined : environment[`${name}_FILE`];
      return value === undefined ? undefined : { value, ...(named && { file: resolve(named) }) };
    }
    if (file === "-") {
      if (inputUsed) {
        throw new ConfigError(
          "INIT_INPUT_TWICE",
          `${option} cannot read standard input: another option has`,
          {
            hint: "Give one of the secrets in a file",
          },
        );
      }
      inputUsed = true;
    }
    const path = resolve(file);
    const read = readSecret(option, file === "-" ? undefined : path, readInput);
    // Of a pipe nothing is left to be read at the next start.
    return file !== "-" && statSync(path).isFile() ? { value: read, file: path } : { value: read };
  }

  return {
    maybe,
    needed(option, file, name) {
      const found = maybe(option, file, name);
      if (found !== undefined) return found;
      throw new ConfigError("INIT_SECRET_NEEDED", `${name} is needed`, {
        hint: `Name a file that holds it with ${option}, or set ${name} in the environment`,
      });
    },
  };
}

function readSecret(option: string, path: string | undefined, readInput: () => string): string {
  const from = path ?? "standard input";
  let text: string;
  try {
    text = path === undefined ? readInput() : readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(
      "INIT_SECRET_UNREADABLE",
      `cannot read ${from}: ${describeError(cause)}`,
      {
        hint: `Correct ${option}`,
      },
    );
  }
  const value = text.replace(/\r?\n$/, "");
  const problem = secretProblem(value);
  if (problem === undefined) return value;
  throw new ConfigError("INIT_SECRET_UNREADABLE", `${from} cannot be a secret: it ${problem}`, {
    hint: `${option} names a file that holds the secret alone`,
  });
}

/** What keeps a text from being a secret, as a predicate; undefined when nothing does. */
export function secretProblem(value: string): string | undefined {
  if (value.trim() === "") return "is empty";
  if (value.length > largest) return "is too long for a secret";
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(value)) return "holds more than one line, or control characters";
  return undefined;
}
