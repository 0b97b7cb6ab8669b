import { createInterface } from "node:readline/promises";
import { ConfigError } from "../domain/errors.ts";
import type { CommandContext } from "./context.ts";

interface Saying {
  readonly yes?: boolean;
}

/** @throws ConfigError when a yes is needed and nobody is there to say it */
export function refuseUnasked({ yes }: Saying, { out, err, json }: CommandContext): void {
  if (yes || (process.stdin.isTTY && (json ? err : out).isTTY)) return;
  throw new ConfigError("YES_MISSING", "nobody is here to say yes", {
    hint: "Say it with --yes; `service install --dry-run` shows what would be written",
  });
}

/** Shows what would be done and asks for a yes; with `--yes` it only shows. */
export async function confirmed(
  what: string,
  question: string,
  { yes }: Saying,
  { out, err, json }: CommandContext,
): Promise<boolean> {
  // Standard output is the command's when a script reads it.
  const shown = json ? err : out;
  if (yes) {
    shown.write(what);
    return true;
  }
  shown.write(what);
  const output = json ? process.stderr : process.stdout;
  const asking = createInterface({ input: process.stdin, output });
  const stop = new AbortController();
  // Ctrl-D is a no as well.
  asking.once("close", () => stop.abort());
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal: stop.signal });
    if (/^\s*y(?:es)?\s*$/i.test(answer)) return true;
  } catch {
    shown.write("\n");
  } finally {
    asking.close();
  }
  shown.write("Nothing was changed.\n");
  return false;
}
