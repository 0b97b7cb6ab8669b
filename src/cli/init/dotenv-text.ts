import { parseEnv } from "node:util";
import { ConfigError } from "../../domain/errors.ts";
import { environmentLine } from "./environment-line.ts";
import { keyName, type KnownEnvironment, type NamedSecret } from "./setup.ts";

/** The `.env` beside the configuration. */

export interface SecretLine {
  readonly name: string;
  readonly value: string;
}

/** What `.env` does not say yet: secrets, or where their files are. */
export const missingLines = (
  secrets: readonly NamedSecret[],
  { dotEnv }: Pick<KnownEnvironment, "dotEnv">,
): SecretLine[] =>
  secrets
    .map(({ name, value, file }) =>
      file === undefined ? { name, value } : { name: `${name}_FILE`, value: file },
    )
    .filter(({ name }) => !dotEnv[name]);

const lineOf = ({ name, value }: SecretLine): string =>
  environmentLine(name, value) ?? refuse(name);

function refuse(name: string): never {
  throw new ConfigError("INIT_SECRET_UNWRITABLE", `${name} cannot be written into .env`, {
    hint: "It has several lines, or all three kinds of quotes; put it into a file, and name that with the option that ends in -file",
  });
}

/** A whole new file. @throws ConfigError when a value cannot be written */
export function dotEnvText(missing: readonly SecretLine[]): string {
  const hasKey = missing.some(({ name }) => name.startsWith(keyName));
  const lines = [
    "# Secrets of watchkeeper. Keep this file to yourself (mode 600) and out of git.",
    "",
    ...(hasKey
      ? []
      : ["# Without a key the rules decide, and no model is asked.", `# ${keyName}=`, ""]),
    ...(missing.length > 0 ? missing.map(lineOf) : ["# IMAP_PASSWORD="]),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * What is added to one that is there; nothing in it is changed.
 * @throws ConfigError when a value cannot be written, or would not be read behind what is there
 */
export function dotEnvAddition(missing: readonly SecretLine[], existing: string): string {
  const end = existing === "" || existing.endsWith("\n") ? "" : "\n";
  const addition = `${end}\n# Added by \`watchkeeper init\`.\n${missing.map(lineOf).join("\n")}\n`;
  const read = parseEnv(existing + addition);
  const lost = missing.find(({ name, value }) => read[name] !== value);
  if (lost !== undefined) {
    throw new ConfigError(
      "INIT_ENV_UNFINISHED",
      `what is added to .env would not be read: ${lost.name}`,
      {
        hint: "A quote in it is not closed; close it",
      },
    );
  }
  return addition;
}
