import { parseEnv } from "node:util";

/**
 * A line of `.env` that is read back as exactly this value.
 * @returns undefined when there is none: the format has no escapes
 */
export function environmentLine(name: string, value: string): string | undefined {
  const plain = /^[\w./:@%+,=-]+$/.test(value) ? [value] : [];
  const quoted = ["'", '"', "`"].map((quote) => `${quote}${value}${quote}`);
  // A quote at its beginning would be closed by one in a line further down.
  const bare = /^['"`]/.test(value) ? [] : [value];
  return [...plain, ...quoted, ...bare]
    .map((text) => `${name}=${text}`)
    .find((line) => !/[\r\n\0]/.test(line) && parseEnv(`${line}\n`)[name] === value);
}
