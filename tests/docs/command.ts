import { join } from "node:path";
import { checkout, runProcess, type Outcome } from "../ground/miniature.ts";

/**
 * Runs `watchkeeper` as a user would, in a folder of its own.
 * @param environment all that the process knows of besides where programs and caches are
 */
export function runCommand(
  argv: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { PATH = "", HOME = "" } = process.env;
  const command = [join(checkout, "bin", "watchkeeper.js"), ...argv];
  return runProcess(process.execPath, command, { PATH, HOME, ...environment }, folder);
}
